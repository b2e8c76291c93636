"""What checkouts announce. Once confirmed, it is the order that speaks."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("checkout.failed", topic="orders", key="checkout_id")
@dataclass(frozen=True)
class CheckoutFailed:
    """A purchase did not happen and everything it held was given back. `code` says why."""

    checkout_id: UUID
    code: str


@event("checkout.expired", topic="orders", key="checkout_id")
@dataclass(frozen=True)
class CheckoutExpired:
    """A purchase ran out of time and everything it held was given back."""

    checkout_id: UUID
    code: str
