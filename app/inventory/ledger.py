"""The only way units move: balances and the ledger rows that explain them, together."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Uuid,
    and_,
    column,
    func,
    literal,
    select,
    table,
    update,
)
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.inventory.errors import ReferenceReused, UnknownStock
from app.inventory.models import Inventory, LedgerEntry, LedgerReason, Warehouse
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.metrics import INVENTORY_OVERSELL
from app.platform.rows import unnested

# The catalog stands above inventory; of its table only the key is read here.
_SKUS = table("skus", column("id", Uuid()))

Place = tuple[UUID, UUID]  # (sku_id, warehouse_id)


class BalanceBroken(RuntimeError):
    """A bug: a move would have taken a balance below zero although it was checked under lock."""


@dataclass(frozen=True)
class Entry:
    """A move of units at one place, and the row that caused it. Deltas are signed units."""

    sku_id: UUID
    warehouse_id: UUID
    available: int
    reserved: int
    reference: UUID
    note: str | None = None


def lock(session: ShopSession, sku_ids: Collection[UUID]) -> dict[UUID, list[tuple[UUID, int]]]:
    """Lock the balances of these SKUs until the transaction ends; gives by SKU each warehouse and
    what is available there, first the warehouse to be emptied first.

    Everyone locks in the order (sku_id, warehouse_id), so that no two acts wait for each other.
    """
    rows = session.execute(
        select(
            Inventory.sku_id, Inventory.warehouse_id, Inventory.stock_available, Warehouse.priority
        )
        .join(Warehouse, Warehouse.id == Inventory.warehouse_id)
        .where(Inventory.sku_id == func.any(literal(list(set(sku_ids)), ARRAY(Uuid()))))
        .order_by(Inventory.sku_id, Inventory.warehouse_id)
        .with_for_update(of=Inventory)
    ).all()
    places: dict[UUID, list[tuple[UUID, int]]] = {}
    for row in sorted(rows, key=lambda row: (row.priority, row.warehouse_id)):
        places.setdefault(row.sku_id, []).append((row.warehouse_id, row.stock_available))
    return places


def open_balances(session: ShopSession, entries: Collection[Entry]) -> None:
    """Give SKUs a balance of nothing in the warehouses where they have none yet.

    Raises UnknownStock where there is no such SKU or no such warehouse.
    """
    places = sorted({(entry.sku_id, entry.warehouse_id) for entry in entries})
    rows = unnested(
        "places",
        {
            "sku_id": (Uuid(), [sku_id for sku_id, _ in places]),
            "warehouse_id": (Uuid(), [warehouse_id for _, warehouse_id in places]),
        },
    )
    real = select(*rows.c, literal(0), literal(0)).where(
        rows.c.sku_id.in_(select(_SKUS.c.id)), rows.c.warehouse_id.in_(select(Warehouse.id))
    )
    columns = ["sku_id", "warehouse_id", "stock_available", "stock_reserved"]
    session.execute(insert(Inventory).from_select(columns, real).on_conflict_do_nothing())
    opened = session.scalar(
        select(func.count())
        .select_from(rows)
        .join(
            Inventory,
            and_(Inventory.sku_id == rows.c.sku_id, Inventory.warehouse_id == rows.c.warehouse_id),
        )
    )
    if opened != len(places):
        raise UnknownStock("No such SKU or no such warehouse.")


def not_posted(session: ShopSession, reason: LedgerReason, entries: Sequence[Entry]) -> list[Entry]:
    """Those that no ledger row tells of yet. Ask it with the balances locked.

    Raises ReferenceReused where one was posted with other units.
    """
    rows = session.execute(
        select(
            LedgerEntry.reference,
            LedgerEntry.sku_id,
            LedgerEntry.warehouse_id,
            LedgerEntry.delta_available,
        ).where(
            LedgerEntry.reason == reason,
            LedgerEntry.reference
            == func.any(literal([entry.reference for entry in entries], ARRAY(Uuid()))),
        )
    ).all()
    told = {(row.reference, row.sku_id, row.warehouse_id): row.delta_available for row in rows}
    new = []
    for entry in entries:
        name = (entry.reference, entry.sku_id, entry.warehouse_id)
        if name not in told:
            told[name] = entry.available
            new.append(entry)
        elif told[name] != entry.available:
            raise ReferenceReused("This reference was posted before with another quantity.")
    return new


def post(session: ShopSession, reason: LedgerReason, entries: Sequence[Entry]) -> None:
    """Move units and write down why: one conditional UPDATE per call, a ledger row per entry.

    The balances must be locked. Raises BalanceBroken, and nothing may be committed then, where a
    balance would go below zero.
    """
    sums: dict[Place, list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        sums[entry.sku_id, entry.warehouse_id][0] += entry.available
        sums[entry.sku_id, entry.warehouse_id][1] += entry.reserved
    if not sums:
        return
    _change_balances(session, sums)
    session.execute(
        plain_insert(LedgerEntry),
        [
            {
                "id": new_id(),
                "sku_id": entry.sku_id,
                "warehouse_id": entry.warehouse_id,
                "delta_available": entry.available,
                "delta_reserved": entry.reserved,
                "reason": reason,
                "reference": entry.reference,
                "note": entry.note,
            }
            for entry in entries
        ],
    )


def _change_balances(session: ShopSession, sums: Mapping[Place, Sequence[int]]) -> None:
    """Gate 2: the condition and, behind it, the CHECKs of the table."""
    moves = unnested(
        "moves",
        {
            "sku_id": (Uuid(), [sku_id for sku_id, _ in sums]),
            "warehouse_id": (Uuid(), [warehouse_id for _, warehouse_id in sums]),
            "available": (BigInteger(), [deltas[0] for deltas in sums.values()]),
            "reserved": (BigInteger(), [deltas[1] for deltas in sums.values()]),
        },
    )
    available = Inventory.stock_available + moves.c.available
    reserved = Inventory.stock_reserved + moves.c.reserved
    changed = session.execute(
        update(Inventory)
        .values(stock_available=available, stock_reserved=reserved)
        .where(
            Inventory.sku_id == moves.c.sku_id,
            Inventory.warehouse_id == moves.c.warehouse_id,
            available >= 0,
            reserved >= 0,
        )
        .returning(Inventory.sku_id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(changed) != len(sums):
        INVENTORY_OVERSELL.inc()
        raise BalanceBroken(f"{len(sums) - len(changed)} balances would go below zero")
