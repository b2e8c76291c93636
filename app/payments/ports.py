"""What the shop asks of whoever moves the money."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from app.platform.money import Money

HoldStatus = Literal[
    "authorized", "requires_action", "declined", "canceled", "captured", "processing"
]
RepaidStatus = Literal["succeeded", "pending", "failed"]


@dataclass(frozen=True)
class StoredRequest:
    """What is sent to hold money, kept before it is sent; a repeat sends the same bytes."""

    body: dict[str, Any]


@dataclass(frozen=True)
class Hold:
    """Money at the provider as it is now. Amounts are in minor units.

    `reference` is None only where a refusal left nothing behind. `next_action` has `type` and
    `url`, and the provider's own words beside them; `decline` has `code`, `reason`, `message`.
    `captures` are the ids the hold was captured under, so that none is taken twice;
    `multicapture` and `capture_before` are known once money is held.
    """

    reference: str | None
    status: HoldStatus
    amount: int
    currency: str
    captured: int = 0
    refunded: int = 0
    next_action: dict[str, Any] | None = None
    decline: dict[str, Any] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    multicapture: bool = False
    capture_before: datetime | None = None
    captures: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Repaid:
    """Money on its way back as the provider shows it now. `amount` is in minor units.

    `refund_id` is the shop's own, None where somebody else gave it back; `pending` will arrive
    unless it fails, and what has succeeded can still fail; `reason` says why it did.
    """

    reference: str
    status: RepaidStatus
    amount: int
    refund_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ProviderEvent:
    """Something the provider tells: it only means "look at `object_id`".

    `object_id` is the reference of a hold, or None where the event is about nothing the shop looks
    at; `worth_a_look` is False for known events that never change a payment.
    """

    id: str
    type: str
    object_id: str | None
    body: dict[str, Any]
    known: bool = True
    worth_a_look: bool = True


class PaymentProvider(Protocol):
    """Holds money and lets it go. The same key twice is the same act once.

    Acts raise `OutcomeUnknown` where it cannot be told what they did; looks raise `ProviderAway`.
    None may be called inside a transaction.
    """

    @property
    def name(self) -> str:
        """The word in `payments.provider` and in the address events are sent to."""

    def authorization(
        self,
        amount: Money,
        *,
        token: str,
        payment_id: UUID,
        checkout_id: UUID,
        order_id: UUID,
        return_url: str,
    ) -> StoredRequest:
        """Word the request for a hold that is captured later; sends nothing."""

    def authorize(self, request: StoredRequest, *, key: str) -> Hold:
        """Hold the money. A refusal is a `declined` hold; a repeat gives it as it is now."""

    def retrieve(self, reference: str) -> Hold:
        """The hold as it is now. Raises `NotAtProvider`."""

    def find(self, payment_id: UUID, *, since: datetime, until: datetime) -> Hold | None:
        """The hold made for this payment within the window, by the ids it carries.

        Never from an index that lags: what it does not give did not exist when it was asked.
        """

    def holds(self, *, since: datetime, until: datetime) -> Iterator[Hold]:
        """Every hold made within the window, for reconciliation."""

    def capture(
        self, reference: str, amount: int, *, capture_id: UUID, final: bool, key: str
    ) -> Hold:
        """Take a part of the hold; `final` lets the rest go. The hold remembers `capture_id`.

        One that is closed already is given as it is: `captured`. Raises CaptureRefused.
        """

    def void(self, reference: str, *, key: str) -> Hold:
        """Let a hold go, or what is left of one taken in part: then it is `captured`.

        What can no longer be let go is given as it is.
        """

    def refund(self, reference: str, *, key: str) -> Hold:
        """Give back everything captured; fine where it was given back before."""

    def repay(self, reference: str, amount: int, *, refund_id: UUID, key: str) -> Repaid:
        """Give back so much of what was captured. Raises RepaymentRefused."""

    def repayments(self, reference: str) -> Sequence[Repaid]:
        """All that was given back of a hold, newest first; from a list that does not lag."""

    def verify_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """What the provider tells, when it is really the provider. Raises `BadSignature`."""
