"""The way out: every committed fact reaches the bus, in order, whatever dies."""

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.adapters.streams.redis_streams import RedisStreams
from app.events.errors import LeaseLost
from app.events.models import OutboxEvent, RelayLease
from app.events.outbox import announce
from app.events.queries import lag_seconds
from app.events.relay import Relay
from app.platform import seams
from app.platform.ids import encode, new_id
from devstack.servers.ports import free_port
from devstack.servers.valkey import EmbeddedValkey
from tests.events.conftest import PowerCut, eventually, running
from tests.events.facts import Counted, Moved


def outbox(db):
    with db.reading() as session:
        rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.seq)).all()
        session.expunge_all()
        return rows


def on_the_bus(redis, topic="tests"):
    return [json.loads(fields["event"]) for _, fields in redis.xrange(f"events:{topic}")]


def test_a_committed_fact_is_published_as_a_cloudevent(shop, relay, redis, tell):
    thing = new_id()
    tell(Counted(thing, 1))

    published = relay.publish_all()

    (row,) = outbox(shop)
    (event,) = on_the_bus(redis)
    assert published == 1
    assert row.position == 1
    assert row.published_at is not None
    assert event == {
        "specversion": "1.0",
        "id": encode("evt", row.id),
        "source": "/cartwright/tests",
        "type": "test.counted",
        "subject": str(thing),
        "time": row.created_at.isoformat(),
        "datacontenttype": "application/json",
        "partitionkey": str(thing),
        "sequence": "00000000000000000001",
        "dataversion": "1",
        "data": {"thing_id": str(thing), "n": 1},
    }


def test_a_fact_whose_transaction_rolled_back_is_never_told(shop, relay, redis):
    with Session(shop.engine) as session:
        announce(session, Counted(new_id(), 1))
        session.flush()
        session.rollback()

    published = relay.publish_all()

    assert published == 0
    assert on_the_bus(redis) == []


def test_positions_count_all_topics_without_a_gap(shop, bus, tell):
    for n in range(1, 8):
        tell(Counted(new_id(), n), Moved(new_id(), n))

    Relay(shop, bus, batch=3).publish_all()

    assert [row.position for row in outbox(shop)] == list(range(1, 15))


def test_a_row_whose_transaction_committed_late_is_published_after_the_others(
    shop, relay, redis, tell
):
    late, early = new_id(), new_id()
    with Session(shop.engine) as session:
        announce(session, Counted(late, 1))
        session.flush()
        tell(Counted(early, 2))
        relay.publish_all()
        session.commit()

    relay.publish_all()

    assert [event["subject"] for event in on_the_bus(redis)] == [str(early), str(late)]
    assert [row.position for row in outbox(shop)] == [2, 1]


def test_a_relay_that_died_before_stamping_publishes_the_same_ids_and_positions_again(
    shop, bus, relay, redis, tell, clock, power_cut_at
):
    tell(Counted(new_id(), 1), Counted(new_id(), 2))
    power_cut_at("bus.publish:after")
    with pytest.raises(PowerCut):
        relay.publish_all()
    tell(Counted(new_id(), 3))
    clock.advance(60)

    Relay(shop, bus).publish_all()

    events = on_the_bus(redis)
    assert [event["data"]["n"] for event in events] == [1, 2, 1, 2, 3]
    assert events[:2] == events[2:4]
    assert [row.position for row in outbox(shop)] == [1, 2, 3]


def test_a_second_relay_waits_while_the_first_holds_the_lease(shop, bus, tell, clock):
    tell(Counted(new_id(), 1))
    first, second = Relay(shop, bus), Relay(shop, bus)
    first._lease.take()

    while_held = second.publish_all()
    clock.advance(60)
    once_it_ran_out = second.publish_all()

    assert (while_held, once_it_ran_out) == (0, 1)


def test_a_relay_that_lost_its_lease_stamps_nothing(shop, bus, tell, clock):
    tell(Counted(new_id(), 1))
    held_up, resume = threading.Event(), threading.Event()
    failure: list[BaseException] = []

    def slow() -> None:
        try:
            Relay(shop, bus).publish_all()
        except LeaseLost as error:
            failure.append(error)

    thread = threading.Thread(target=slow)

    def hold_up(name: str) -> None:
        if name == "bus.publish:before" and threading.current_thread() is thread:
            held_up.set()
            resume.wait(20)

    seams.listen(hold_up)
    thread.start()
    held_up.wait(20)
    clock.advance(60)
    Relay(shop, bus).publish_all()
    stamped = outbox(shop)[0].published_at
    resume.set()
    thread.join(20)
    seams.listen(None)

    assert len(failure) == 1
    assert outbox(shop)[0].published_at == stamped


def test_two_relays_racing_with_writers_leave_no_gap_and_no_fact_untold(shop, bus, redis, tell):
    relays = [Relay(shop, bus, batch=7), Relay(shop, bus, batch=7)]
    writers = [
        threading.Thread(target=lambda: tell(*(Counted(new_id(), n) for n in range(25))))
        for _ in range(4)
    ]

    with running(*relays):
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        done = eventually(lambda: all(row.published_at for row in outbox(shop)))

    assert done
    assert sorted(row.position for row in outbox(shop)) == list(range(1, 101))
    assert {event["id"] for event in on_the_bus(redis)} == {
        encode("evt", row.id) for row in outbox(shop)
    }


def test_a_relay_told_to_stop_hands_over_at_once(shop, bus, tell):
    with running(Relay(shop, bus)):
        tell(Counted(new_id(), 1))
        eventually(lambda: all(row.published_at for row in outbox(shop)))
    tell(Counted(new_id(), 2))

    published = Relay(shop, bus).publish_all()

    assert published == 1
    with shop.reading() as session:
        assert session.scalar(select(RelayLease.holder)) is None


def test_the_outbox_grows_while_the_bus_is_down_and_is_published_once_it_is_back(
    shop, tmp_path: Path, tell
):
    server = EmbeddedValkey(tmp_path / "valkey", port=free_port(), durable=False)

    with running(Relay(shop, RedisStreams(server.url()))):
        tell(*(Counted(new_id(), n) for n in range(20)))
        waiting = len([row for row in outbox(shop) if row.published_at is None])
        with server:
            done = eventually(lambda: all(row.published_at for row in outbox(shop)))

    assert waiting == 20
    assert done


def test_the_lag_is_the_age_of_the_oldest_fact_nobody_was_told_of(shop, relay, tell, clock):
    tell(Counted(new_id(), 1))
    clock.advance(120)

    with shop.reading() as session:
        before = lag_seconds(session)
    relay.publish_all()
    with shop.reading() as session:
        after = lag_seconds(session)

    assert 120 <= before < 180
    assert after == 0


def test_an_act_wakes_the_relay_once_however_much_it_announces(shop, database_url):
    with shop.transaction() as session:
        listener = shop.engine.connect()
        listener.execute(text("LISTEN outbox"))
        listener.commit()
        announce(session, Counted(new_id(), 1))
        announce(session, Counted(new_id(), 2))

    notices = list(listener.connection.driver_connection.notifies(timeout=0.5))
    listener.close()

    assert len(notices) == 1
