"""Runs any table of steps, remembers each, resumes after a crash.

A saga's row decides; tasks only nudge. Local steps run together in one transaction; an outside step
is claimed in one transaction, called with none open, and finished in the next, if the claim still
stands.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.platform.db import ShopSession
from app.platform.metrics import SAGA_STEP_SECONDS
from app.saga import claims as claiming
from app.saga.claims import Claim, Locked
from app.saga.signals import ask_to_stop, first_nudge, nudge, prepare, start, wake
from app.saga.states import Direction, SagaState
from app.saga.table import Later, Outcome, Outcomes, Ports, Saga
from app.saga.walk import Walk

__all__ = [
    "ask_to_stop", "first_nudge", "is_behind", "nudge", "prepare", "run", "start", "undo", "wake",
]  # fmt: skip

log = logging.getLogger(__name__)

_CALLS_AT_ONCE = 16


@dataclass(frozen=True)
class _Lost:
    """A call that ended in something nobody foresaw; its outcome is unknown."""

    error: Exception


def run(
    saga: Saga, step: str, ids: Sequence[UUID] | None, ports: Ports, *, limit: int = 100
) -> bool:
    """Take the sagas waiting at a step as far as they go now: those named, or the oldest `limit`.

    Gives whether any was worked on. Rows that another holds, that wait for later or are elsewhere
    are left alone.
    """
    index = saga.index(step)
    looked = _look(saga, index, ids, ports)

    def find(session: ShopSession) -> list[Locked]:
        return claiming.waiting(session, saga, Direction.FORWARD, ids=ids, step=step, limit=limit)

    def go(walk: Walk, locked: Sequence[Locked]) -> None:
        walk.looked = looked
        walk.forward(locked, index)

    return _guarded(saga, ports, find, go, lambda one: run(saga, step, [one], ports))


def undo(saga: Saga, ids: Sequence[UUID] | None, ports: Ports, *, limit: int = 100) -> bool:
    """Walk turned sagas back to their end. Gives whether any was worked on."""

    def find(session: ShopSession) -> list[Locked]:
        return claiming.waiting(session, saga, Direction.UNDO, ids=ids, limit=limit)

    return _guarded(saga, ports, find, Walk.backward, lambda one: undo(saga, [one], ports))


def is_behind(saga: Saga, step: str, saga_id: UUID, ports: Ports) -> bool:
    """Whether a saga on its way forward has this step behind it: the rest of its chain goes on."""
    model = saga.model
    with ports.db.glance() as connection:
        row = connection.execute(
            select(model.step, model.state, model.direction).where(model.id == saga_id)
        ).first()
    if row is None or row.direction != Direction.FORWARD:
        return False
    return row.state == SagaState.CONFIRMED or saga.index(row.step) > saga.index(step)


def _guarded(
    saga: Saga,
    ports: Ports,
    find: Callable[[ShopSession], Sequence[Locked]],
    go: Callable[[Walk, Sequence[Locked]], None],
    alone: Callable[[UUID], bool],
) -> bool:
    """Run the first transaction and what follows; one bad saga does not hold the others up."""
    found: list[UUID] = []
    try:
        with ports.db.transaction(ports.queue) as session, session.no_autoflush:
            walk = Walk(session, saga, ports)
            locked = find(session)
            found = [row.id for row, _ in locked]
            go(walk, locked)
    except Exception as error:
        if not found:
            raise
        if len(found) > 1:
            worked = [alone(one) for one in found]
            return any(worked)
        log.exception("saga_step_broke", extra={"saga": saga.kind, "saga_id": str(found[0])})
        _postpone(saga, ports, error, lambda s: claiming.waiting(s, saga, None, ids=found))
        return True
    _carry_on(saga, walk, ports)
    return bool(found)


def _carry_on(saga: Saga, walk: Walk, ports: Ports) -> None:
    """Call what was claimed, finish it, and so on until nothing is left to call; then undo what
    turned."""
    turned = list(walk.turned)
    while walk.claims:
        answers = _call_out(saga, walk.claims, ports)
        walk = _finish(saga, walk.claims, answers, ports)
        turned += walk.turned
    if turned:
        undo(saga, turned, ports)


def _call_out(saga: Saga, claims: Sequence[Claim], ports: Ports) -> dict[UUID, Any]:
    """Ask the world, side by side, leases kept meanwhile."""
    with claiming.kept(ports.db, saga, claims):
        if len(claims) == 1:
            return {claims[0].saga_id: _call(saga, claims[0], ports)}
        with ThreadPoolExecutor(min(len(claims), _CALLS_AT_ONCE)) as pool:
            answers = pool.map(lambda claim: _call(saga, claim, ports), claims)
            return {claim.saga_id: answer for claim, answer in zip(claims, answers, strict=True)}


def _call(saga: Saga, claim: Claim, ports: Ports) -> Any:
    with SAGA_STEP_SECONDS.labels(step=saga.steps[claim.index].name).time():
        try:
            return claim.effect.call(claim.request, ports)
        except Exception as error:
            about = {"saga": saga.kind, "saga_id": str(claim.saga_id)}
            log.exception("saga_call_broke", extra=about)
            return _Lost(error)


def _finish(saga: Saga, claims: Sequence[Claim], answers: Mapping[UUID, Any], ports: Ports) -> Walk:
    """Write the answers down where the claims still stand, and go on from there in the same
    transaction."""
    try:
        with ports.db.transaction(ports.queue) as session, session.no_autoflush:
            walk = Walk(session, saga, ports)
            locked = claiming.still_held(session, saga, claims)
            for claim, here in _by_place(claims, locked):
                walk.hear(here, _outcomes(walk, claim, here, answers), claim.index, claim.direction)
    except Exception as error:
        log.exception("saga_finish_broke", extra={"saga": saga.kind})
        return _postpone(saga, ports, error, lambda s: claiming.still_held(s, saga, claims))
    if len(locked) < len(claims):
        lost = len(claims) - len(locked)
        log.warning("lease_lost", extra={"saga": saga.kind, "lost": lost})
    return walk


def _by_place(
    claims: Sequence[Claim], locked: Sequence[Locked]
) -> list[tuple[Claim, list[Locked]]]:
    """The locked rows grouped by what was called for them; a claim stands for its group."""
    groups: dict[tuple[int, Direction], tuple[Claim, list[Locked]]] = {}
    claim_of = {claim.saga_id: claim for claim in claims}
    for pair in locked:
        claim = claim_of[pair[0].id]
        groups.setdefault((claim.index, claim.direction), (claim, []))[1].append(pair)
    return list(groups.values())


def _outcomes(
    walk: Walk, claim: Claim, locked: Sequence[Locked], answers: Mapping[UUID, Any]
) -> Outcomes:
    lost = {row.id: answers[row.id] for row, _ in locked if isinstance(answers[row.id], _Lost)}
    outcomes: dict[UUID, Outcome] = {
        saga_id: Later(type(answer.error).__name__) for saga_id, answer in lost.items()
    }
    known = [row for row, _ in locked if row.id not in lost]
    if known:
        heard = {row.id: answers[row.id] for row in known}
        batch = walk.batch(known, walk.saga.steps[claim.index])
        outcomes.update(claim.effect.record(batch, heard))
    return outcomes


def _look(
    saga: Saga, index: int, ids: Sequence[UUID] | None, ports: Ports
) -> dict[str, Mapping[UUID, Any]]:
    """Ask the read-only questions of the local steps ahead, before any transaction; no answer is
    fine."""
    looked: dict[str, Mapping[UUID, Any]] = {}
    for step in saga.steps[index:]:
        if step.outside:
            break
        if step.look is not None:
            try:
                looked[step.name] = step.look(ids or [], ports)
            except Exception:
                log.exception("look_failed", extra={"saga": saga.kind, "step": step.name})
    return looked


def _postpone(
    saga: Saga,
    ports: Ports,
    error: Exception,
    lock: Callable[[ShopSession], Sequence[Locked]],
) -> Walk:
    """Something broke that should not have: keep the saga, ask again later, until its deadline."""
    with ports.db.transaction(ports.queue) as session:
        walk = Walk(session, saga, ports)
        for row, overdue in lock(session):
            row.version += 1
            index = saga.index(row.step)
            if overdue and row.direction == Direction.FORWARD and saga.only_forward(index):
                walk.give_to_a_person(row, saga.steps[index], type(error).__name__)
            else:
                walk.postpone(row, row.step, Later(type(error).__name__))
    return walk
