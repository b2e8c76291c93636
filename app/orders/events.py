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


@event("order.canceled", topic="orders", key="order_id")
@dataclass(frozen=True)
class OrderCanceled:
    """A confirmed order will not be sent; its money and stock follow by its own saga."""

    order_id: UUID
    reason: str
