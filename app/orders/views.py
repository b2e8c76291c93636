"""What refunds and returns look like from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.orders.models import Cancellation, Order, Return
from app.orders.states import Decision, OrderState, ReturnStatus
from app.payments.models import Refund, RefundItem
from app.saga.states import Direction, SagaState

_ENDS = {
    SagaState.FAILED: ReturnStatus.REFUSED,
    SagaState.EXPIRED: ReturnStatus.EXPIRED,
    SagaState.CANCELED: ReturnStatus.CANCELED,
}


@dataclass(frozen=True)
class RefundView:
    """A refund with its units; every column is there by its name."""

    row: Refund
    items: Sequence[RefundItem]

    @property
    def state(self) -> SagaState:
        """Where it stands; money that came back from the bank did not arrive."""
        return SagaState.FAILED if self.row.came_back_at is not None else self.row.state

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the refund does."""
        return getattr(self.row, name)


@dataclass(frozen=True)
class CancellationView:
    """A cancellation with its order; every column is there by its name."""

    row: Cancellation
    order: Order

    @property
    def order_state(self) -> OrderState:
        """Where the order stands."""
        return self.order.state

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the cancellation does."""
        return getattr(self.row, name)


@dataclass(frozen=True)
class ReturnView:
    """A return as its customer and its merchant see it; every column is there by its name."""

    row: Return
    refund_state: SagaState | None = None

    @property
    def status(self) -> ReturnStatus:
        """Where it stands, in the words of the trade."""
        return status_of(self.row, self.refund_state)

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the return does."""
        return getattr(self.row, name)


def status_of(row: Return, refund_state: SagaState | None = None) -> ReturnStatus:
    """Where a return stands: derived from its saga, what was decided, and its refund."""
    if row.state in _ENDS:
        return _ENDS[row.state]
    if row.state == SagaState.CONFIRMED and refund_state == SagaState.CONFIRMED:
        return ReturnStatus.REFUNDED
    if refund_state in _ENDS:
        return ReturnStatus.REFUND_FAILED
    if row.received_at is not None:
        return ReturnStatus.RECEIVED
    if row.decision == Decision.REFUSED:
        return ReturnStatus.REFUSED
    if row.direction == Direction.UNDO or row.cancel_requested_at is not None:
        expired = (row.failure or {}).get("code") == SagaState.EXPIRED
        return ReturnStatus.EXPIRED if expired else ReturnStatus.CANCELED
    return ReturnStatus.APPROVED if row.decision == Decision.APPROVED else ReturnStatus.REQUESTED
