"""The way in: each consumer hears each fact once, in the order of its key, whatever is lost."""

import threading

import pytest
from sqlalchemy import func, select, text

from app.events.envelope import CloudEvent
from app.events.errors import LeaseLost
from app.events.inbox import Patience
from app.events.models import ConsumerCursor, ConsumerInbox, DelayedEvent, OutboxEvent
from app.events.outbox import announce
from app.events.relay import Relay
from app.platform.clock import utc_now
from app.platform.ids import encode, new_id
from app.saga.models import Incident
from tests.events.conftest import PowerCut, eventually, running
from tests.events.facts import Counted, Moved, Whispered


def count(db, table):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def break_thing(db, thing, n):
    with db.transaction() as session:
        session.execute(text("INSERT INTO broken VALUES (:t, :n)"), {"t": thing, "n": n})


def mend_all(db):
    with db.transaction() as session:
        session.execute(text("DELETE FROM broken"))


def test_every_consumer_hears_a_published_fact(relay, make_consumer, tell, heard):
    thing = new_id()
    tell(Counted(thing, 1))
    relay.publish_all()

    applied = make_consumer().catch_up(), make_consumer("test_second_listener").catch_up()

    assert applied == (1, 1)
    assert heard(thing) == [1]
    assert heard(thing, "test_second_listener") == [1]


def test_nudges_of_a_reaction_leave_after_its_commit(relay, consumer, basket, tell):
    thing = new_id()
    tell(Counted(thing, 1))
    relay.publish_all()

    consumer.catch_up()

    assert [(nudge.tasks, nudge.id) for nudge in basket.nudges] == [(("test.heard",), str(thing))]


def test_a_fact_of_no_concern_leaves_no_inbox_row_but_moves_the_cursor(shop, relay, consumer, tell):
    tell(Whispered(new_id()))
    relay.publish_all()

    consumer.catch_up()

    assert count(shop, ConsumerInbox) == 0
    with shop.reading() as session:
        assert session.scalar(select(func.max(ConsumerCursor.position))) == 1


def test_a_fact_published_twice_is_heard_once(
    shop, bus, consumer, tell, heard, clock, power_cut_at
):
    thing = new_id()
    tell(Counted(thing, 1), Counted(thing, 2))
    power_cut_at("bus.publish:after")
    with pytest.raises(PowerCut):
        Relay(shop, bus).publish_all()
    consumer.catch_up()
    clock.advance(60)
    Relay(shop, bus).publish_all()

    consumer.catch_up()

    assert heard(thing) == [1, 2]


def test_a_consumer_that_died_between_commit_and_acknowledgement_applies_once(
    relay, make_consumer, redis, tell, heard, clock, power_cut_at
):
    thing = new_id()
    tell(Counted(thing, 1))
    relay.publish_all()
    power_cut_at("bus.acknowledge:before")
    with pytest.raises(PowerCut):
        make_consumer().catch_up()
    clock.advance(60)

    applied = make_consumer().catch_up()

    assert applied == 0
    assert heard(thing) == [1]
    assert redis.xpending("events:tests", "test_listener")["pending"] == 0


def test_a_consumer_that_died_before_its_commit_leaves_the_fact_to_the_next(
    relay, make_consumer, tell, heard, clock, power_cut_at
):
    thing = new_id()
    tell(Counted(thing, 1))
    relay.publish_all()
    consumer = make_consumer()
    power_cut_at("bus.read:after")
    with pytest.raises(PowerCut):
        consumer.catch_up()
    clock.advance(60)

    applied = make_consumer().catch_up()

    assert applied == 1
    assert heard(thing) == [1]


def test_only_the_holder_of_the_lease_reads(shop, make_consumer, clock):
    make_consumer()._lease.take()

    with pytest.raises(LeaseLost):
        make_consumer().catch_up()


def test_facts_of_one_key_are_heard_in_order_by_two_consumer_processes(
    shop, bus, make_consumer, heard
):
    things = [new_id() for _ in range(4)]

    def write(thing):
        for n in range(25):
            with shop.transaction() as session:
                session.execute(select(func.pg_advisory_xact_lock(thing.int % 2**31)))
                announce(session, Counted(thing, n))

    writers = [threading.Thread(target=write, args=(thing,)) for thing in things]
    with running(Relay(shop, bus, batch=9), make_consumer(), make_consumer()):
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        done = eventually(lambda: len(heard()) >= 100)

    assert done
    assert [heard(thing) for thing in things] == [list(range(25))] * 4


def test_a_bus_flushed_before_anyone_read_is_made_good_by_the_outbox(
    relay, consumer, redis, tell, heard
):
    thing = new_id()
    tell(*(Counted(thing, n) for n in range(5)))
    relay.publish_all()
    redis.flushall()

    applied = consumer.catch_up()

    assert applied == 5
    assert heard(thing) == [0, 1, 2, 3, 4]


def test_a_gap_before_what_the_bus_still_has_is_filled_in_order(
    relay, consumer, redis, tell, heard
):
    thing = new_id()
    tell(Counted(thing, 0))
    relay.publish_all()
    consumer.catch_up()
    tell(Counted(thing, 1), Counted(thing, 2))
    relay.publish_all()
    redis.flushall()
    tell(Counted(thing, 3))
    relay.publish_all()

    consumer.catch_up()

    assert heard(thing) == [0, 1, 2, 3]


def test_nothing_is_lost_or_heard_twice_when_the_bus_is_flushed_in_mid_stream(
    shop, bus, redis, make_consumer, tell, heard
):
    things = [new_id() for _ in range(3)]

    with running(Relay(shop, bus), make_consumer()):
        for n in range(30):
            tell(*(Counted(thing, n) for thing in things), Moved(things[0], 1000 + n))
            if n % 10 == 5:
                redis.flushall()
        redis.flushall()
        done = eventually(lambda: len(heard()) >= 120)

    assert done
    assert [[n for n in heard(thing) if n < 1000] for thing in things] == [list(range(30))] * 3
    assert [n for n in heard(things[0]) if n >= 1000] == list(range(1000, 1030))


def test_events_of_another_database_on_the_same_bus_are_not_believed(
    relay, bus, consumer, tell, heard
):
    ours, foreign = new_id(), new_id()
    strangers = [
        CloudEvent(
            id=new_id(), position=position, topic="tests", key=str(foreign), type="test.counted",
            version=1, at=utc_now(), data={"thing_id": str(foreign), "n": position},
        )
        for position in (1, 2, 900)
    ]  # fmt: skip
    bus.publish(strangers)
    tell(Counted(ours, 1), Counted(ours, 2))
    relay.publish_all()

    consumer.catch_up()

    assert heard(ours) == [1, 2]
    assert heard(foreign) == []


def test_what_is_no_event_at_all_opens_an_incident_and_holds_nobody_up(
    shop, relay, consumer, redis, tell, heard
):
    thing = new_id()
    redis.xadd("events:tests", {"event": "{not json"})
    redis.xadd("events:tests", {b"other": b"\xff\xfe"})
    tell(Counted(thing, 1))
    relay.publish_all()

    consumer.catch_up()

    assert heard(thing) == [1]
    with shop.reading() as session:
        assert session.scalars(select(Incident.kind)).all() == ["event_unreadable"]


def test_a_failing_reaction_leaves_nothing_and_delays_its_own_key_alone(
    shop, relay, consumer, basket, tell, heard
):
    broken, sound = new_id(), new_id()
    break_thing(shop, broken, 1)
    tell(Counted(broken, 1), Counted(sound, 1), Counted(broken, 2), Counted(sound, 2))
    relay.publish_all()

    consumer.catch_up()

    assert heard(broken) == []
    assert heard(sound) == [1, 2]
    assert {nudge.id for nudge in basket.nudges} == {str(sound)}
    assert count(shop, ConsumerInbox) == 2


def test_a_delayed_fact_is_tried_again_and_those_behind_it_follow_in_order(
    shop, relay, make_consumer, tell, heard, clock
):
    thing = new_id()
    break_thing(shop, thing, 1)
    tell(Counted(thing, 1), Counted(thing, 2))
    relay.publish_all()
    make_consumer().catch_up()
    tell(Counted(thing, 3))
    relay.publish_all()
    make_consumer().catch_up()
    mend_all(shop)
    clock.advance(60)

    make_consumer().catch_up()

    assert heard(thing) == [1, 2, 3]
    assert count(shop, DelayedEvent) == 0
    assert count(shop, ConsumerInbox) == 3


def test_a_fact_that_fails_too_often_is_parked_as_an_incident_and_its_key_goes_on(
    shop, relay, make_consumer, tell, heard, clock
):
    thing = new_id()
    break_thing(shop, thing, 1)
    tell(Counted(thing, 1), Counted(thing, 2))
    relay.publish_all()
    for _ in range(4):
        make_consumer().catch_up()
        clock.advance(60)

    make_consumer().catch_up()

    assert heard(thing) == [2]
    with shop.reading() as session:
        incident = session.scalars(select(Incident)).one()
        event = session.scalar(select(OutboxEvent.id).order_by(OutboxEvent.seq).limit(1))
        assert incident.kind == "event_parked"
        assert incident.subject == f"test_listener:{encode('evt', event)}"
        assert incident.detail["error"] == "Refused: 1 will not be heard"


def test_a_fact_whose_data_does_not_fit_is_delayed_like_any_failure(
    shop, relay, make_consumer, tell, heard
):
    thing, other = new_id(), new_id()
    tell(Counted(thing, 1), Counted(other, 1))
    with shop.transaction() as session:
        session.execute(
            text('UPDATE outbox SET payload = \'{"version": 1, "data": {}}\' WHERE key = :key'),
            {"key": str(thing)},
        )
    relay.publish_all()

    make_consumer(patience=Patience(attempts_max=1)).catch_up()

    assert heard(other) == [1]
    assert count(shop, Incident) == 1


def test_a_consumer_goes_on_by_itself_after_the_database_cut_its_connections(
    shop, bus, make_consumer, tell, heard
):
    thing = new_id()

    with running(Relay(shop, bus), make_consumer()):
        tell(Counted(thing, 1))
        eventually(lambda: heard(thing) == [1])
        with shop.transaction() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        shop.dispose()
        tell(Counted(thing, 2))
        done = eventually(lambda: heard(thing) == [1, 2])

    assert done
