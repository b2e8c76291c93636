"""Each second: nudge what is due and wake what has overstayed. What a lost task left waiting goes
on here."""

from datetime import timedelta

from sqlalchemy import func, select, update

from app.platform.db import ShopSession
from app.saga.claims import lease_is_free
from app.saga.registry import sagas
from app.saga.signals import PATIENCE, nudge
from app.saga.states import Direction, SagaState
from app.saga.table import Saga

_PATIENCE_MAX = timedelta(seconds=30)


def sweep(session: ShopSession, *, limit: int = 200) -> int:
    """Nudge at most `limit` due sagas of each kind; gives how many were nudged."""
    return sum(_sweep_kind(session, saga, limit) for saga in sagas())


def _sweep_kind(session: ShopSession, saga: Saga, limit: int) -> int:
    _wake_overdue(session, saga, limit)
    model = saga.model
    due = (
        select(model.id)
        .where(
            model.state == SagaState.RUNNING,
            model.nudge_at <= func.shop_now(),
            model.next_attempt_at <= func.shop_now(),
            lease_is_free(model),
        )
        .order_by(model.nudge_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # The older a saga, the longer until it is nudged again: a long queue is not made longer.
    age = func.shop_now() - model.created_at
    patience = func.least(_PATIENCE_MAX, func.greatest(PATIENCE, age))
    nudged = session.execute(
        update(model)
        .where(model.id.in_(due))
        .values(nudge_at=func.shop_now() + patience)
        .returning(model.id, model.step, model.direction)
        .execution_options(synchronize_session=False)
    ).all()
    for saga_id, step, direction in nudged:
        nudge(session, saga, saga_id, step=step, direction=direction)
    return len(nudged)


def _wake_overdue(session: ShopSession, saga: Saga, limit: int) -> None:
    """A parked saga past its deadline runs again, so that its claim sees the deadline and turns."""
    model = saga.model
    overdue = (
        select(model.id)
        .where(
            model.state == SagaState.PARKED,
            model.direction == Direction.FORWARD,
            model.deadline <= func.shop_now(),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(model)
        .where(model.id.in_(overdue))
        .values(state=SagaState.RUNNING, next_attempt_at=func.shop_now(), nudge_at=func.shop_now())
        .execution_options(synchronize_session=False)
    )
