"""One transaction's worth of a saga: steps done or undone, journaled, and what must be called
afterwards."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func

from app.platform.db import ShopSession
from app.platform.metrics import SAGA_STEP_SECONDS
from app.saga.claims import LEASE, Claim, Locked
from app.saga.incidents import open_incident
from app.saga.models import SagaJournal
from app.saga.signals import tell_waiters
from app.saga.states import OVERDUE, Direction, JournalEvent, SagaState
from app.saga.table import (
    Batch,
    Done,
    Effect,
    Later,
    Outcome,
    Outcomes,
    Parked,
    Refused,
    Saga,
    Step,
    Stuck,
    end_of,
)

_BACKOFF_SECONDS = 0.5
_BACKOFF_SECONDS_MAX = 30.0
_CANCELED = "The checkout was canceled."
_EXPIRED = "The time for this was over."


class Walk:
    """Moves locked rows along their steps. After the commit: `claims` are to be called, `turned` to
    be undone."""

    def __init__(
        self, session: ShopSession, saga: Saga, ports: Any, looked: Mapping[str, Any] | None = None
    ) -> None:
        self.session, self.saga, self.ports = session, saga, ports
        self.looked = looked or {}
        self.claims: list[Claim] = []
        self.turned: list[UUID] = []

    def forward(self, locked: Sequence[Locked], index: int) -> None:
        """Do steps from `index` on, until one must call outside or none is left."""
        going = [pair for pair in locked if not self._turn_if_asked(*pair, index)]
        while going and index < len(self.saga.steps):
            step = self.saga.steps[index]
            if isinstance(step.do, Effect):
                going = self._claim(going, index, step.do, Direction.FORWARD)
                outcomes: Outcomes = {row.id: Done() for row, _ in going}
            else:
                with SAGA_STEP_SECONDS.labels(step=step.name).time():
                    outcomes = step.do(self.batch([row for row, _ in going], step))
            going = [p for p in going if self.settle(p[0], index, outcomes[p[0].id], p[1])]
            index += 1

    def backward(self, locked: Sequence[Locked]) -> None:
        """Undo steps back to the first, until one must call outside."""
        standing: dict[int, list[Locked]] = defaultdict(list)
        for pair in locked:
            standing[self.saga.index(pair[0].step)].append(pair)
        for index in reversed(range(len(self.saga.steps))):
            undone = self._undo_step(standing.pop(index, []), index)
            standing[index - 1] += undone
            for row, _ in undone if index else ():
                row.step = self.saga.steps[index - 1].name
        self._end([row for row, _ in standing.pop(-1)])

    def hear(
        self, locked: Sequence[Locked], outcomes: Outcomes, index: int, direction: Direction
    ) -> None:
        """Settle what calls brought home, and go on from there."""
        if direction == Direction.FORWARD:
            going = [p for p in locked if self.settle(p[0], index, outcomes[p[0].id], p[1])]
            self.forward(going, index + 1)
            return
        undone = [p for p in locked if self.settle_undo(p[0], index, outcomes[p[0].id])]
        if index == 0:
            self._end([row for row, _ in undone])
            return
        for row, _ in undone:
            row.step = self.saga.steps[index - 1].name
        self.backward(undone)

    def settle(self, row: Any, index: int, outcome: Outcome, overdue: bool = False) -> bool:
        """Write down what became of a forward step; True where the row may go on to the next."""
        step = self.saga.steps[index]
        row.version += 1
        row.lease_until = None
        row.updated_at = func.shop_now()
        match outcome:
            case Done(detail):
                self._advance(row, index, detail)
                return True
            case Refused() if index <= self.saga.pivot:
                self.journal(row, step.name, JournalEvent.FAILED, outcome.as_failure())
                self._turn(row, outcome.as_failure())
            case Refused():
                self.journal(row, step.name, JournalEvent.FAILED, outcome.as_failure())
                self._attention(row, step, outcome.as_failure())
            case Later() | Parked():
                self._wait(row, index, outcome, overdue)
            case Stuck(reason, detail):
                self.journal(row, step.name, JournalEvent.FAILED, {"stuck": reason})
                self._attention(row, step, {"code": reason} | (detail or {}))
        return False

    def settle_undo(self, row: Any, index: int, outcome: Outcome) -> bool:
        """Write down what became of an undo; True where the row may go on backwards."""
        step = self.saga.steps[index]
        row.version += 1
        row.lease_until = None
        row.updated_at = func.shop_now()
        match outcome:
            case Done(detail):
                row.attempts = 0
                self.journal(row, step.name, JournalEvent.COMPENSATED, detail)
                return True
            case Later():
                self.postpone(row, step.name, outcome)
            case Parked(reason):
                self.postpone(row, step.name, Later(reason))
            case Refused() | Stuck():
                reason = outcome.code if isinstance(outcome, Refused) else outcome.reason
                self.release_local(row, index)
                self._attention(row, step, {"code": reason, "undoing": True})
        return False

    def postpone(self, row: Any, step: str, outcome: Later) -> None:
        """Ask again later: the one clock of retries."""
        self.journal(row, step, JournalEvent.RETRYING, {"reason": outcome.reason})
        row.attempts += 1
        row.lease_until = None
        wait = outcome.after_seconds or _backoff(row.attempts)
        row.next_attempt_at = row.nudge_at = func.shop_now() + timedelta(seconds=wait)

    def release_local(self, row: Any, index: int) -> None:
        """Undo every local step before `index` now, while an outside undo goes on until it is
        known."""
        undone = list((row.failure or {}).get("undone", []))
        for step in reversed(self.saga.steps[:index]):
            if step.name in undone or isinstance(step.undo, Effect) or not callable(step.undo):
                continue
            outcome = step.undo(self.batch([row], step))[row.id]
            if not isinstance(outcome, Done):
                break  # it is undone in its turn
            undone.append(step.name)
            self.journal(row, step.name, JournalEvent.COMPENSATED, {"at": "deadline"})
        row.failure = dict(row.failure or {}) | {"undone": undone}

    def journal(
        self, row: Any, step: str, event: JournalEvent, detail: dict[str, Any] | None
    ) -> None:
        """Add a line to the saga's story."""
        self.session.add(
            SagaJournal(
                saga_kind=self.saga.kind,
                saga_id=row.id,
                step=step,
                event=event,
                attempt=row.attempts + 1,
                detail=detail,
            )
        )

    def batch(self, rows: Sequence[Any], step: Step) -> Batch:
        """These rows as a step sees them."""
        return Batch(self.session, rows, self.ports, self.looked.get(step.name, {}))

    def _claim(
        self, pairs: Sequence[Locked], index: int, effect: Effect, direction: Direction
    ) -> list[Locked]:
        """Take the leases and write the keys; gives those for whom nobody need be asked."""
        step = self.saga.steps[index]
        requests = effect.prepare(self.batch([row for row, _ in pairs], step))
        for row, _ in pairs:
            if requests.get(row.id) is None:
                continue
            row.version += 1
            row.signaled_at = None
            row.lease_until = row.nudge_at = func.shop_now() + LEASE
            self.journal(row, step.name, JournalEvent.STARTED, None)
            claim = Claim(row.id, row.version, index, direction, effect, requests[row.id])
            self.claims.append(claim)
        return [pair for pair in pairs if requests.get(pair[0].id) is None]

    def _undo_step(self, locked: Sequence[Locked], index: int) -> list[Locked]:
        """Undo one step for those standing at it; gives who may go on backwards."""
        step = self.saga.steps[index]
        undo = step.undo
        if not callable(undo) and not isinstance(undo, Effect):
            return list(locked)
        before = [p for p in locked if step.name in (p[0].failure or {}).get("undone", [])]
        todo = [pair for pair in locked if pair not in before]
        if not todo:
            return before
        if isinstance(undo, Effect):
            for row, overdue in todo:
                if overdue:
                    self.release_local(row, index)
            todo = self._claim(todo, index, undo, Direction.UNDO)
            outcomes: Outcomes = {row.id: Done() for row, _ in todo}
        else:
            outcomes = undo(self.batch([row for row, _ in todo], step))
        return before + [p for p in todo if self.settle_undo(p[0], index, outcomes[p[0].id])]

    def _wait(self, row: Any, index: int, outcome: Later | Parked, overdue: bool) -> None:
        """Not now: asked again, parked, turned back where it may be, or shown to a person."""
        step = self.saga.steps[index]
        if self._turn_if_asked(row, False, index):
            return  # what is not known yet is found out on the way back
        if isinstance(outcome, Parked):
            self._park(row, step.name, outcome.reason)
        elif overdue and self.saga.only_forward(index):
            self.give_to_a_person(row, step, outcome.reason)
        else:
            self.postpone(row, step.name, outcome)

    def _park(self, row: Any, step: str, reason: str) -> None:
        """Wait for a signal; one that came while we were asking is not slept over."""
        if row.signaled_at is not None:
            row.signaled_at = None  # heard: the next time it sleeps
            self.postpone(row, step, Later("signaled", after_seconds=0.1))
        else:
            row.state = SagaState.PARKED
            self.journal(row, step, JournalEvent.RETRYING, {"parked": reason})
            tell_waiters(self.session, row.id)

    def _advance(self, row: Any, index: int, detail: dict[str, Any] | None) -> None:
        row.attempts = 0
        row.key_attempt = 1
        self.journal(row, self.saga.steps[index].name, JournalEvent.SUCCEEDED, detail)
        if index + 1 < len(self.saga.steps):
            row.step = self.saga.steps[index + 1].name
            row.next_attempt_at = func.shop_now()
        else:
            row.state = SagaState.CONFIRMED
            tell_waiters(self.session, row.id)

    def _turn_if_asked(self, row: Any, overdue: bool, index: int) -> bool:
        if self.saga.only_forward(index) or not (overdue or row.cancel_requested_at is not None):
            return False
        code = "expired" if overdue else (row.cancel_reason or "canceled")
        self._turn(row, {"code": code, "detail": _CANCELED if code == "canceled" else _EXPIRED})
        self.journal(row, row.step, JournalEvent.SIGNALED, {"turn": code})
        return True

    def _turn(self, row: Any, failure: dict[str, Any]) -> None:
        """From here it only undoes. A commit of its own: the undo begins in the next
        transaction."""
        row.direction = Direction.UNDO
        row.failure = failure
        row.version += 1
        row.attempts = 0
        row.lease_until = None
        row.next_attempt_at = row.nudge_at = func.shop_now()
        self.turned.append(row.id)

    def _end(self, rows: Sequence[Any]) -> None:
        if not rows:
            return
        for row in rows:
            row.state = end_of(row.failure)
            row.version += 1
            row.updated_at = func.shop_now()
            tell_waiters(self.session, row.id)
        self.saga.ended(Batch(self.session, rows, self.ports))

    def give_to_a_person(self, row: Any, step: Step, reason: str) -> None:
        """Nobody may turn it, and its time is over without a clear answer."""
        self.journal(row, step.name, JournalEvent.FAILED, {"overdue": reason})
        self._attention(row, step, {"code": OVERDUE, "reason": reason})

    def _attention(self, row: Any, step: Step, failure: dict[str, Any]) -> None:
        row.state = SagaState.NEEDS_ATTENTION
        row.failure = dict(row.failure or {}) | failure
        tell_waiters(self.session, row.id)
        open_incident(
            self.session,
            kind=f"saga_{step.name}",
            subject=str(row.id),
            detail={"saga": self.saga.kind} | failure,
        )


def _backoff(attempts: int) -> float:
    ceiling = min(_BACKOFF_SECONDS_MAX, _BACKOFF_SECONDS * float(2 ** min(attempts, 10)))
    return ceiling * (0.5 + random.random() / 2)  # noqa: S311 - jitter, not a secret
