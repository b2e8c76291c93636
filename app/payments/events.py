"""What payments announce. Amounts are in minor units."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("payment.authorized", topic="payments", key="payment_id")
@dataclass(frozen=True)
class PaymentAuthorized:
    """The shopper's money is held for an order."""

    payment_id: UUID
    order_id: UUID
    checkout_id: UUID
    amount: int
    currency: str


@event("payment.captured", topic="payments", key="payment_id")
@dataclass(frozen=True)
class PaymentCaptured:
    """Held money was taken; `captured` is all that was taken so far."""

    payment_id: UUID
    order_id: UUID
    checkout_id: UUID
    captured: int
    currency: str


@event("payment.failed", topic="payments", key="payment_id")
@dataclass(frozen=True)
class PaymentFailed:
    """No money will come of this payment; `reason` is the provider's, where it gave one."""

    payment_id: UUID
    order_id: UUID
    checkout_id: UUID
    code: str
    reason: str | None


@event("payment.voided", topic="payments", key="payment_id")
@dataclass(frozen=True)
class PaymentVoided:
    """Nothing is held for an order any more: it was let go, or its time was over."""

    payment_id: UUID
    order_id: UUID
    checkout_id: UUID


@event("payment.refunded", topic="payments", key="payment_id")
@dataclass(frozen=True)
class PaymentRefunded:
    """Taken money was given back; `refunded` is all that was given back so far."""

    payment_id: UUID
    order_id: UUID
    checkout_id: UUID
    refunded: int
    currency: str


@event("payment.action_required", topic="payments", key="payment_id")
@dataclass(frozen=True)
class PaymentActionRequired:
    """The shopper's bank wants to see the shopper first."""

    payment_id: UUID
    order_id: UUID
    checkout_id: UUID
