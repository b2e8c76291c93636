"""What can be asked of orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Subquery,
    and_,
    case,
    column,
    func,
    or_,
    select,
    table,
)
from sqlalchemy.orm import Session, selectinload

from app.inventory.models import Reservation, ReservationStatus
from app.orders.amounts import LineUnits
from app.orders.errors import OrderNotFound
from app.orders.models import Cancellation, Order, OrderItem, Return, ReturnItem
from app.payments.models import Capture, Refund, RefundItem
from app.saga.states import LIVE, SagaState
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus

# A saga that has come back to where it began: what it was for does not count any more.
UNDONE = (SagaState.FAILED, SagaState.EXPIRED, SagaState.CANCELED)

# A refund that cannot fail any more: its money went back, only its units are still to be moved.
REFUND_IS_MADE = or_(Refund.state == SagaState.CONFIRMED, Refund.step == "settle")


@dataclass(frozen=True)
class Standing:
    """What was agreed about the money of an order, in minor units.

    `claimed` is what its parcels take or took, `released` what refunds will never let be taken;
    `capturing` says that a capture of all of it was begun, or is over; `canceling` that the order
    is canceled, or about to be.
    """

    claimed: int
    released: int
    capturing: bool
    canceling: bool


def find_order(session: Session, order_id: UUID) -> Order:
    """One order with its lines and its story. Raises OrderNotFound."""
    order = session.scalar(
        select(Order)
        .where(Order.id == order_id)
        .options(selectinload(Order.items), selectinload(Order.transitions))
    )
    if order is None:
        raise OrderNotFound("There is no such order.")
    return order


def orders_of(
    session: Session,
    *,
    user_id: UUID | None,
    cart_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Order]:
    """The confirmed orders of a person, or of a guest's cart, newest first."""
    checkouts = table("checkouts", column("id"), column("cart_id"))
    mine = (
        Order.user_id == user_id
        if user_id is not None
        else Order.checkout_id.in_(select(checkouts.c.id).where(checkouts.c.cart_id == cart_id))
    )
    wanted = (
        select(Order)
        .where(mine, Order.number.is_not(None))
        .options(selectinload(Order.items))
        .order_by(Order.id.desc())
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(Order.id < after)
    return session.scalars(wanted).all()


def lock_orders(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Lock orders in the order of their ids; gives them by id."""
    rows = session.scalars(
        select(Order).where(Order.id.in_(order_ids)).order_by(Order.id).with_for_update()
    )
    return {order.id: order for order in rows}


def lock_order(session: Session, order_id: UUID) -> Order:
    """One order with its lines, locked until the transaction ends: shipping, canceling, refunding
    and returning take this lock first, so that they see each other. Raises OrderNotFound."""
    order = session.scalar(
        select(Order)
        .where(Order.id == order_id, Order.number.is_not(None))
        .options(selectinload(Order.items))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise OrderNotFound("There is no such order.")
    return order


def units_of(session: Session, order_id: UUID) -> dict[int, LineUnits]:
    """What has become of the units of each line, in one statement."""
    parcels, refunds, coming = _units_in_parcels(), _units_refunded(), _units_coming_back()
    found = session.execute(
        select(
            OrderItem.line,
            OrderItem.sku_id,
            OrderItem.merchant_id,
            OrderItem.qty.label("ordered"),
            _sum(parcels, parcels.c.qty).label("shipped"),
            _sum(parcels, parcels.c.delivered).label("delivered"),
            _sum(refunds, refunds.c.unshipped).label("canceled"),
            _sum(refunds, refunds.c.qty).label("refunded"),
            _sum(coming, coming.c.qty).label("returned"),
        )
        .where(OrderItem.order_id == order_id)
        .order_by(OrderItem.line)
    )
    return {
        row.line: LineUnits(
            row.line,
            row.sku_id,
            row.merchant_id,
            int(row.ordered),
            *(int(count) for count in row[4:]),  # sums come as decimals
        )
        for row in found
    }


def is_left(session: Session, order_id: UUID) -> bool:
    """Whether units of an order are still to be sent, or will be if a refund under way fails."""
    parcels, refunds = _units_in_parcels(), _units_refunded(REFUND_IS_MADE)
    gone = _sum(parcels, parcels.c.qty) + _sum(refunds, refunds.c.unshipped)
    left = select(OrderItem.line).where(OrderItem.order_id == order_id, OrderItem.qty > gone)
    return session.scalar(select(left.exists())) or False


def standing_of(session: Session, order_id: UUID) -> Standing:
    """What was agreed about the money of a locked order, in one statement."""
    claimed = select(func.coalesce(func.sum(Shipment.amount), 0)).where(
        Shipment.order_id == order_id
    )
    released = select(func.coalesce(func.sum(Refund.released), 0)).where(
        Refund.order_id == order_id, Refund.state.not_in(UNDONE)
    )
    captures = select(Capture.id).where(Capture.order_id == order_id, Capture.state.not_in(UNDONE))
    cancellations = select(Cancellation.id).where(
        Cancellation.order_id == order_id, Cancellation.state.not_in(UNDONE)
    )
    row = session.execute(
        select(
            claimed.scalar_subquery(),
            released.scalar_subquery(),
            captures.exists(),
            cancellations.exists(),
        )
    ).one()
    return Standing(int(row[0]), int(row[1]), bool(row[2]), bool(row[3]))


def spare_units(session: Session, order: Order) -> dict[tuple[UUID, UUID], int]:
    """Units a locked order holds that no parcel on its way out speaks for, by SKU and warehouse."""
    held = select(Reservation.sku_id, Reservation.warehouse_id, Reservation.qty).where(
        Reservation.checkout_id == order.checkout_id,
        Reservation.status == ReservationStatus.ACTIVE,
    )
    leaving = (
        select(ShipmentItem.sku_id, Shipment.warehouse_id, -ShipmentItem.qty)
        .join(Shipment, Shipment.id == ShipmentItem.shipment_id)
        .where(
            ShipmentItem.order_id == order.id,
            Shipment.status == ShipmentStatus.PENDING,
            Shipment.units_left_at.is_(None),
        )
    )
    both = held.union_all(leaving).subquery()
    found = session.execute(
        select(both.c.sku_id, both.c.warehouse_id, func.sum(both.c.qty)).group_by(
            both.c.sku_id, both.c.warehouse_id
        )
    )
    return {(sku_id, place): int(units) for sku_id, place, units in found if units > 0}


def _units_in_parcels() -> Subquery:
    arrived = Shipment.status == ShipmentStatus.DELIVERED
    return (
        select(
            ShipmentItem.order_id,
            ShipmentItem.line,
            ShipmentItem.qty,
            case((arrived, ShipmentItem.qty), else_=0).label("delivered"),
        )
        .join(Shipment, Shipment.id == ShipmentItem.shipment_id)
        .where(Shipment.status != ShipmentStatus.CANCELED)
        .subquery()
    )


def _units_refunded(*conditions: ColumnElement[bool]) -> Subquery:
    return (
        select(RefundItem.order_id, RefundItem.line, RefundItem.qty, RefundItem.unshipped)
        .join(Refund, Refund.id == RefundItem.refund_id)
        .where(Refund.state.not_in(UNDONE), *conditions)
        .subquery()
    )


def _units_coming_back() -> Subquery:
    return (
        select(ReturnItem.order_id, ReturnItem.line, ReturnItem.qty)
        .join(Return, Return.id == ReturnItem.return_id)
        .where(Return.state.in_([*LIVE, SagaState.NEEDS_ATTENTION]))
        .subquery()
    )


def _sum(rows: Subquery, units: ColumnElement[Any]) -> ScalarSelect[Any]:
    """The units of a line among these rows."""
    mine = and_(rows.c.order_id == OrderItem.order_id, rows.c.line == OrderItem.line)
    return select(func.coalesce(func.sum(units), 0)).where(mine).scalar_subquery()
