"""Invoices are issued on hearing that money was taken, or that a parcel left."""

from app.documents import service
from app.events.registry import on
from app.payments.events import PaymentCaptured
from app.platform.db import ShopSession
from app.shipping.events import ShipmentCreated

CONSUMER = "documents"


@on(PaymentCaptured, consumer=CONSUMER)
def bill_what_is_paid(session: ShopSession, taken: PaymentCaptured) -> None:
    """Money was taken: whose goods it paid for sends the invoice."""
    service.issue_due(session, taken.order_id)


@on(ShipmentCreated, consumer=CONSUMER)
def bill_what_was_sent(session: ShopSession, sent: ShipmentCreated) -> None:
    """A parcel left: nothing had to be paid for it, or the provider told of the money before the
    shop had written down which parcel it was for."""
    service.issue_due(session, sent.order_id)
