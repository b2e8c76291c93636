"""What can be asked of inventory: what is there, what is held too long, what does not add up."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import FromClause, Select, Uuid, and_, column, func, literal, or_, select, table
from sqlalchemy.dialects.postgresql import ARRAY

from app.inventory.models import Inventory, LedgerEntry, Reservation, ReservationStatus, Warehouse
from app.platform.db import ShopSession

# The catalog stands above inventory; of its table only these columns are read here.
_SKUS = table("skus", column("id", Uuid()), column("merchant_id", Uuid()), column("status"))


@dataclass(frozen=True)
class Stock:
    """Units of one SKU in one warehouse."""

    sku_id: UUID
    warehouse_id: UUID
    warehouse: str
    available: int
    reserved: int


@dataclass(frozen=True)
class Imbalance:
    """A balance that what explains it contradicts. `found` stands in the row, in units."""

    check: str
    sku_id: UUID
    warehouse_id: UUID
    expected: int
    found: int


def available(session: ShopSession, sku_ids: Collection[UUID]) -> dict[UUID, int]:
    """Units that can be sold, over all warehouses; 0 for a SKU without stock."""
    rows = session.execute(
        select(Inventory.sku_id, func.sum(Inventory.stock_available))
        .where(Inventory.sku_id == func.any(literal(list(sku_ids), ARRAY(Uuid()))))
        .group_by(Inventory.sku_id)
    ).all()
    found = {sku_id: int(units) for sku_id, units in rows}
    return {sku_id: found.get(sku_id, 0) for sku_id in sku_ids}


def stock(session: ShopSession, sku_ids: Collection[UUID]) -> list[Stock]:
    """What lies where, by SKU and in the order the warehouses are emptied."""
    rows = session.execute(
        select(
            Inventory.sku_id,
            Inventory.warehouse_id,
            Warehouse.name,
            Inventory.stock_available,
            Inventory.stock_reserved,
        )
        .join(Warehouse, Warehouse.id == Inventory.warehouse_id)
        .where(Inventory.sku_id == func.any(literal(list(sku_ids), ARRAY(Uuid()))))
        .order_by(Inventory.sku_id, Warehouse.priority, Inventory.warehouse_id)
    ).all()
    return [Stock(*row) for row in rows]


def expired_holds(session: ShopSession, limit: int) -> list[UUID]:
    """Checkouts that hold units past their time, the longest overdue first.

    Only their sagas may release: this names them, and takes nothing away.
    """
    rows = session.scalars(
        select(Reservation.checkout_id)
        .where(
            Reservation.status == ReservationStatus.ACTIVE,
            Reservation.expires_at.is_not(None),
            Reservation.expires_at <= func.shop_now(),
        )
        .group_by(Reservation.checkout_id)
        .order_by(func.min(Reservation.expires_at))
        .limit(limit)
    )
    return list(rows)


def active_skus(session: ShopSession, *, after: UUID | None, limit: int) -> list[UUID]:
    """SKUs that can be bought, in id order, a page at a time."""
    page = select(_SKUS.c.id).where(_SKUS.c.status == "active").order_by(_SKUS.c.id).limit(limit)
    if after is not None:
        page = page.where(_SKUS.c.id > after)
    return list(session.scalars(page))


def merchants_of(session: ShopSession, sku_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Whose SKUs these are; unknown ones are left out. A SKU never changes hands."""
    rows = session.execute(
        select(_SKUS.c.id, _SKUS.c.merchant_id).where(
            _SKUS.c.id == func.any(literal(list(sku_ids), ARRAY(Uuid())))
        )
    ).all()
    return {row.id: row.merchant_id for row in rows}


def imbalances(session: ShopSession, *, limit: int = 1_000) -> list[Imbalance]:
    """Every balance below zero, or unlike its ledger, or unlike what is reserved. Empty is right.

    Read it in one snapshot; in a plain transaction each of its statements sees its own moment.
    """
    found: list[Imbalance] = []
    for name, statement in _CHECKS.items():
        rows = session.execute(statement.limit(limit)).all()
        found += [
            Imbalance(name, sku_id, warehouse_id, int(expected), int(units))
            for sku_id, warehouse_id, expected, units in rows
        ]
    return found


def _unlike(explained: FromClause, balance: str) -> Select[UUID, UUID, int, int]:
    """Places where the column differs from the sum that explains it, on either side."""
    kept = Inventory.__table__.c
    expected = func.coalesce(explained.c.units, 0)
    found = func.coalesce(kept[balance], 0)
    return (
        select(
            func.coalesce(kept.sku_id, explained.c.sku_id),
            func.coalesce(kept.warehouse_id, explained.c.warehouse_id),
            expected,
            found,
        )
        .select_from(
            Inventory.__table__.join(
                explained,
                and_(
                    kept.sku_id == explained.c.sku_id,
                    kept.warehouse_id == explained.c.warehouse_id,
                ),
                full=True,
            )
        )
        .where(expected != found)
    )


def _ledger_sum(delta: str) -> FromClause:
    moved = LedgerEntry.__table__.c
    return (
        select(moved.sku_id, moved.warehouse_id, func.sum(moved[delta]).label("units"))
        .group_by(moved.sku_id, moved.warehouse_id)
        .subquery()
    )


def _active_sum() -> FromClause:
    return (
        select(
            Reservation.sku_id,
            Reservation.warehouse_id,
            func.sum(Reservation.qty).label("units"),
        )
        .where(Reservation.status == ReservationStatus.ACTIVE)
        .group_by(Reservation.sku_id, Reservation.warehouse_id)
        .subquery()
    )


def _below_zero() -> Select[UUID, UUID, int, int]:
    lowest = func.least(Inventory.stock_available, Inventory.stock_reserved)
    return select(Inventory.sku_id, Inventory.warehouse_id, literal(0), lowest).where(
        or_(Inventory.stock_available < 0, Inventory.stock_reserved < 0)
    )


_CHECKS: dict[str, Select[UUID, UUID, int, int]] = {
    "balance_below_zero": _below_zero(),
    "available_unlike_ledger": _unlike(_ledger_sum("delta_available"), "stock_available"),
    "reserved_unlike_ledger": _unlike(_ledger_sum("delta_reserved"), "stock_reserved"),
    "reserved_unlike_reservations": _unlike(_active_sum(), "stock_reserved"),
}
