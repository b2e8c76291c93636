"""Which letters are written when something happened."""

from app.events import inbox
from app.events.registry import on
from app.notifications import service
from app.orders.events import OrderConfirmed
from app.orders.queries import find_order
from app.platform.db import ShopSession

CONSUMER = "notifications"


@on(OrderConfirmed, consumer=CONSUMER)
def confirm_to_the_customer(session: ShopSession, confirmed: OrderConfirmed) -> None:
    """Queue the confirmation to whoever ordered, guest or customer."""
    order = find_order(session, confirmed.order_id)
    service.queue_letter(
        session,
        "order_confirmed",
        event_id=inbox.event_id(session),
        subject_id=order.id,
        recipient=order.email,
    )
