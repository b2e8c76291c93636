"""What becomes of the units of a confirmed order: they leave for good, or are let go in part."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.events.outbox import announce
from app.inventory import ledger
from app.inventory.errors import NotHeld
from app.inventory.events import StockFulfilled, StockReleased
from app.inventory.models import LedgerReason, Reservation, ReservationStatus, Warehouse
from app.platform.db import ShopSession
from app.platform.ids import new_id

Spare = Mapping[tuple[UUID, UUID], int]
"""Units by SKU and warehouse."""


@dataclass(frozen=True)
class Leaving:
    """Units of one SKU that leave one warehouse, held by a checkout until now.

    `reference` is the shipment's item: told again, nothing more leaves.
    """

    checkout_id: UUID
    sku_id: UUID
    warehouse_id: UUID
    qty: int
    reference: UUID


def fulfil(session: ShopSession, leaving: Sequence[Leaving]) -> None:
    """Take units out of the reserved stock: they are on the road. A partly shipped reservation is
    split into two rows. Raises NotHeld where a checkout does not hold so many there."""
    ledger.lock(session, {part.sku_id for part in leaving})
    entries = {
        part.reference: ledger.Entry(
            part.sku_id, part.warehouse_id, 0, -part.qty, reference=part.reference
        )
        for part in leaving
    }
    new = {
        e.reference for e in ledger.not_posted(session, LedgerReason.FULFIL, [*entries.values()])
    }
    parts = [part for part in leaving if part.reference in new]
    held = _held(session, {p.checkout_id for p in parts}, {p.sku_id for p in parts})
    for part in parts:
        mine = held[part.checkout_id, part.sku_id]
        there = [row for row in mine if row.warehouse_id == part.warehouse_id]
        session.add_all(_take(there, part.qty, ReservationStatus.FULFILLED))
    ledger.post(session, LedgerReason.FULFIL, [entries[part.reference] for part in parts])
    skus: dict[UUID, set[UUID]] = defaultdict(set)
    for part in parts:
        skus[part.checkout_id].add(part.sku_id)
    announce(session, *(StockFulfilled(one, tuple(sorted(ids))) for one, ids in skus.items()))


def let_go(
    session: ShopSession,
    checkout_id: UUID,
    units: Mapping[UUID, int],
    *,
    spare: Spare | None = None,
) -> None:
    """Let go of some units a confirmed order holds, by SKU: they can be sold again.

    The warehouse that is emptied last gets them back first; none gets more than is `spare` there,
    where parcels need the rest. The caller's own step keeps it from happening twice. Raises NotHeld
    where the checkout does not hold so many.
    """
    wanted = {sku_id: qty for sku_id, qty in units.items() if qty}
    if not wanted:
        return
    ledger.lock(session, wanted)
    held = _held(session, {checkout_id}, wanted)
    freed: list[Reservation] = []
    for sku_id, qty in sorted(wanted.items()):
        freed += _take(held[checkout_id, sku_id], qty, ReservationStatus.RELEASED, spare)
    session.add_all(freed)
    ledger.post(
        session,
        LedgerReason.RELEASE,
        [
            ledger.Entry(row.sku_id, row.warehouse_id, row.qty, -row.qty, reference=row.id)
            for row in freed
        ],
    )
    announce(session, StockReleased(checkout_id, tuple(sorted(wanted))))


def _held(
    session: ShopSession, checkouts: Collection[UUID], skus: Collection[UUID]
) -> Mapping[tuple[UUID, UUID], Sequence[Reservation]]:
    """What these checkouts hold of these SKUs, by both, locked; the warehouse that is emptied last
    comes first."""
    rows = session.scalars(
        select(Reservation)
        .join(Warehouse, Warehouse.id == Reservation.warehouse_id)
        .where(
            Reservation.checkout_id.in_(checkouts),
            Reservation.sku_id.in_(skus),
            Reservation.status == ReservationStatus.ACTIVE,
        )
        .order_by(Warehouse.priority.desc(), Warehouse.id.desc())
        .with_for_update(of=Reservation)
        .execution_options(populate_existing=True)
    )
    held: dict[tuple[UUID, UUID], list[Reservation]] = defaultdict(list)
    for row in rows:
        held[row.checkout_id, row.sku_id].append(row)
    return held


def _take(
    rows: Sequence[Reservation], qty: int, status: ReservationStatus, spare: Spare | None = None
) -> list[Reservation]:
    """Turn so many units of these reservations into rows of another status; gives those rows."""
    rows = [row for row in rows if row.status == ReservationStatus.ACTIVE]
    free = {row.id: _spared(row, spare) for row in rows}
    held = sum(free.values())
    if held < qty:
        raise NotHeld(f"Only {held} units are held there, not {qty}.", held=held)
    taken = []
    for row in rows:
        part = min(free[row.id], qty)
        qty -= part
        if part == row.qty:
            row.status = status
            taken.append(row)
        elif part:
            row.qty -= part
            taken.append(_apart(row, part, status))
    return taken


def _spared(row: Reservation, spare: Spare | None) -> int:
    return row.qty if spare is None else min(row.qty, spare.get((row.sku_id, row.warehouse_id), 0))


def _apart(row: Reservation, qty: int, status: ReservationStatus) -> Reservation:
    return Reservation(
        id=new_id(),
        checkout_id=row.checkout_id,
        sku_id=row.sku_id,
        warehouse_id=row.warehouse_id,
        user_id=row.user_id,
        qty=qty,
        expires_at=None,
        status=status,
        created_at=row.created_at,
    )
