"""What operations do with events: let a consumer read again, and forget what is long applied."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.events import registry
from app.events.errors import PositionOutOfRange, UnknownConsumer
from app.events.models import ConsumerCursor, ConsumerInbox, DelayedEvent, OutboxEvent

KEEP = timedelta(days=7)  # how far back a consumer may be sent
KEEP_INBOX = timedelta(days=14)


def replay(session: Session, consumer: str, *, position: int, again: bool = False) -> int:
    """Send a consumer back to a position; gives how many kept events it will be handed.

    It applies those it has not, parked ones included; with `again` also those it has, as if they
    were new. Raises UnknownConsumer, PositionOutOfRange.
    """
    if consumer not in registry.consumers():
        raise UnknownConsumer(f"There is no consumer {consumer}.", known=registry.consumers())
    if position < 1:
        raise PositionOutOfRange("Positions begin at 1.")
    topics = registry.topics_of(consumer)
    cursors = insert(ConsumerCursor).values(
        [{"consumer": consumer, "topic": topic, "position": position - 1} for topic in topics]
    )
    session.execute(
        cursors.on_conflict_do_update(
            index_elements=["consumer", "topic"],
            set_={"position": func.least(ConsumerCursor.position, position - 1)},
        )
    )
    session.execute(
        update(DelayedEvent)
        .where(DelayedEvent.consumer == consumer, DelayedEvent.position >= position)
        .values(parked_at=None, attempts=0, next_at=func.shop_now())
    )
    ahead = select(OutboxEvent.id).where(
        OutboxEvent.topic.in_(topics), OutboxEvent.position >= position
    )
    if again:
        session.execute(
            delete(ConsumerInbox).where(
                ConsumerInbox.consumer == consumer, ConsumerInbox.event_id.in_(ahead)
            )
        )
    return session.scalar(select(func.count()).select_from(ahead.subquery())) or 0


def prune(session: Session, *, limit: int = 5_000) -> int:
    """Forget events published a week ago that every consumer has passed; gives how many.

    The oldest `limit` at most, so that the transaction stays short. What a consumer has put off
    stays.
    """
    gone = 0
    for topic in _topics(session):
        passed = _passed_by_all(session, topic)
        old = (
            select(OutboxEvent.id)
            .where(
                OutboxEvent.topic == topic,
                OutboxEvent.published_at < func.shop_now() - KEEP,
                OutboxEvent.id.not_in(select(DelayedEvent.event_id)),
            )
            .order_by(OutboxEvent.position)
            .limit(limit - gone)
        )
        if passed is not None:
            old = old.where(OutboxEvent.position <= passed)
        rows = session.scalars(
            delete(OutboxEvent).where(OutboxEvent.id.in_(old)).returning(OutboxEvent.id),
            execution_options={"synchronize_session": False},
        )
        gone += len(rows.all())
    return gone


def forget_inbox(session: Session, *, limit: int = 5_000) -> int:
    """Forget inbox rows of events that are pruned and cannot come again; gives how many."""
    old = (
        select(ConsumerInbox.consumer, ConsumerInbox.event_id)
        .where(
            ConsumerInbox.at < func.shop_now() - KEEP_INBOX,
            ~select(OutboxEvent.id).where(OutboxEvent.id == ConsumerInbox.event_id).exists(),
        )
        .order_by(ConsumerInbox.at)
        .limit(limit)
        .subquery()
    )
    rows = session.scalars(
        delete(ConsumerInbox)
        .where(ConsumerInbox.consumer == old.c.consumer, ConsumerInbox.event_id == old.c.event_id)
        .returning(ConsumerInbox.event_id),
        execution_options={"synchronize_session": False},
    )
    return len(rows.all())


def _topics(session: Session) -> Sequence[str]:
    declared = {declaration.topic for declaration in registry.declarations().values()}
    return sorted(declared | set(session.scalars(select(ConsumerCursor.topic).distinct())))


def _passed_by_all(session: Session, topic: str) -> int | None:
    """The position every reader of a topic has passed; None where nobody reads it."""
    readers = [name for name in registry.consumers() if topic in registry.topics_of(name)]
    if not readers:
        return None
    cursors: Mapping[str, int] = {
        row.consumer: row.position
        for row in session.execute(
            select(ConsumerCursor.consumer, ConsumerCursor.position).where(
                ConsumerCursor.topic == topic, ConsumerCursor.consumer.in_(readers)
            )
        )
    }
    return min(cursors.get(reader, 0) for reader in readers)
