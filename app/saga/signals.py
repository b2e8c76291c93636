"""How the world speaks to a saga: start it, nudge it, wake it, ask it to stop. Signals are
columns."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.platform.db import ShopSession
from app.saga.incidents import close_incident
from app.saga.models import SagaJournal, SagaRow
from app.saga.registry import saga_of
from app.saga.states import LIVE, OVERDUE, Direction, JournalEvent, SagaState
from app.saga.table import Saga

CHANNEL = "sagas"
PATIENCE = timedelta(seconds=2)  # so long a fresh nudge is left alone before the sweep repeats it


def start(session: ShopSession, kind: str, row: SagaRow, *, seconds_max: int | None = None) -> None:
    """Begin a saga: its row is written with this transaction, its first nudge leaves after the
    commit."""
    prepare(row, kind, seconds_max=seconds_max)
    session.add(row)
    session.flush()
    first_nudge(session, kind, row.id)


def prepare(row: SagaRow, kind: str, *, seconds_max: int | None = None) -> None:
    """Put a new row at the first step of its saga, with its deadline; writes nothing."""
    saga = saga_of(kind)
    row.step = saga.steps[0].name
    row.state, row.direction = SagaState.RUNNING, Direction.FORWARD
    row.version = row.key_attempt = 1
    row.attempts = 0
    row.deadline = func.shop_now() + timedelta(seconds=seconds_max or saga.seconds_max)
    row.nudge_at = func.shop_now() + PATIENCE


def first_nudge(session: ShopSession, kind: str, saga_id: UUID) -> None:
    """Send the whole chain for a saga whose row was just written."""
    saga = saga_of(kind)
    nudge(session, saga, saga_id, step=saga.steps[0].name, direction=Direction.FORWARD)


def nudge(
    session: ShopSession, saga: Saga, saga_id: UUID, *, step: str, direction: Direction
) -> None:
    """Send the chain of what remains: the steps from here on, or the way back."""
    chain = saga.chain(step) if direction == Direction.FORWARD else (saga.undo_task,)
    session.nudge(*chain, id=saga_id)


def wake(session: ShopSession, kind: str, saga_id: UUID, *, detail: dict[str, Any]) -> bool:
    """Go on with a parked saga, or nudge one that waits; False where it is at its end or unknown.

    A signal that comes while somebody calls for the saga is remembered: it is not parked over it.
    """
    saga = saga_of(kind)
    model = saga.model
    found = session.execute(
        update(model)
        .where(model.id == saga_id, model.state.in_(LIVE))
        .values(
            state=SagaState.RUNNING,
            signaled_at=func.shop_now(),
            next_attempt_at=func.shop_now(),
            nudge_at=func.shop_now() + PATIENCE,
            updated_at=func.shop_now(),
        )
        .returning(model.step, model.direction, model.key_attempt)
    ).first()
    if found is None:
        return False
    step, direction, attempt = found
    session.add(
        SagaJournal(
            saga_kind=kind,
            saga_id=saga_id,
            step=step,
            event=JournalEvent.SIGNALED,
            attempt=attempt,
            detail=detail,
        )
    )
    nudge(session, saga, saga_id, step=step, direction=direction)
    return True


def resume(
    session: ShopSession, kind: str, row: SagaRow, *, actor: str, seconds_max: int | None = None
) -> None:
    """Go on with a locked saga that needed a person, with a new deadline; its incident is closed.

    After a clear no whoever is asked is asked under a new key. Where no clear answer came, the old
    key stands: what was done under it must not be done twice. Raises ValueError for one that needs
    nobody.
    """
    if row.state != SagaState.NEEDS_ATTENTION:
        raise ValueError(f"a saga that is {row.state} needs nobody")
    saga = saga_of(kind)
    row.state = SagaState.RUNNING
    if (row.failure or {}).get("code") != OVERDUE:
        row.key_attempt += 1
    row.failure = None if row.direction == Direction.FORWARD else row.failure
    row.attempts = 0
    row.version += 1
    row.deadline = func.shop_now() + timedelta(seconds=seconds_max or saga.seconds_max)
    row.next_attempt_at = row.updated_at = func.shop_now()
    row.nudge_at = func.shop_now() + PATIENCE
    close_incident(session, kind=f"saga_{row.step}", subject=str(row.id))
    session.add(
        SagaJournal(
            saga_kind=kind,
            saga_id=row.id,
            step=row.step,
            event=JournalEvent.SIGNALED,
            attempt=row.key_attempt,
            detail={"resumed_by": actor},
        )
    )
    nudge(session, saga, row.id, step=row.step, direction=row.direction)


def give_up(session: ShopSession, kind: str, row: SagaRow, *, actor: str) -> None:
    """End a locked saga that needed a person where it stands: what it was for is settled in
    another way by the caller. Its incident is closed. Raises ValueError for one that needs nobody.
    """
    if row.state != SagaState.NEEDS_ATTENTION:
        raise ValueError(f"a saga that is {row.state} needs nobody")
    row.state = SagaState.CANCELED
    row.version += 1
    row.updated_at = func.shop_now()
    close_incident(session, kind=f"saga_{row.step}", subject=str(row.id))
    session.add(
        SagaJournal(
            saga_kind=kind,
            saga_id=row.id,
            step=row.step,
            event=JournalEvent.SIGNALED,
            attempt=row.key_attempt,
            detail={"given_up_by": actor},
        )
    )
    tell_waiters(session, row.id)


def ask_to_stop(session: ShopSession, kind: str, saga_id: UUID, *, reason: str) -> bool:
    """Ask a live saga to turn back; whoever works on it reads this at its next finish.

    `reason` is `canceled` or `expired`. False where the saga is at its end, past its pivot or
    turning already.
    """
    saga = saga_of(kind)
    model = saga.model
    before_pivot = [
        step.name for index, step in enumerate(saga.steps) if not saga.only_forward(index)
    ]
    asked = session.execute(
        update(model)
        .where(
            model.id == saga_id,
            model.state.in_(LIVE),
            model.direction == Direction.FORWARD,
            model.step.in_(before_pivot),
        )
        .values(
            cancel_requested_at=func.coalesce(model.cancel_requested_at, func.shop_now()),
            cancel_reason=func.coalesce(model.cancel_reason, reason),
            state=SagaState.RUNNING,
            next_attempt_at=func.shop_now(),
            nudge_at=func.shop_now() + PATIENCE,
            updated_at=func.shop_now(),
        )
        .returning(model.step)
    )
    step = asked.scalar()
    if step is None:
        return False
    nudge(session, saga, saga_id, step=step, direction=Direction.FORWARD)
    return True


def tell_waiters(session: ShopSession, saga_id: UUID) -> None:
    """Wake who waits for this saga's outcome, by NOTIFY with this commit."""
    session.execute(select(func.pg_notify(CHANNEL, str(saga_id))))
