"""What every event bus must keep; each adapter runs the same sentences."""

from datetime import UTC, datetime

import pytest

from app.adapters.streams.redis_streams import RedisStreams
from app.events.envelope import CloudEvent
from app.events.errors import BusAway
from app.platform.ids import new_id
from app.platform.seams import CallInsideTransaction, transaction_open
from devstack.servers.ports import free_port

TOPICS = ["orders", "stock"]


def make_events(count, *, topic="orders", start=1):
    return [
        CloudEvent(
            id=new_id(),
            position=position,
            topic=topic,
            key=str(new_id()),
            type="order.confirmed",
            version=1,
            at=datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC),
            data={"number": f"Ä-{position}"},
        )
        for position in range(start, start + count)
    ]


def read_all(reader, *, limit=100):
    deliveries = []
    while some := reader.read(limit=limit, wait_seconds=0.01):
        deliveries += some
    return deliveries


@pytest.fixture(params=["redis_streams"])
def bus(request, redis_url):
    return RedisStreams(redis_url)


def test_what_is_published_is_read_as_it_was_in_order(bus):
    events = make_events(250)
    bus.publish(events)

    deliveries = read_all(bus.subscribe("mail", TOPICS), limit=40)

    assert [delivery.event for delivery in deliveries] == events


def test_each_group_reads_everything(bus):
    events = make_events(3)
    bus.publish(events)

    read = [read_all(bus.subscribe(group, TOPICS)) for group in ("mail", "search")]

    assert [[delivery.event for delivery in each] for each in read] == [events, events]


def test_a_reader_gets_only_its_topics(bus):
    orders, stock = make_events(2), make_events(2, topic="stock", start=3)
    bus.publish(orders + stock)

    deliveries = read_all(bus.subscribe("catalog", ["stock"]))

    assert [delivery.event for delivery in deliveries] == stock


def test_what_was_acknowledged_is_not_read_again(bus):
    bus.publish(make_events(3))
    first = bus.subscribe("mail", TOPICS)
    deliveries = read_all(first)
    first.acknowledge(deliveries[:2])
    first.close()

    again = read_all(bus.subscribe("mail", TOPICS))

    assert [delivery.event for delivery in again] == [deliveries[2].event]


def test_what_a_dead_reader_left_comes_before_what_is_new(bus):
    old, new = make_events(150), make_events(2, start=151)
    bus.publish(old)
    read_all(bus.subscribe("mail", TOPICS))
    bus.publish(new)

    deliveries = read_all(bus.subscribe("mail", TOPICS))

    assert [delivery.event for delivery in deliveries] == old + new


def test_a_reader_waits_for_what_is_new_and_gives_up_in_time(bus):
    reader = bus.subscribe("mail", TOPICS)

    nothing = reader.read(limit=10, wait_seconds=0.05)
    events = make_events(1)
    bus.publish(events)
    something = reader.read(limit=10, wait_seconds=5)

    assert list(nothing) == []
    assert [delivery.event for delivery in something] == events


def test_a_reader_goes_on_after_the_bus_lost_everything(bus, redis):
    reader = bus.subscribe("mail", TOPICS)
    bus.publish(make_events(2))
    redis.flushall()
    assert read_all(reader) == []
    events = make_events(2, start=3)
    bus.publish(events)

    deliveries = read_all(reader)
    reader.acknowledge(deliveries)

    assert [delivery.event for delivery in deliveries] == events


def test_the_status_tells_how_far_each_group_is_behind(bus):
    bus.publish(make_events(5))
    reader = bus.subscribe("mail", ["orders"])
    reader.acknowledge(reader.read(limit=2, wait_seconds=1))
    reader.read(limit=1, wait_seconds=1)

    (status,) = bus.status(TOPICS)

    assert (status.topic, status.group) == ("orders", "mail")
    assert (status.behind, status.unacknowledged) == (2, 1)


def test_a_bus_that_is_away_says_so():
    bus = RedisStreams(f"redis://127.0.0.1:{free_port()}/0")

    with pytest.raises(BusAway):
        bus.publish(make_events(1))
    with pytest.raises(BusAway):
        bus.subscribe("mail", TOPICS)
    with pytest.raises(BusAway):
        bus.status(TOPICS)


def test_nothing_is_published_while_rows_are_locked(bus):
    with transaction_open(), pytest.raises(CallInsideTransaction):
        bus.publish(make_events(1))


def test_a_stream_is_kept_to_about_its_bound(redis_url, redis):
    bus = RedisStreams(redis_url, entries_max=100)

    for start in range(1, 2001, 200):
        bus.publish(make_events(200, start=start))

    assert 100 <= redis.xlen("events:orders") < 400


def test_names_of_readers_that_left_are_tidied_up(redis_url, redis):
    bus = RedisStreams(redis_url)
    bus.publish(make_events(1))
    for _ in range(5):
        reader = bus.subscribe("mail", ["orders"])
        reader.acknowledge(read_all(reader))
        reader.close()

    read_all(bus.subscribe("mail", ["orders"]))

    assert len(redis.xinfo_consumers("events:orders", "mail")) <= 2


def test_bytes_that_are_no_text_are_handed_out_as_no_event(redis_url, redis):
    bus = RedisStreams(redis_url)
    redis.xadd("events:orders", {b"event": b"\xff\xfe\x00"})

    (delivery,) = read_all(bus.subscribe("mail", ["orders"]))

    assert delivery.event is None
