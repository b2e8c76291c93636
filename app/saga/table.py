"""A saga is a table: its steps in order, each with what it does and what takes it back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from app.platform.db import Database, ShopSession
from app.platform.queue import Queue
from app.saga.models import SagaRow
from app.saga.states import SagaState


class Ports(Protocol):
    """What the engine itself needs; a saga's steps see the wider ports of their own domain."""

    @property
    def db(self) -> Database:
        """The shop's database."""

    @property
    def queue(self) -> Queue:
        """Carries nudges."""


@dataclass(frozen=True)
class Done:
    """The step holds; go on. `detail` is kept in the journal."""

    detail: dict[str, Any] | None = None


@dataclass(frozen=True)
class Refused:
    """A definitive no: undo at once. Whoever refuses has written nothing for that saga."""

    code: str
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_failure(self) -> dict[str, Any]:
        """What a client is shown."""
        return {"code": self.code, "detail": self.detail, **self.facts}


@dataclass(frozen=True)
class Later:
    """Not now, or not known: ask again with the same key, after a while."""

    reason: str
    after_seconds: float | None = None


@dataclass(frozen=True)
class Parked:
    """Somebody else must act first; a signal or the deadline goes on."""

    reason: str


@dataclass(frozen=True)
class Stuck:
    """Neither forward nor back by itself: a person must look. Opens an incident."""

    reason: str
    detail: dict[str, Any] | None = None


Outcome = Done | Refused | Later | Parked | Stuck
Outcomes = Mapping[UUID, Outcome]


@dataclass(frozen=True)
class Batch:
    """The claimed sagas of one step, in one transaction. `rows` are locked and of the saga's own
    table.

    `looked` is what the step's `look` found before the transaction, by saga id.
    """

    session: ShopSession
    rows: Sequence[Any]
    ports: Any
    looked: Mapping[UUID, Any] = field(default_factory=dict)


Local = Callable[[Batch], Outcomes]


@dataclass(frozen=True)
class Effect:
    """An act on the outside world, in three parts, so that no transaction is open while it happens.

    `prepare` writes the key and gives each saga's request in the claiming transaction (none: nobody
    need be asked); `call` asks, without a transaction; `record` writes the answers down in the
    finishing one.
    """

    prepare: Callable[[Batch], Mapping[UUID, Any]]
    call: Callable[[Any, Any], Any]
    record: Callable[[Batch, Mapping[UUID, Any]], Outcomes]


class _Nothing:
    """Said of a step that needs no undo; leaving it out is not possible."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = _Nothing()


@dataclass(frozen=True)
class Step:
    """One step: `do`, `undo` or NOTHING, a read-only `look` before it. After the `pivot` only
    forward."""

    name: str
    do: Local | Effect
    undo: Local | Effect | _Nothing
    look: Callable[[Sequence[UUID], Any], Mapping[UUID, Any]] | None = None
    pivot: bool = False

    @property
    def outside(self) -> bool:
        """Whether doing it calls somebody."""
        return isinstance(self.do, Effect)


def _nobody(_batch: Batch) -> None:
    """For sagas that need nothing more at their end."""


@dataclass(frozen=True)
class Saga:
    """A kind of saga. `ended` runs in the transaction that ends an undone one.

    `task_prefix` names its tasks (`checkout.reserve`), `seconds_max` is its deadline.
    """

    kind: str
    task_prefix: str
    model: type[SagaRow]
    steps: tuple[Step, ...]
    seconds_max: int
    ended: Callable[[Batch], None] = _nobody

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names) or sum(step.pivot for step in self.steps) != 1:
            raise ValueError(f"{self.kind}: step names must differ and one step must be the pivot")

    def index(self, name: str) -> int:
        """Where a step stands. Raises KeyError for a step this saga has not."""
        for position, step in enumerate(self.steps):
            if step.name == name:
                return position
        raise KeyError(f"{self.kind} has no step {name!r}")

    @property
    def pivot(self) -> int:
        """The index after which nothing is undone."""
        return next(i for i, step in enumerate(self.steps) if step.pivot)

    def only_forward(self, index: int) -> bool:
        """Whether a saga at this step no longer turns back by itself: behind the pivot, or at one
        that calls outside and cannot be undone. Only a definitive no turns it there."""
        if index != self.pivot:
            return index > self.pivot
        step = self.steps[index]
        return step.outside and step.undo is NOTHING

    def chain(self, step: str) -> tuple[str, ...]:
        """The task names of a step and those after it."""
        return tuple(f"{self.task_prefix}.{s.name}" for s in self.steps[self.index(step) :])

    @property
    def undo_task(self) -> str:
        """The name of the task that walks back."""
        return f"{self.task_prefix}.undo"


_END_OF_REASON = {"expired": SagaState.EXPIRED, "canceled": SagaState.CANCELED}


def end_of(failure: Mapping[str, Any] | None) -> SagaState:
    """How an undone saga ends: expired, canceled, or failed."""
    return _END_OF_REASON.get((failure or {}).get("code", ""), SagaState.FAILED)
