"""What can be asked of money and goods on their way back, and of what keeps them from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session, selectinload

from app.inventory.models import LedgerEntry, LedgerReason
from app.orders.errors import RefundNotFound, ReturnNotFound
from app.orders.models import Cancellation, OrderItem, Return, ReturnItem
from app.orders.queries import UNDONE
from app.orders.views import RefundView, ReturnView
from app.payments.models import Capture, Refund, RefundItem
from app.saga.states import LIVE, SagaState
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus

_UNSETTLED = (*LIVE, SagaState.NEEDS_ATTENTION)


@dataclass(frozen=True)
class UnderWay:
    """How much is going on with an order that excludes other things.

    `parcels` are not canceled, `preparing` of them have not left, `asking` of these for a part of
    the hold that leaves it open for more. The rest are sagas that are not
    at their end, or wait for a person; a cancellation counts for ever unless it came to nothing,
    and is `closing` until its money is back.
    """

    parcels: int
    preparing: int
    asking: int
    refunds: int
    returns: int
    cancellations: int
    closing: int
    captures: int


@dataclass(frozen=True)
class ParcelLine:
    """Units of one line in one parcel of an order. `has_left`: out of the reserved stock."""

    line: int
    qty: int
    status: ShipmentStatus
    merchant_id: UUID
    warehouse_id: UUID
    has_left: bool


@dataclass(frozen=True)
class CameHome:
    """Units by line that are with the shop again. `taken_back` left in parcels that were canceled;
    `unpaid` came by returns whose refunds failed: they cannot be sent back again."""

    taken_back: Mapping[int, int]
    unpaid: Mapping[int, int]


def under_way(session: Session, order_id: UUID) -> UnderWay:
    """What is going on with an order, in one statement. Ask it with the order locked."""

    def count(model: type, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
        mine = select(func.count()).select_from(model)
        return mine.where(model.order_id == order_id, *conditions).scalar_subquery()  # type: ignore[attr-defined]

    row = session.execute(
        select(
            count(Shipment, Shipment.status != ShipmentStatus.CANCELED),
            count(Shipment, Shipment.status == ShipmentStatus.PENDING),
            count(
                Shipment,
                Shipment.status == ShipmentStatus.PENDING,
                Shipment.units_left_at.is_(None),
                Shipment.capture_request["final"].as_boolean().is_(False),
            ),
            count(Refund, Refund.state.in_(_UNSETTLED)),
            count(Return, Return.state.in_(_UNSETTLED)),
            count(Cancellation, Cancellation.state.not_in(UNDONE)),
            count(Cancellation, Cancellation.state.in_(_UNSETTLED)),
            count(Capture, Capture.state.in_(_UNSETTLED)),
        )
    ).one()
    return UnderWay(*row)


def parcel_lines(session: Session, order_id: UUID) -> Sequence[ParcelLine]:
    """What of an order is or was in which parcel, canceled ones too, the oldest first."""
    rows = session.execute(
        select(
            ShipmentItem.line,
            ShipmentItem.qty,
            Shipment.status,
            Shipment.merchant_id,
            Shipment.warehouse_id,
            Shipment.units_left_at.is_not(None),
        )
        .join(Shipment, Shipment.id == ShipmentItem.shipment_id)
        .where(ShipmentItem.order_id == order_id)
        .order_by(Shipment.id, ShipmentItem.line)
    )
    return [ParcelLine(*row) for row in rows]


def came_home(session: Session, order_id: UUID) -> CameHome:
    """What of an order is with the shop again, in one statement."""
    none = literal(0)
    by_refunds = (
        select(RefundItem.line, RefundItem.astray.label("taken_back"), -RefundItem.at_home)
        .join(Refund, Refund.id == RefundItem.refund_id)
        .where(RefundItem.order_id == order_id, Refund.state.not_in(UNDONE))
    )
    at_the_end = (
        select(ShipmentItem.line, LedgerEntry.delta_available, none)
        .join(LedgerEntry, LedgerEntry.reference == ShipmentItem.id)
        .where(ShipmentItem.order_id == order_id, LedgerEntry.reason == LedgerReason.RETURN)
    )
    unpaid = (
        select(ReturnItem.line, none, func.coalesce(ReturnItem.received, 0))
        .join(Return, Return.id == ReturnItem.return_id)
        .join(Refund, Refund.id == Return.refund_id)
        .where(ReturnItem.order_id == order_id, Refund.state.in_(UNDONE))
    )
    each = union_all(by_refunds, at_the_end, unpaid).subquery()
    line, taken_back, at_home = each.c
    rows = session.execute(select(line, func.sum(taken_back), func.sum(at_home)).group_by(line))
    found = [(number, int(taken), int(home)) for number, taken, home in rows]
    return CameHome(
        {number: taken for number, taken, _ in found if taken},
        {number: home for number, _, home in found if home},
    )


def released_of(session: Session, payment_id: UUID) -> int:
    """Minor units of a payment that will never be taken, by refunds that have not failed."""
    found = session.scalar(
        select(func.coalesce(func.sum(Refund.released), 0)).where(
            Refund.payment_id == payment_id, Refund.state.not_in(UNDONE)
        )
    )
    return int(found or 0)


def refund_items(session: Session, refund_ids: Collection[UUID]) -> dict[UUID, list[RefundItem]]:
    """The units of each refund, by line."""
    found: dict[UUID, list[RefundItem]] = {refund_id: [] for refund_id in refund_ids}
    rows = session.scalars(
        select(RefundItem).where(RefundItem.refund_id.in_(found)).order_by(RefundItem.line)
    )
    for item in rows:
        found[item.refund_id].append(item)
    return found


def find_refund(
    session: Session, refund_id: UUID, *, merchant_id: UUID | None = None
) -> RefundView:
    """One refund; for a merchant only one of its own lines alone. Raises RefundNotFound."""
    refund = session.scalar(select(Refund).where(Refund.id == refund_id))
    if refund is None or merchant_id not in (None, refund.merchant_id):
        raise RefundNotFound("There is no such refund.")
    return RefundView(refund, refund_items(session, [refund.id])[refund.id])


def refunds_of(
    session: Session, order_id: UUID, *, merchant_id: UUID | None = None
) -> list[RefundView]:
    """The refunds of an order, the oldest first; for a merchant those of its own lines alone."""
    wanted = select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)
    if merchant_id is not None:
        wanted = wanted.where(Refund.merchant_id == merchant_id)
    refunds = session.scalars(wanted).all()
    items = refund_items(session, [refund.id for refund in refunds])
    return [RefundView(refund, items[refund.id]) for refund in refunds]


def find_return(
    session: Session, return_id: UUID, *, merchant_id: UUID | None = None
) -> ReturnView:
    """One return; for a merchant only its own. Raises ReturnNotFound."""
    found = _returns(session, Return.id == return_id)
    if not found or merchant_id not in (None, found[0].row.merchant_id):
        raise ReturnNotFound("There is no such return.")
    return found[0]


def returns_of(
    session: Session, order_id: UUID, *, merchant_id: UUID | None = None
) -> list[ReturnView]:
    """The returns of an order, the oldest first; for a merchant its own."""
    mine = [] if merchant_id is None else [Return.merchant_id == merchant_id]
    return _returns(session, Return.order_id == order_id, *mine)


def returns_to(
    session: Session, merchant_id: UUID, *, after: UUID | None, limit: int
) -> list[ReturnView]:
    """The returns to a merchant, the newest first."""
    before = [] if after is None else [Return.id < after]
    return _returns(
        session, Return.merchant_id == merchant_id, *before, newest_first=True, limit=limit
    )


def return_of_refund(session: Session, refund_id: UUID) -> UUID | None:
    """The return that a refund is the end of."""
    return session.scalar(select(Return.id).where(Return.refund_id == refund_id))


def return_items(session: Session, return_ids: Collection[UUID]) -> dict[UUID, list[ReturnItem]]:
    """The units of each return, by line."""
    found: dict[UUID, list[ReturnItem]] = {return_id: [] for return_id in return_ids}
    rows = session.scalars(
        select(ReturnItem).where(ReturnItem.return_id.in_(found)).order_by(ReturnItem.line)
    )
    for item in rows:
        found[item.return_id].append(item)
    return found


def skus_of(session: Session, order_ids: Collection[UUID]) -> set[UUID]:
    """What these orders are of."""
    wanted = select(OrderItem.sku_id).where(OrderItem.order_id.in_(order_ids))
    return set(session.scalars(wanted))


def lock_return(session: Session, return_id: UUID, *, merchant_id: UUID | None = None) -> Return:
    """A return, locked until the transaction ends; for a merchant only its own. Take it before the
    order's lock. Raises ReturnNotFound."""
    row = session.scalar(
        select(Return)
        .where(Return.id == return_id)
        .options(selectinload(Return.items))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or merchant_id not in (None, row.merchant_id):
        raise ReturnNotFound("There is no such return.")
    return row


def _returns(
    session: Session,
    *conditions: ColumnElement[bool],
    newest_first: bool = False,
    limit: int | None = None,
) -> list[ReturnView]:
    rows = session.execute(
        select(Return, Refund.state)
        .outerjoin(Refund, Refund.id == Return.refund_id)
        .where(*conditions)
        .options(selectinload(Return.items))
        .order_by(Return.id.desc() if newest_first else Return.id)
        .limit(limit)
    )
    return [ReturnView(row, state) for row, state in rows]
