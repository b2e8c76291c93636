"""Holding units for checkouts: reserve them, let them go, keep them for good."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Uuid, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from app.events.outbox import announce
from app.inventory import ledger
from app.inventory.events import StockReleased, StockReserved
from app.inventory.models import LedgerReason, Reservation, ReservationStatus
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.metrics import RESERVATION_EXPIRED, RESERVATIONS
from app.platform.rows import unnested


@dataclass(frozen=True)
class Want:
    """What one checkout wants held: units by SKU."""

    checkout_id: UUID
    user_id: UUID | None
    lines: Mapping[UUID, int]


@dataclass(frozen=True)
class Shortage:
    """A line that does not fit: units wanted, and units that were left for it."""

    sku_id: UUID
    wanted: int
    left: int


@dataclass(frozen=True)
class _Part:
    """Units of one line from one warehouse: a reservation to be."""

    id: UUID
    want: Want
    sku_id: UUID
    warehouse_id: UUID
    qty: int


def reserve(
    session: ShopSession, wants: Sequence[Want], *, seconds: int
) -> dict[UUID, list[Shortage]]:
    """Hold units for checkouts, for so many seconds: each gets all its lines or none.

    Gives by checkout what was short, empty where reserved. Wants are served in the order given, and
    one that does not fit fails alone. Warehouses are emptied by priority and a line may be split. A
    checkout that already holds active reservations counts as reserved, so a repeat changes nothing.
    """
    places = ledger.lock(session, {sku_id for want in wants for sku_id in want.lines})
    # Asked under the locks: a twin that came first has committed by now and is seen.
    served = _holding(session, [want.checkout_id for want in wants])
    outcome: dict[UUID, list[Shortage]] = {}
    plan: list[_Part] = []
    for want in wants:
        if want.checkout_id in served:
            outcome.setdefault(want.checkout_id, [])
            continue
        outcome[want.checkout_id] = _shortages(places, want)
        if not outcome[want.checkout_id]:
            served.add(want.checkout_id)
            plan += _take(places, want)
    if plan:
        _write_reservations(session, plan, seconds=seconds)
    return outcome


def release(
    session: ShopSession, checkout_ids: Collection[UUID], *, expired: Collection[UUID] = ()
) -> set[UUID]:
    """Let go of all that these checkouts hold; gives the SKUs that can be sold again.

    Only their own active reservations are undone, so a repeat gives nothing back twice. Those of
    `expired` checkouts, whose time ran out, are counted as such.
    """
    held = session.scalars(
        select(Reservation.sku_id).where(*_active_of(checkout_ids)).distinct()
    ).all()
    if not held:
        return set()
    ledger.lock(session, held)
    freed = session.execute(
        update(Reservation)
        .values(status=ReservationStatus.RELEASED)
        .where(*_active_of(checkout_ids))
        .returning(
            Reservation.id,
            Reservation.checkout_id,
            Reservation.sku_id,
            Reservation.warehouse_id,
            Reservation.qty,
        )
        .execution_options(synchronize_session=False)
    ).all()
    ledger.post(
        session,
        LedgerReason.RELEASE,
        [
            ledger.Entry(row.sku_id, row.warehouse_id, row.qty, -row.qty, reference=row.id)
            for row in freed
        ],
    )
    skus = _skus_by_checkout((row.checkout_id, row.sku_id) for row in freed)
    announce(session, *(StockReleased(checkout, given) for checkout, given in skus.items()))
    too_late = sum(row.checkout_id in expired for row in freed)
    session.afterwards(lambda: RESERVATION_EXPIRED.inc(too_late))
    return {row.sku_id for row in freed}


def hold(session: ShopSession, checkout_ids: Collection[UUID]) -> set[UUID]:
    """Keep the units of confirmed checkouts for good: their reservations lose their expiry.

    Gives the checkouts whose reservations are active, however late that is; one that is missing
    here holds nothing and must not be confirmed.
    """
    kept = session.scalars(
        update(Reservation)
        .values(expires_at=None)
        .where(*_active_of(checkout_ids))
        .returning(Reservation.checkout_id)
        .execution_options(synchronize_session=False)
    )
    return set(kept)


def _holding(session: ShopSession, checkout_ids: Collection[UUID]) -> set[UUID]:
    rows = select(Reservation.checkout_id).where(*_active_of(checkout_ids)).distinct()
    return set(session.scalars(rows))


def _active_of(checkout_ids: Collection[UUID]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    mine = Reservation.checkout_id == func.any(literal(list(checkout_ids), ARRAY(Uuid())))
    return mine, Reservation.status == ReservationStatus.ACTIVE


def _skus_by_checkout(pairs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, tuple[UUID, ...]]:
    skus: dict[UUID, set[UUID]] = defaultdict(set)
    for checkout_id, sku_id in pairs:
        skus[checkout_id].add(sku_id)
    return {checkout_id: tuple(sorted(given)) for checkout_id, given in skus.items()}


def _shortages(places: Mapping[UUID, list[tuple[UUID, int]]], want: Want) -> list[Shortage]:
    short = []
    for sku_id, wanted in want.lines.items():
        left = sum(units for _, units in places.get(sku_id, ()))
        if left < wanted:
            short.append(Shortage(sku_id, wanted, left))
    return short


def _take(places: dict[UUID, list[tuple[UUID, int]]], want: Want) -> list[_Part]:
    """Choose warehouses for a want that fits, and count it out of what is left for the next."""
    parts = []
    for sku_id, wanted in want.lines.items():
        kept: list[tuple[UUID, int]] = []
        for warehouse_id, units in places[sku_id]:
            qty = min(units, wanted)
            wanted -= qty
            kept.append((warehouse_id, units - qty))
            if qty:
                parts.append(_Part(new_id(), want, sku_id, warehouse_id, qty))
        places[sku_id] = kept
    return parts


def _write_reservations(session: ShopSession, plan: Sequence[_Part], *, seconds: int) -> None:
    rows = unnested(
        "parts",
        {
            "id": (Uuid(), [part.id for part in plan]),
            "checkout_id": (Uuid(), [part.want.checkout_id for part in plan]),
            "user_id": (Uuid(), [part.want.user_id for part in plan]),
            "sku_id": (Uuid(), [part.sku_id for part in plan]),
            "warehouse_id": (Uuid(), [part.warehouse_id for part in plan]),
            "qty": (BigInteger(), [part.qty for part in plan]),
        },
    )
    session.execute(
        insert(Reservation).from_select(
            [*rows.c.keys(), "status", "expires_at"],
            select(
                *rows.c,
                literal(ReservationStatus.ACTIVE.value),
                func.shop_now() + timedelta(seconds=seconds),
            ),
            include_defaults=False,
        )
    )
    ledger.post(
        session,
        LedgerReason.RESERVE,
        [
            ledger.Entry(part.sku_id, part.warehouse_id, -part.qty, part.qty, reference=part.id)
            for part in plan
        ],
    )
    skus = _skus_by_checkout((part.want.checkout_id, part.sku_id) for part in plan)
    announce(session, *(StockReserved(checkout, taken) for checkout, taken in skus.items()))
    session.afterwards(lambda: RESERVATIONS.inc(len(plan)))
