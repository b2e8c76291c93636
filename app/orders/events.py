"""What orders announce. They carry ids; the reader reloads."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("order.created", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderCreated:
    """An order was priced; it is not confirmed yet and may never be."""

    order_id: UUID
    checkout_id: UUID


@event("order.confirmed", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderConfirmed:
    """The money is held and the units too: the shop owes the goods."""

    order_id: UUID
    number: str
    checkout_id: UUID


@event("order.shipped", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderShipped:
    """Everything that was to be sent has left."""

    order_id: UUID


@event("order.delivered", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderDelivered:
    """Everything that was sent has arrived."""

    order_id: UUID


@event("order.canceled", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderCanceled:
    """A confirmed order will not be sent; its money and stock follow by its own saga."""

    order_id: UUID
    reason: str


@event("order.refunded", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderRefunded:
    """All the money that was taken for an order is back; nothing more of it is sent."""

    order_id: UUID


@event("refund.settled", topic="orders", key="order_id")
@dataclass(frozen=True)
class RefundSettled:
    """One refund is through: its money is on its way, its units are where they belong."""

    order_id: UUID
    refund_id: UUID


@event("refund.failed", topic="orders", key="order_id")
@dataclass(frozen=True)
class RefundFailed:
    """The provider will not make a refund: nothing went back, and a person was told."""

    order_id: UUID
    refund_id: UUID


@event("return.requested", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnRequested:
    """A customer wants to send goods back; the merchant decides."""

    return_id: UUID
    order_id: UUID


@event("return.approved", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnApproved:
    """The merchant takes the goods back; they may be sent."""

    return_id: UUID
    order_id: UUID


@event("return.refused", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnRefused:
    """The merchant does not take the goods back."""

    return_id: UUID
    order_id: UUID


@event("return.received", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnReceived:
    """The goods have arrived; their money follows."""

    return_id: UUID
    order_id: UUID


@event("return.refunded", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnRefunded:
    """The money for goods that came back has gone back too."""

    return_id: UUID
    order_id: UUID
    refund_id: UUID


@event("return.canceled", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnCanceled:
    """The customer keeps the goods after all."""

    return_id: UUID
    order_id: UUID


@event("return.expired", topic="orders", key="return_id")
@dataclass(frozen=True)
class ReturnExpired:
    """Nobody decided on a return, or its goods never came, until its time was over."""

    return_id: UUID
    order_id: UUID
