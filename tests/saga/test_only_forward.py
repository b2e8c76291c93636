"""A saga whose first step moves money that cannot be moved back by undoing: it goes only
forward."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from app.platform.ids import new_id
from app.saga import engine, registry
from app.saga.models import Incident
from app.saga.signals import resume
from app.saga.states import SagaState
from app.saga.table import NOTHING, Done, Later, Parked, Refused, Saga, Step, Stuck
from tests.conftest import Clock
from tests.saga.conftest import Errand, World, _effect, _local

GIFT = Saga(
    kind="gift",
    task_prefix="gift",
    model=Errand,
    steps=(
        Step("charge", do=_effect("charge"), undo=NOTHING, pivot=True),
        Step("wrap", do=_effect("wrap"), undo=NOTHING),
        Step("hand", do=_local("hand"), undo=NOTHING),
    ),
    seconds_max=600,
)


@pytest.fixture
def gifts(world: World) -> World:
    """The same world, where only gifts are given."""
    registry._kinds.clear()
    registry.register(GIFT)
    for step in GIFT.steps:
        world.queue.tasks[f"gift.{step.name}"] = _doing(world, step.name)
    world.queue.tasks["gift.undo"] = lambda gift: engine.undo(GIFT, [UUID(gift)], world)
    return world


def test_neither_a_cancel_nor_the_deadline_turns_it_once_money_may_have_moved(
    gifts: World, clock: Clock
) -> None:
    gifts.answers["charge"] = lambda _id: Later("no_answer")
    gift = _give(gifts)
    gifts.queue.drain()

    with gifts.db.transaction(gifts.queue) as session:
        asked = engine.ask_to_stop(session, "gift", gift, reason="canceled")
    clock.advance(300)
    gifts.answers["charge"] = lambda _id: Done()
    gifts.sweep()

    assert not asked
    assert gifts.row(gift).state == SagaState.CONFIRMED


def test_what_is_still_unknown_at_the_deadline_is_shown_to_a_person(
    gifts: World, clock: Clock
) -> None:
    gifts.answers["charge"] = lambda _id: Later("no_answer")
    gift = _give(gifts)
    gifts.queue.drain()

    clock.advance(601)
    gifts.sweep()

    row = gifts.row(gift)
    assert (row.state, row.direction) == (SagaState.NEEDS_ATTENTION, "forward")
    assert row.failure == {"code": "overdue", "reason": "no_answer"}
    assert _open_incidents(gifts) == [("saga_charge", str(gift))]


def test_an_answer_that_comes_after_the_deadline_still_counts(gifts: World, clock: Clock) -> None:
    gifts.answers["charge"] = lambda _id: Later("no_answer")
    gift = _give(gifts)
    gifts.queue.drain()

    clock.advance(601)
    gifts.answers["charge"] = lambda _id: Done()
    gifts.sweep()

    assert gifts.row(gift).state == SagaState.CONFIRMED


def test_a_definitive_no_ends_it_as_failed(gifts: World) -> None:
    gifts.answers["charge"] = lambda _id: Refused("no_money", "There is none.")
    gift = _give(gifts)

    gifts.queue.drain()

    row = gifts.row(gift)
    assert (row.state, row.failure["code"]) == (SagaState.FAILED, "no_money")
    assert row.trail == []


def test_who_resumes_it_closes_the_incident_and_it_goes_on_under_a_new_key(gifts: World) -> None:
    gifts.answers["wrap"] = lambda _id: Stuck("no_paper")
    gift = _give(gifts)
    gifts.queue.drain()
    before = gifts.row(gift)

    gifts.answers["wrap"] = lambda _id: Done()
    with gifts.db.transaction(gifts.queue) as session:
        resume(session, "gift", session.get_one(Errand, gift, with_for_update=True), actor="ops")
    gifts.queue.drain()

    after = gifts.row(gift)
    assert (before.state, after.state) == (SagaState.NEEDS_ATTENTION, SagaState.CONFIRMED)
    assert after.failure is None
    assert _open_incidents(gifts) == []
    assert gifts.calls == [("charge", gift), ("wrap", gift), ("wrap", gift)]
    assert "wrap:signaled" in gifts.story(gift)


def test_who_resumes_what_never_had_a_clear_answer_keeps_the_key(
    gifts: World, clock: Clock
) -> None:
    gifts.answers["charge"] = lambda _id: Later("no_answer")
    gift = _give(gifts)
    gifts.queue.drain()
    clock.advance(601)
    gifts.sweep()
    before = gifts.row(gift)

    gifts.answers["charge"] = lambda _id: Done()
    with gifts.db.transaction(gifts.queue) as session:
        resume(session, "gift", session.get_one(Errand, gift, with_for_update=True), actor="ops")
    key_attempt = gifts.row(gift).key_attempt
    gifts.queue.drain()

    assert (before.state, before.key_attempt) == (SagaState.NEEDS_ATTENTION, 1)
    assert key_attempt == 1
    assert gifts.row(gift).state == SagaState.CONFIRMED


@pytest.mark.parametrize(("place", "stands_at"), [("charge", "charge"), ("hand", "wrap")])
def test_what_breaks_until_its_time_is_over_is_shown_to_a_person(
    gifts: World, clock: Clock, place: str, stands_at: str
) -> None:
    gifts.answers[place] = _break
    gift = _give(gifts)
    gifts.queue.drain()
    before = gifts.row(gift).state

    clock.advance(601)
    gifts.sweep()

    row = gifts.row(gift)
    assert (before, row.state) == (SagaState.RUNNING, SagaState.NEEDS_ATTENTION)
    assert row.failure == {"code": "overdue", "reason": "ZeroDivisionError"}
    assert _open_incidents(gifts) == [(f"saga_{stands_at}", str(gift))]


def test_a_saga_woken_while_it_waits_for_another_signal_sleeps_again(
    gifts: World, clock: Clock
) -> None:
    gifts.answers["hand"] = lambda _id: Parked("nobody_home")
    gift = _give(gifts)
    gifts.queue.drain()
    with gifts.db.transaction(gifts.queue) as session:
        engine.wake(session, "gift", gift, detail={"by": "a test"})
    gifts.queue.drain()

    for _ in range(3):
        clock.advance(5)
        gifts.sweep()
    told = gifts.story(gift)
    clock.advance(5)
    gifts.sweep()

    assert gifts.row(gift).state == SagaState.PARKED
    assert gifts.story(gift) == told


def test_a_saga_that_needs_nobody_is_not_resumed(gifts: World) -> None:
    gift = _give(gifts)
    gifts.queue.drain()

    with (
        pytest.raises(ValueError, match="confirmed needs nobody"),
        gifts.db.transaction() as session,
    ):
        resume(session, "gift", session.get_one(Errand, gift), actor="ops")


def _give(world: World) -> UUID:
    errand = Errand(id=new_id(), trail=[])
    with world.db.transaction(world.queue) as session:
        engine.start(session, "gift", errand)
    return errand.id


def _break(_id: UUID) -> Done:
    raise ZeroDivisionError


def _doing(world: World, step: str) -> Callable[[str], object]:
    return lambda gift: engine.run(GIFT, step, [UUID(gift)], world)


def _open_incidents(world: World) -> list[tuple[str, str]]:
    with world.db.reading() as session:
        found = session.execute(
            select(Incident.kind, Incident.subject).where(Incident.closed_at.is_(None))
        )
        return [(kind, subject) for kind, subject in found]
