"""A saga of our own on a table of its own: three errands, the middle one outside the shop."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped

from app.adapters.queue.inline import InlineQueue
from app.platform.db import Base, Database
from app.platform.ids import new_id
from app.saga import engine, registry
from app.saga.models import SagaJournal, SagaRow
from app.saga.states import SagaState
from app.saga.sweep import sweep
from app.saga.table import NOTHING, Batch, Done, Effect, Outcome, Saga, Step


class ErrandBase(DeclarativeBase):
    """Apart from the shop's tables, so that migrations know nothing of it."""

    type_annotation_map = Base.type_annotation_map


class Errand(SagaRow, ErrandBase):
    """A row that walks the test saga; `trail` is what its local steps wrote."""

    __tablename__ = "errands"

    trail: Mapped[list[Any]]


@dataclass
class World:
    """What the errands act upon, and what they are told to answer."""

    db: Database
    queue: InlineQueue
    answers: dict[str, Callable[[UUID], Any]] = field(default_factory=dict)
    calls: list[tuple[str, UUID]] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)

    def start(self, **given: Any) -> UUID:
        """Begin an errand."""
        errand = Errand(id=new_id(), trail=[])
        with self.db.transaction(self.queue) as session:
            engine.start(session, "errand", errand, seconds_max=given.pop("seconds_max", 600))
        return errand.id

    def row(self, saga_id: UUID) -> Errand:
        """The errand as it is now."""
        with self.db.reading() as session:
            return session.get_one(Errand, saga_id)

    def story(self, saga_id: UUID) -> list[str]:
        """The journal as `step:event`."""
        with self.db.reading() as session:
            lines = session.scalars(
                select(SagaJournal).where(SagaJournal.saga_id == saga_id).order_by(SagaJournal.id)
            )
            return [f"{line.step}:{line.event}" for line in lines]

    def reasons(self, saga_id: UUID) -> list[str]:
        """Why it was asked again later, each time."""
        with self.db.reading() as session:
            lines = session.scalars(
                select(SagaJournal.detail)
                .where(SagaJournal.saga_id == saga_id, SagaJournal.event == "retrying")
                .order_by(SagaJournal.id)
            )
            return [line["reason"] for line in lines if line]

    def sweep(self) -> int:
        """One run of the sweeper, and all that comes of it."""
        with self.db.transaction(self.queue) as session:
            nudged = sweep(session)
        self.queue.drain()
        return nudged

    def say(self, place: str, saga_id: UUID) -> Any:
        """What the test wants answered here."""
        return self.answers.get(place, lambda _id: Done())(saga_id)


def _local(place: str) -> Callable[[Batch], Mapping[UUID, Outcome]]:
    def act(batch: Batch) -> Mapping[UUID, Outcome]:
        outcomes = {row.id: batch.ports.say(place, row.id) for row in batch.rows}
        for row in batch.rows:
            if isinstance(outcomes[row.id], Done):
                row.trail = [*row.trail, place]
        return outcomes

    return act


def _effect(place: str) -> Effect:
    def call(saga_id: UUID, world: World) -> Any:
        world.calls.append((place, saga_id))
        return world.say(place, saga_id)

    return Effect(
        prepare=lambda batch: {row.id: row.id for row in batch.rows},
        call=call,
        record=lambda batch, answers: {row.id: answers[row.id] for row in batch.rows},
    )


def _ended(batch: Batch) -> None:
    batch.ports.ended.extend(row.id for row in batch.rows)


ERRAND = Saga(
    kind="errand",
    task_prefix="errand",
    model=Errand,
    steps=(
        Step("pack", do=_local("pack"), undo=_local("unpack")),
        Step("weigh", do=_local("weigh"), undo=_local("unweigh")),
        Step("send", do=_effect("send"), undo=_effect("unsend")),
        Step("sign", do=_local("sign"), undo=NOTHING, pivot=True),
        Step("tell", do=_effect("tell"), undo=NOTHING),
    ),
    seconds_max=600,
    ended=_ended,
)


@pytest.fixture
def world(db: Database) -> Iterator[World]:
    """The errands' world on a real database, its queue in this process."""
    ErrandBase.metadata.create_all(db.engine)
    known = dict(registry._kinds)
    registry._kinds.clear()
    registry.register(ERRAND)
    queue = InlineQueue()
    world = World(db, queue)
    for step in ERRAND.steps:
        queue.tasks[f"errand.{step.name}"] = _task(world, step.name)
    queue.tasks["errand.undo"] = lambda saga_id: engine.undo(ERRAND, [UUID(saga_id)], world)
    yield world
    registry._kinds.clear()
    registry._kinds.update(known)


def _task(world: World, step: str) -> Callable[[str], object]:
    return lambda saga_id: engine.run(ERRAND, step, [UUID(saga_id)], world)


def pass_lease(world: World, saga_id: UUID) -> None:
    """Let the lease of a silent worker run out."""
    with world.db.transaction() as session:
        row = session.get_one(Errand, saga_id)
        row.lease_until = func.shop_now() - timedelta(seconds=1)
        row.nudge_at = func.shop_now() - timedelta(seconds=1)


__all__ = ["ERRAND", "Errand", "SagaState", "World", "pass_lease"]
