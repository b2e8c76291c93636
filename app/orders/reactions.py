"""What orders do on hearing of themselves and of their money."""

from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Merchant
from app.events.registry import on
from app.orders.events import OrderConfirmed
from app.orders.models import Order
from app.orders.queries import lock_order, standing_of
from app.orders.service import cancel, refund_end
from app.orders.states import OrderState
from app.payments.events import PaymentRefunded, PaymentVoided
from app.payments.models import Capture
from app.payments.queries import payment_of_order
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.saga import engine

CONSUMER = "orders"


@on(OrderConfirmed, consumer=CONSUMER)
def capture_at_once(session: ShopSession, confirmed: OrderConfirmed) -> None:
    """Take the money before anything is sent, where every merchant of the order wants it so."""
    order = lock_order(session, confirmed.order_id)
    payment = payment_of_order(session, order.id)
    if payment is None or payment.status != PaymentStatus.AUTHORIZED:
        return
    standing = standing_of(session, order.id)
    begun = standing.capturing or standing.canceling or standing.claimed
    if begun or order.state != OrderState.CONFIRMED or not _all_want_it(session, order):
        return
    capture = Capture(
        id=new_id(),
        order_id=order.id,
        payment_id=payment.id,
        amount=order.total - standing.released,
    )
    engine.start(session, "capture", capture)


@on(PaymentVoided, consumer=CONSUMER)
def call_off_what_is_not_paid(session: ShopSession, voided: PaymentVoided) -> None:
    """The hold is gone, and not by the order's own cancellation: nothing will be paid for it."""
    if _is_confirmed(session, voided.order_id):
        cancel.expire(session, voided.order_id)


@on(PaymentRefunded, consumer=CONSUMER)
def close_what_is_refunded(session: ShopSession, refunded: PaymentRefunded) -> None:
    """Somebody gave the money back at the provider itself: the order is refunded all the same."""
    if _is_confirmed(session, refunded.order_id):
        for sku_id in sorted(refund_end.heard(session, refunded.order_id)):
            session.nudge("inventory.load_gate", id=sku_id)


def _is_confirmed(session: ShopSession, order_id: UUID) -> bool:
    """Whether it was ever an order; what was let go with its checkout is none."""
    return session.scalar(select(Order.number).where(Order.id == order_id)) is not None


def _all_want_it(session: ShopSession, order: Order) -> bool:
    merchants = {item.merchant_id for item in order.items}
    modes = session.scalars(
        select(Merchant.settings["capture"].astext).where(Merchant.id.in_(merchants))
    ).all()
    return len(modes) == len(merchants) and set(modes) == {"automatic"}
