"""Nudges for sagas: one task a step, named after it, so that Flower shows the whole walk."""

from typing import Any
from uuid import UUID

from app.saga import engine
from app.saga.table import Saga
from app.wiring import providers
from tasks import celery


def declare(saga: Saga) -> None:
    """Give every step of a saga its task, and the way back one too."""
    for step in saga.steps:
        _declare_step(saga, step.name)

    def undo(saga_id: str) -> str:
        """Walk a turned saga back to its end."""
        engine.undo(saga, [UUID(saga_id)], providers())
        return saga_id

    celery.task(name=saga.undo_task)(undo)


def _declare_step(saga: Saga, step: str) -> None:
    def nudge(self: Any, saga_id: str) -> str:
        """Do the step if the row waits for it, and go on as far as it goes."""
        return _nudge(saga, self, step, saga_id)

    celery.task(name=f"{saga.task_prefix}.{step}", bind=True)(nudge)


def _nudge(saga: Saga, task: Any, step: str, saga_id: str) -> str:
    """Do the step if the row waits for it; where it is neither done nor behind, the chain is
    cut."""
    identity, ports = UUID(saga_id), providers()
    first = step == saga.steps[0].name
    if not first and engine.is_behind(saga, step, identity, ports):
        return saga_id
    engine.run(saga, step, [identity], ports)
    if task.request.chain and not engine.is_behind(saga, step, identity, ports):
        task.request.chain = None
    return saga_id
