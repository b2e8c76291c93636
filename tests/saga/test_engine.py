"""What the engine promises for any table of steps."""

import threading
import time
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, func, select

from app.platform.ids import new_id
from app.platform.seams import CallInsideTransaction, calling_out
from app.saga import engine
from app.saga.models import Incident
from app.saga.states import Direction, SagaState
from app.saga.sweep import sweep
from app.saga.table import NOTHING, Done, Later, Parked, Refused, Saga, Step, Stuck
from tests.conftest import Clock
from tests.saga.conftest import ERRAND, Errand, World, pass_lease


def test_a_saga_walks_all_its_steps_and_journals_each(world: World) -> None:
    saga_id = world.start()

    world.queue.drain()

    assert world.row(saga_id).state == SagaState.CONFIRMED
    assert world.row(saga_id).trail == ["pack", "weigh", "sign"]
    assert world.story(saga_id) == [
        "pack:succeeded",
        "weigh:succeeded",
        "send:started",
        "send:succeeded",
        "sign:succeeded",
        "tell:started",
        "tell:succeeded",
    ]


def test_local_steps_share_a_commit_with_the_claim_before_and_the_finish_after(
    world: World,
) -> None:
    saga_id = world.start()
    commits: list[object] = []
    event.listen(world.db.engine, "commit", commits.append)

    engine.run(ERRAND, "pack", [saga_id], world)

    assert world.row(saga_id).state == SagaState.CONFIRMED
    assert len(commits) == 3  # pack+weigh+claim · finish+sign+claim · finish


def test_no_transaction_is_open_during_a_call(world: World) -> None:
    saga_id = world.start()
    seen: list[str] = []

    def look(one: UUID) -> Done:
        with calling_out("test"):
            seen.append(str(world.row(one).step))
        return Done()

    world.answers["send"] = look
    world.queue.drain()

    assert seen == ["send"]
    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_a_call_from_a_local_step_is_refused_and_nothing_is_kept(world: World) -> None:
    def misbehave(_one: UUID) -> Done:
        with calling_out("test"):
            return Done()

    world.answers["weigh"] = misbehave
    saga_id = world.start()

    world.queue.drain()

    row = world.row(saga_id)
    assert (row.step, row.trail, row.attempts) == ("pack", [], 1)
    assert world.reasons(saga_id) == [CallInsideTransaction.__name__]


def test_a_refusal_undoes_what_was_done_in_reverse(world: World) -> None:
    world.answers["send"] = lambda _id: Refused("no", "not today")
    saga_id = world.start()

    world.queue.drain()

    row = world.row(saga_id)
    assert row.state == SagaState.FAILED
    assert row.failure == {"code": "no", "detail": "not today"}
    assert row.trail == ["pack", "weigh", "unweigh", "unpack"]
    assert [place for place, _ in world.calls] == ["send", "unsend"]
    assert world.ended == [saga_id]


def test_a_transient_failure_is_asked_again_by_the_sweep_alone(world: World, clock: Clock) -> None:
    tries = iter([Later("no_answer"), Done()])
    world.answers["send"] = lambda _id: next(tries)
    saga_id = world.start()
    world.queue.drain()
    early = world.sweep()

    clock.advance(40)
    late = world.sweep()

    assert (early, late) == (0, 1)
    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_a_task_delivered_twice_late_or_for_another_step_changes_nothing(world: World) -> None:
    saga_id = world.start()
    world.queue.drain()
    before = world.row(saga_id)

    worked = [engine.run(ERRAND, step.name, [saga_id], world) for step in ERRAND.steps]
    engine.undo(ERRAND, [saga_id], world)

    assert not any(worked)
    assert world.row(saga_id).version == before.version
    assert len(world.calls) == 2


def test_two_workers_at_one_saga_do_it_once(world: World) -> None:
    saga_ids = [world.start() for _ in range(10)]

    def work() -> None:
        for saga_id in saga_ids:
            engine.run(ERRAND, "pack", [saga_id], world)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert all(world.row(saga_id).trail == ["pack", "weigh", "sign"] for saga_id in saga_ids)
    assert sorted(world.calls) == sorted(
        [(place, saga_id) for saga_id in saga_ids for place in ("send", "tell")]
    )


def test_who_lost_the_lease_changes_nothing(world: World) -> None:
    saga_id = world.start()
    answers = iter([Refused("late", "too late"), Done()])

    def slow_then_quick(one: UUID) -> Done | Refused:
        answer = next(answers)
        if isinstance(answer, Refused):
            pass_lease(world, one)
            engine.run(ERRAND, "send", [one], world)
        return answer

    world.answers["send"] = slow_then_quick
    world.queue.drain()

    row = world.row(saga_id)
    assert row.state == SagaState.CONFIRMED
    assert "send:failed" not in world.story(saga_id)


def test_a_slow_call_keeps_its_lease(world: World) -> None:
    saga_id = world.start()
    stolen: list[bool] = []

    def slow(one: UUID) -> Done:
        if not stolen:
            stolen.append(True)
            time.sleep(3.6)
            stolen[0] = engine.run(ERRAND, "send", [one], world)
        return Done()

    world.answers["send"] = slow
    world.queue.drain()

    assert stolen == [False]
    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_a_saga_whose_worker_died_goes_on_when_its_lease_is_over(world: World) -> None:
    class Killed(BaseException):
        pass

    def die(_one: UUID) -> Done:
        raise Killed

    world.answers["send"] = die
    saga_id = world.start()
    with pytest.raises(Killed):
        world.queue.drain()
    del world.answers["send"]
    world.queue.waiting.clear()
    before = world.sweep()

    pass_lease(world, saga_id)
    world.sweep()

    assert before == 0
    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_a_cancel_during_the_call_turns_it_back_after_the_answer_is_kept(world: World) -> None:
    def cancel_meanwhile(one: UUID) -> Done:
        with world.db.transaction(world.queue) as session:
            assert engine.ask_to_stop(session, "errand", one, reason="canceled")
        return Done({"sent": True})

    world.answers["send"] = cancel_meanwhile
    saga_id = world.start()

    world.queue.drain()

    assert world.row(saga_id).state == SagaState.CANCELED
    story = world.story(saga_id)
    assert story.index("send:succeeded") < story.index("send:compensated")
    assert "sign:succeeded" not in story


def test_a_saga_past_its_pivot_cannot_be_asked_to_stop(world: World) -> None:
    world.answers["tell"] = lambda _id: Later("busy")
    saga_id = world.start()
    world.queue.drain()

    with world.db.transaction(world.queue) as session:
        asked = engine.ask_to_stop(session, "errand", saga_id, reason="canceled")

    assert not asked
    assert world.row(saga_id).direction == Direction.FORWARD


def test_a_refusal_after_the_pivot_needs_a_person_and_undoes_nothing(world: World) -> None:
    world.answers["tell"] = lambda _id: Refused("no_number", "nobody there")
    saga_id = world.start()

    world.queue.drain()

    row = world.row(saga_id)
    assert row.state == SagaState.NEEDS_ATTENTION
    assert row.trail == ["pack", "weigh", "sign"]
    with world.db.reading() as session:
        incident = session.scalars(select(Incident)).one()
    assert (incident.kind, incident.subject) == ("saga_tell", str(saga_id))


def test_a_parked_saga_goes_on_when_woken(world: World) -> None:
    answers = iter([Parked("signature"), Done()])
    world.answers["send"] = lambda _id: next(answers)
    saga_id = world.start()
    world.queue.drain()
    parked = world.row(saga_id).state

    with world.db.transaction(world.queue) as session:
        engine.wake(session, "errand", saga_id, detail={"by": "test"})
    world.queue.drain()

    assert parked == SagaState.PARKED
    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_a_signal_that_comes_during_the_call_is_not_slept_over(world: World, clock: Clock) -> None:
    answers = iter([Parked("signature"), Done()])

    def wake_meanwhile(one: UUID) -> Done | Parked:
        answer = next(answers)
        if isinstance(answer, Parked):
            with world.db.transaction(world.queue) as session:
                engine.wake(session, "errand", one, detail={"by": "test"})
        return answer

    world.answers["send"] = wake_meanwhile
    saga_id = world.start()
    world.queue.drain()

    clock.advance(5)
    world.sweep()

    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_a_cancel_that_comes_while_it_is_about_to_park_turns_it(world: World) -> None:
    def cancel_meanwhile(one: UUID) -> Parked:
        with world.db.transaction(world.queue) as session:
            engine.ask_to_stop(session, "errand", one, reason="canceled")
        return Parked("signature")

    world.answers["send"] = cancel_meanwhile
    saga_id = world.start()

    world.queue.drain()

    assert world.row(saga_id).state == SagaState.CANCELED


def test_a_parked_saga_past_its_deadline_expires(world: World, clock: Clock) -> None:
    world.answers["send"] = lambda _id: Parked("signature")
    saga_id = world.start()
    world.queue.drain()

    clock.advance(601)
    world.sweep()

    assert world.row(saga_id).state == SagaState.EXPIRED
    assert world.row(saga_id).trail == ["pack", "weigh", "unweigh", "unpack"]


def test_before_the_deadline_nothing_local_is_released_while_the_outside_undo_is_unknown(
    world: World, clock: Clock
) -> None:
    world.answers |= {
        "send": lambda _id: Refused("no", "no"),
        "unsend": lambda _id: Later("no_answer"),
    }
    saga_id = world.start()
    world.queue.drain()

    clock.advance(60)
    world.sweep()

    row = world.row(saga_id)
    assert (row.state, row.direction, row.trail) == ("running", "undo", ["pack", "weigh"])


def test_at_the_deadline_everything_local_goes_at_once_and_the_outside_undo_goes_on(
    world: World, clock: Clock
) -> None:
    world.answers |= {
        "send": lambda _id: Refused("no", "no"),
        "unsend": lambda _id: Later("no_answer"),
    }
    saga_id = world.start()
    world.queue.drain()
    clock.advance(601)
    world.sweep()
    at_deadline = world.row(saga_id)

    del world.answers["unsend"]
    clock.advance(60)
    world.sweep()

    assert at_deadline.state == SagaState.RUNNING
    assert at_deadline.trail == ["pack", "weigh", "unweigh", "unpack"]
    assert world.row(saga_id).state == SagaState.FAILED
    assert world.row(saga_id).trail == ["pack", "weigh", "unweigh", "unpack"]


def test_an_undo_that_cannot_finish_needs_a_person_and_keeps_only_what_it_needs(
    world: World,
) -> None:
    world.answers |= {
        "send": lambda _id: Refused("no", "no"),
        "unsend": lambda _id: Stuck("already_captured"),
    }
    saga_id = world.start()

    world.queue.drain()

    row = world.row(saga_id)
    assert row.state == SagaState.NEEDS_ATTENTION
    assert row.trail == ["pack", "weigh", "unweigh", "unpack"]


def test_many_sagas_at_one_step_go_in_one_transaction_and_fail_alone(world: World) -> None:
    saga_ids = [world.start() for _ in range(5)]
    unlucky = saga_ids[2]
    world.answers["weigh"] = lambda one: Refused("heavy", "no") if one == unlucky else Done()

    engine.run(ERRAND, "pack", None, world)

    states = {saga_id: world.row(saga_id).state for saga_id in saga_ids}
    assert states.pop(unlucky) == SagaState.FAILED
    assert set(states.values()) == {SagaState.CONFIRMED}


def test_a_bug_met_by_one_saga_of_a_batch_does_not_hold_the_others_up(world: World) -> None:
    saga_ids = [world.start() for _ in range(3)]

    def break_for_one(one: UUID) -> Done:
        if one == saga_ids[1]:
            raise ZeroDivisionError
        return Done()

    world.answers["weigh"] = break_for_one

    engine.run(ERRAND, "pack", saga_ids, world)

    states = [world.row(saga_id).state for saga_id in saga_ids]
    assert states == ["confirmed", "running", "confirmed"]
    assert world.row(saga_ids[1]).attempts == 1


def test_the_sweep_leaves_a_fresh_nudge_alone_and_repeats_a_lost_one(
    world: World, clock: Clock
) -> None:
    saga_id = world.start()
    world.queue.waiting.clear()
    fresh = world.sweep()

    clock.advance(3)
    lost = world.sweep()

    assert (fresh, lost) == (0, 1)
    assert world.row(saga_id).state == SagaState.CONFIRMED


def test_the_sweep_does_not_make_a_long_queue_longer(world: World, clock: Clock) -> None:
    world.start()
    sent = 0
    for _second in range(60):
        clock.advance(1)
        with world.db.transaction(world.queue) as session:
            sent += sweep(session)

    assert 3 <= sent <= 8


def test_a_step_must_say_how_it_is_undone() -> None:
    with pytest.raises(TypeError):
        Step("pack", do=lambda _batch: {})  # type: ignore[call-arg]


def test_a_saga_has_one_pivot() -> None:
    step = Step("pack", do=lambda _batch: {}, undo=NOTHING)

    with pytest.raises(ValueError, match="pivot"):
        Saga("x", "x", Errand, (step,), seconds_max=1)


def test_an_unknown_saga_cannot_be_woken(world: World) -> None:
    with world.db.transaction(world.queue) as session:
        woken = engine.wake(session, "errand", new_id(), detail={})

    assert not woken


def test_a_deadline_that_passes_during_the_call_turns_it(world: World) -> None:
    def overstay(one: UUID) -> Done:
        with world.db.transaction() as session:
            row = session.get_one(Errand, one)
            row.deadline = func.shop_now() - timedelta(seconds=1)
        return Done()

    world.answers["send"] = overstay
    saga_id = world.start()

    world.queue.drain()

    assert world.row(saga_id).state == SagaState.EXPIRED


def test_a_cancel_during_a_call_without_an_answer_turns_it_at_once(world: World) -> None:
    def cancel_meanwhile(one: UUID) -> Later:
        with world.db.transaction(world.queue) as session:
            engine.ask_to_stop(session, "errand", one, reason="canceled")
        return Later("no_answer", after_seconds=30)

    world.answers["send"] = cancel_meanwhile
    saga_id = world.start()

    world.queue.drain()

    assert world.row(saga_id).state == SagaState.CANCELED


def test_what_cannot_be_undone_at_the_deadline_is_undone_later(world: World, clock: Clock) -> None:
    world.answers |= {
        "send": lambda _id: Refused("no", "no"),
        "unsend": lambda _id: Later("no_answer"),
        "unweigh": lambda _id: Later("busy"),
    }
    saga_id = world.start()
    world.queue.drain()
    clock.advance(601)
    world.sweep()

    world.answers = {"unsend": lambda _id: Done()}
    clock.advance(60)
    world.sweep()

    assert world.row(saga_id).state == SagaState.FAILED
    assert sorted(world.row(saga_id).trail) == ["pack", "unpack", "unweigh", "weigh"]


def test_a_batch_of_the_oldest_is_not_held_up_by_one_that_breaks(world: World) -> None:
    saga_ids = [world.start() for _ in range(3)]

    def break_for_one(one: UUID) -> Done:
        if one == saga_ids[1]:
            raise ZeroDivisionError
        return Done()

    world.answers["weigh"] = break_for_one

    engine.run(ERRAND, "pack", None, world)

    states = [world.row(saga_id).state for saga_id in saga_ids]
    assert states == ["confirmed", "running", "confirmed"]
