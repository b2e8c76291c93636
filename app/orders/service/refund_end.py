"""What becomes of an order once money has gone back: refunded, where nothing is left of it."""

from uuid import UUID

from app.events.outbox import announce
from app.orders.events import OrderRefunded
from app.orders.models import Order
from app.orders.queries import lock_order, units_of
from app.orders.service.lifecycle import move
from app.orders.service.parcels import catch_up
from app.orders.service.rest import let_rest_go
from app.orders.states import AT_END, ORDER, OrderState
from app.payments.models import Payment
from app.payments.queries import lock_payment, payment_of_order
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession


def conclude(
    session: ShopSession, order: Order, payment: Payment | None, *, actor: str
) -> set[UUID]:
    """Move a locked order to where its money and its parcels are; gives the SKUs that can be sold
    again.

    Refunded when all that was taken is back: what it still holds is let go, but for parcels that
    are being prepared.
    """
    session.flush()
    if ORDER.may(order.state, OrderState.REFUNDED) and _is_refunded(session, order, payment):
        move(session, order, OrderState.REFUNDED, actor=actor, reason="all its money went back")
        announce(session, OrderRefunded(order_id=order.id))
        return let_rest_go(session, order)
    if order.state in AT_END:
        return let_rest_go(session, order)
    catch_up(session, order, actor=actor, reason="the rest was refunded")
    return set()


def heard(session: ShopSession, order_id: UUID) -> set[UUID]:
    """The same where the provider told of it: somebody may have given the money back over there.
    Any repeat is harmless."""
    order = lock_order(session, order_id)
    payment = payment_of_order(session, order.id)
    if payment is None or lock_payment(session, payment.id).status != PaymentStatus.REFUNDED:
        return set()
    return conclude(session, order, payment, actor="provider")


def _is_refunded(session: ShopSession, order: Order, payment: Payment | None) -> bool:
    if payment is not None:
        return payment.status == PaymentStatus.REFUNDED
    return all(units.refunded == units.ordered for units in units_of(session, order.id).values())
