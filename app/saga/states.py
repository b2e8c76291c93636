"""The words every saga uses for where it stands."""

from enum import StrEnum


class SagaState(StrEnum):
    """Where a saga stands. The last five are ends; `needs_attention` waits for a person."""

    RUNNING = "running"
    PARKED = "parked"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"
    NEEDS_ATTENTION = "needs_attention"


OVERDUE = "overdue"  # the failure of a saga whose time is over without a clear answer
LIVE = (SagaState.RUNNING, SagaState.PARKED)


class Direction(StrEnum):
    """Which way a saga walks. Once it undoes it never turns back."""

    FORWARD = "forward"
    UNDO = "undo"


class JournalEvent(StrEnum):
    """What the journal says of a step."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    RETRYING = "retrying"
    FAILED = "failed"
    COMPENSATED = "compensated"
    SIGNALED = "signaled"
