"""What can be asked of the outbox and of those who read it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.orm import Session, aliased

from app.events.models import ConsumerCursor, ConsumerInbox, DelayedEvent, OutboxEvent

# From the end of each topic's index, however many rows are kept.
_MARKS = text(
    "SELECT given.topic, (SELECT position FROM outbox WHERE topic = given.topic"
    " AND position IS NOT NULL AND published_at IS NOT NULL ORDER BY position DESC LIMIT 1)"
    " FROM unnest(CAST(:topics AS text[])) AS given(topic)"
)


@dataclass(frozen=True)
class OutboxStatus:
    """How the outbox stands: rows not published, the age of the oldest in seconds, the last
    position."""

    waiting: int
    lag_seconds: float
    position: int


@dataclass(frozen=True)
class ConsumerStatus:
    """How a consumer stands in a topic: events published it has not taken, delayed and parked
    ones."""

    consumer: str
    topic: str
    position: int
    behind: int
    delayed: int
    parked: int


def lag_seconds(session: Session) -> float:
    """Age of the oldest event nobody was told of, in seconds; 0 when there is none."""
    oldest = (
        select(OutboxEvent.created_at)
        .where(OutboxEvent.published_at.is_(None))
        .order_by(OutboxEvent.seq)
        .limit(1)
        .scalar_subquery()
    )
    age = session.scalar(select(func.extract("epoch", func.shop_now() - oldest)))
    return max(0.0, float(age or 0))


def outbox_status(session: Session) -> OutboxStatus:
    """How the outbox stands now."""
    waiting = session.scalar(
        select(func.count()).select_from(OutboxEvent).where(OutboxEvent.published_at.is_(None))
    )
    position = session.scalar(select(func.max(OutboxEvent.position)))
    return OutboxStatus(waiting or 0, lag_seconds(session), position or 0)


def consumer_status(
    session: Session, consumers: Mapping[str, Sequence[str]]
) -> list[ConsumerStatus]:
    """How each consumer stands in each of its topics."""
    return [
        _one_status(session, consumer, topic)
        for consumer, topics in sorted(consumers.items())
        for topic in topics
    ]


def published_marks(session: Session, topics: Collection[str]) -> dict[str, int]:
    """The last position published in each topic that has any."""
    rows = session.execute(_MARKS, {"topics": list(topics)})
    return {topic: mark for topic, mark in rows if mark is not None}


def ids_between(session: Session, topic: str, after: int, upto: int) -> list[UUID]:
    """The ids of a topic's events in (after, upto], in order."""
    return list(
        session.scalars(
            select(OutboxEvent.id)
            .where(
                OutboxEvent.topic == topic,
                OutboxEvent.position > after,
                OutboxEvent.position <= upto,
            )
            .order_by(OutboxEvent.position)
        )
    )


def events_between(
    session: Session, topic: str, after: int, upto: int, *, limit: int
) -> list[OutboxEvent]:
    """A topic's events in (after, upto], in order, the first `limit` of them."""
    return list(
        session.scalars(
            select(OutboxEvent)
            .where(
                OutboxEvent.topic == topic,
                OutboxEvent.position > after,
                OutboxEvent.position <= upto,
            )
            .order_by(OutboxEvent.position)
            .limit(limit)
        )
    )


def delayed_ids(session: Session, consumer: str, ids: Collection[UUID]) -> set[UUID]:
    """Those of these events that the consumer has put off, parked ones included."""
    if not ids:
        return set()
    return set(
        session.scalars(
            select(DelayedEvent.event_id).where(
                DelayedEvent.consumer == consumer, DelayedEvent.event_id.in_(ids)
            )
        )
    )


def lost_events(session: Session, consumer: str, types: Collection[str]) -> list[UUID]:
    """Events a consumer has passed without applying them or putting them off; there are none."""
    here = ConsumerInbox.consumer == consumer, ConsumerInbox.event_id == OutboxEvent.id
    later = DelayedEvent.consumer == consumer, DelayedEvent.event_id == OutboxEvent.id
    return list(
        session.scalars(
            select(OutboxEvent.id)
            .join(ConsumerCursor, ConsumerCursor.topic == OutboxEvent.topic)
            .where(
                ConsumerCursor.consumer == consumer,
                OutboxEvent.position <= ConsumerCursor.position,
                OutboxEvent.type.in_(types),
                ~select(ConsumerInbox.event_id).where(*here).exists(),
                ~select(DelayedEvent.event_id).where(*later).exists(),
            )
            .order_by(OutboxEvent.position)
        )
    )


def waiting_keys(session: Session, consumer: str) -> set[tuple[str, str]]:
    """The (topic, key) pairs whose events must queue behind a failed one."""
    return {
        (topic, key)
        for topic, key in session.execute(
            select(DelayedEvent.topic, DelayedEvent.key)
            .where(DelayedEvent.consumer == consumer, DelayedEvent.parked_at.is_(None))
            .distinct()
        )
    }


def due_delayed(
    session: Session, consumer: str, *, limit: int
) -> list[tuple[DelayedEvent, OutboxEvent]]:
    """The first delayed event of each key whose time has come, with what it says."""
    earlier = aliased(DelayedEvent)
    is_behind = (
        select(literal_column("1"))
        .where(
            earlier.consumer == DelayedEvent.consumer,
            earlier.topic == DelayedEvent.topic,
            earlier.key == DelayedEvent.key,
            earlier.position < DelayedEvent.position,
            earlier.parked_at.is_(None),
        )
        .exists()
    )
    rows = session.execute(
        select(DelayedEvent, OutboxEvent)
        .join(OutboxEvent, OutboxEvent.id == DelayedEvent.event_id)
        .where(
            DelayedEvent.consumer == consumer,
            DelayedEvent.parked_at.is_(None),
            DelayedEvent.next_at <= func.shop_now(),
            ~is_behind,
        )
        .order_by(DelayedEvent.position)
        .limit(limit)
    )
    return [(delayed, event) for delayed, event in rows]


def _one_status(session: Session, consumer: str, topic: str) -> ConsumerStatus:
    position = session.scalar(
        select(ConsumerCursor.position).where(
            ConsumerCursor.consumer == consumer, ConsumerCursor.topic == topic
        )
    )
    behind = session.scalar(
        select(func.count())
        .select_from(OutboxEvent)
        .where(OutboxEvent.topic == topic, OutboxEvent.position > (position or 0))
    )
    waiting, parked = session.execute(
        select(
            func.count().filter(DelayedEvent.parked_at.is_(None)),
            func.count().filter(DelayedEvent.parked_at.is_not(None)),
        ).where(DelayedEvent.consumer == consumer, DelayedEvent.topic == topic)
    ).one()
    return ConsumerStatus(consumer, topic, position or 0, behind or 0, waiting, parked)
