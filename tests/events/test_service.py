"""What operations do with events."""

import pytest
from sqlalchemy import delete, func, select, text

from app.events import service
from app.events.errors import PositionOutOfRange, UnknownConsumer
from app.events.models import ConsumerInbox, OutboxEvent
from app.events.queries import consumer_status, lost_events, outbox_status
from app.platform.ids import new_id
from app.saga.models import Incident
from tests.events.facts import Counted

WEEK = 8 * 24 * 3600


def count(db, table):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def replay(db, **options):
    with db.transaction() as session:
        return service.replay(session, "test_listener", **options)


def prune(db, **options):
    with db.transaction() as session:
        return service.prune(session, **options)


def test_a_replay_does_not_apply_again_what_was_applied(shop, relay, consumer, tell, heard):
    thing = new_id()
    tell(Counted(thing, 1), Counted(thing, 2))
    relay.publish_all()
    consumer.catch_up()

    ahead = replay(shop, position=1)
    consumer.catch_up()

    assert ahead == 2
    assert heard(thing) == [1, 2]


def test_a_replay_on_request_applies_everything_from_a_position_again(
    shop, relay, consumer, tell, heard
):
    thing = new_id()
    tell(Counted(thing, 1), Counted(thing, 2), Counted(thing, 3))
    relay.publish_all()
    consumer.catch_up()

    replay(shop, position=2, again=True)
    consumer.catch_up()

    assert heard(thing) == [1, 2, 3, 2, 3]


def test_a_replay_tries_parked_facts_again_and_closes_their_incident(
    shop, relay, make_consumer, tell, heard, clock
):
    thing = new_id()
    with shop.transaction() as session:
        session.execute(text("INSERT INTO broken VALUES (:t, 1)"), {"t": thing})
    tell(Counted(thing, 1))
    relay.publish_all()
    for _ in range(4):
        make_consumer().catch_up()
        clock.advance(60)
    with shop.transaction() as session:
        session.execute(text("DELETE FROM broken"))

    replay(shop, position=1)
    make_consumer().catch_up()

    assert heard(thing) == [1]
    with shop.reading() as session:
        assert session.scalars(select(Incident.closed_at)).one() is not None


def test_a_replay_for_nobody_or_from_nowhere_is_refused(shop):
    with shop.transaction() as session:
        with pytest.raises(UnknownConsumer):
            service.replay(session, "nobody", position=1)
        with pytest.raises(PositionOutOfRange):
            service.replay(session, "test_listener", position=0)


def test_old_published_facts_are_pruned_once_every_consumer_has_passed_them(
    shop, relay, make_consumer, tell, clock
):
    tell(Counted(new_id(), 1), Counted(new_id(), 2))
    relay.publish_all()
    make_consumer().catch_up()
    clock.advance(WEEK)

    before = prune(shop)
    make_consumer("test_second_listener").catch_up()
    first, second = prune(shop, limit=1), prune(shop)

    assert (before, first, second) == (0, 1, 1)
    assert count(shop, OutboxEvent) == 0


def test_facts_not_published_not_old_or_put_off_are_kept(shop, relay, make_consumer, tell, clock):
    delayed = new_id()
    with shop.transaction() as session:
        session.execute(text("INSERT INTO broken VALUES (:t, 1)"), {"t": delayed})
    tell(Counted(delayed, 1))
    relay.publish_all()
    make_consumer().catch_up()
    make_consumer("test_second_listener").catch_up()
    clock.advance(WEEK)
    tell(Counted(new_id(), 2))
    relay.publish_all()
    tell(Counted(new_id(), 3))

    gone = prune(shop)

    assert gone == 0
    assert count(shop, OutboxEvent) == 3


def test_positions_go_on_where_they_were_after_everything_was_pruned(
    shop, relay, make_consumer, tell, clock
):
    tell(Counted(new_id(), 1))
    relay.publish_all()
    make_consumer().catch_up()
    make_consumer("test_second_listener").catch_up()
    clock.advance(WEEK)
    prune(shop)
    tell(Counted(new_id(), 2))

    relay.publish_all()

    with shop.reading() as session:
        assert session.scalars(select(OutboxEvent.position)).all() == [2]


def test_inbox_rows_are_forgotten_long_after_their_facts(shop, relay, make_consumer, tell, clock):
    tell(Counted(new_id(), 1))
    relay.publish_all()
    make_consumer().catch_up()
    make_consumer("test_second_listener").catch_up()
    clock.advance(2 * WEEK)

    with shop.transaction() as session:
        while_kept = service.forget_inbox(session)
    prune(shop)
    with shop.transaction() as session:
        once_pruned = service.forget_inbox(session)

    assert (while_kept, once_pruned) == (0, 2)
    assert count(shop, ConsumerInbox) == 0


def test_the_status_shows_how_far_everyone_is(shop, relay, consumer, tell):
    tell(Counted(new_id(), 1), Counted(new_id(), 2))
    relay.publish_all()
    consumer.catch_up()
    tell(Counted(new_id(), 3))

    with shop.reading() as session:
        outbox = outbox_status(session)
        mine, second = consumer_status(
            session, {"test_listener": ["tests"], "test_second_listener": ["tests"]}
        )

    assert (outbox.waiting, outbox.position) == (1, 2)
    assert (mine.position, mine.behind) == (2, 0)
    assert (second.position, second.behind) == (0, 2)


@pytest.mark.unaudited("fact_not_applied")
def test_an_event_passed_without_being_applied_or_put_off_is_found(shop, relay, consumer, tell):
    tell(Counted(new_id(), 1), Counted(new_id(), 2))
    relay.publish_all()
    consumer.catch_up()
    with shop.reading() as session:
        before = lost_events(session, "test_listener", ["test.counted"])
    with shop.transaction() as session:
        lost = session.scalars(select(OutboxEvent.id).where(OutboxEvent.position == 2)).one()
        session.execute(delete(ConsumerInbox).where(ConsumerInbox.event_id == lost))

    with shop.reading() as session:
        after = lost_events(session, "test_listener", ["test.counted"])

    assert (before, after) == ([], [lost])
