"""Call a confirmed order off while nothing of it has been sent."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.orders import going_back
from app.orders.errors import (
    CancellationUnderWay,
    NotCancelable,
    NotYoursAlone,
    RefundUnderWay,
    ShipmentUnderWay,
)
from app.orders.models import Cancellation, Order
from app.orders.queries import UNDONE, lock_order
from app.orders.states import OrderState
from app.orders.views import CancellationView
from app.payments.models import Capture, Payment
from app.payments.queries import lock_payment, payment_of_order
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.saga import engine
from app.saga.states import LIVE
from app.shipping.models import Shipment
from app.shipping.states import ShipmentStatus

AUTHORIZATION_EXPIRED = "authorization_expired"
EXPIRY = "expiry"


def request(
    session: ShopSession,
    order_id: UUID,
    *,
    reason: str,
    actor: str,
    merchant_id: UUID | None = None,
) -> CancellationView:
    """Cancel an order of which nothing is or was on its way; its units and its money follow.

    A merchant cancels only what is all its own. Raises OrderNotFound, NotYoursAlone,
    CancellationUnderWay, ShipmentUnderWay, RefundUnderWay, NotCancelable.
    """
    order = lock_order(session, order_id)
    others = [item for item in order.items if merchant_id not in (None, item.merchant_id)]
    if others:
        raise NotYoursAlone("Other merchants have a part in this order.")
    going_on = going_back.under_way(session, order.id)
    if order.state == OrderState.CANCELED or going_on.cancellations:
        raise CancellationUnderWay("The order is canceled already.")
    if going_on.parcels:
        raise ShipmentUnderWay("Something of it is on its way; it can be sent back.")
    if order.state != OrderState.CONFIRMED:
        raise NotCancelable("The order cannot be canceled any more.", state=str(order.state))
    if going_on.refunds or going_on.returns:
        raise RefundUnderWay("Money of it is on its way back; cancel it afterwards.")
    return CancellationView(_begin(session, order, reason=reason, actor=actor), order)


def lapsed_orders(session: Session, *, limit: int) -> Sequence[UUID]:
    """Confirmed orders whose money was never taken and can be no more, the oldest first; those on
    which something is going on are left alone."""
    sent = select(Shipment.id).where(
        Shipment.order_id == Order.id, Shipment.status != ShipmentStatus.CANCELED
    )
    called_off = select(Cancellation.id).where(
        Cancellation.order_id == Order.id, Cancellation.state.not_in(UNDONE)
    )
    taking = select(Capture.id).where(Capture.order_id == Order.id, Capture.state.in_(LIVE))
    return session.scalars(
        select(Order.id)
        .join(Payment, Payment.order_id == Order.id)
        .where(
            Order.state == OrderState.CONFIRMED,
            or_(
                and_(
                    Payment.status == PaymentStatus.AUTHORIZED,
                    Payment.capture_before <= func.shop_now(),
                ),
                Payment.status == PaymentStatus.VOIDED,  # heard while a parcel was under way
            ),
            ~sent.exists(),
            ~called_off.exists(),
            ~taking.exists(),
        )
        .order_by(Payment.capture_before)
        .limit(limit)
    ).all()


def expire(session: ShopSession, order_id: UUID) -> Cancellation | None:
    """Cancel an order whose money can be taken no more; None where it can, or where something is
    going on with it. Any repeat is harmless."""
    order = lock_order(session, order_id)
    payment = payment_of_order(session, order.id)
    if order.state != OrderState.CONFIRMED or payment is None:
        return None
    payment = lock_payment(session, payment.id)
    if not _is_lapsed(payment, session.scalars(select(func.shop_now())).one()):
        return None
    going_on = going_back.under_way(session, order.id)
    if going_on.cancellations or going_on.parcels or going_on.refunds or going_on.returns:
        return None
    return _begin(session, order, reason=AUTHORIZATION_EXPIRED, actor=EXPIRY)


def _is_lapsed(payment: Payment, now: object) -> bool:
    if payment.status == PaymentStatus.VOIDED:
        return True
    until = payment.capture_before
    return payment.status == PaymentStatus.AUTHORIZED and until is not None and until <= now  # type: ignore[operator]


def _begin(session: ShopSession, order: Order, *, reason: str, actor: str) -> Cancellation:
    cancellation = Cancellation(order_id=order.id, reason=reason, actor=actor)
    engine.start(session, "cancel", cancellation)
    return cancellation
