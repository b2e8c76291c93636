from uuid import UUID

from app.saga import engine
from app.saga.states import SagaState
from app.saga.table import Done, Later, Refused
from tests.conftest import Clock
from tests.saga.conftest import World


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

    engine.run(world_saga(), "pack", None, world)

    states = [world.row(saga_id).state for saga_id in saga_ids]
    assert states == ["confirmed", "running", "confirmed"]


def world_saga():
    from tests.saga.conftest import ERRAND
    return ERRAND
