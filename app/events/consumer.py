"""Reads the bus for one consumer and lets it react, each event once and in the order of its key.

The bus is believed only as far as the outbox agrees: what it hands out is compared with the rows of
the same positions, and what it lost (a flush, a restore, a trim) is taken from the outbox instead.
Order with several processes: a consumer's topics are read by the one that holds its lease; the
others wait. The transaction that applies events confirms the lease and moves the cursor.
"""

import logging
import random
import threading
import time
from collections.abc import Iterable, Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.events import inbox, queries, registry
from app.events.envelope import CloudEvent
from app.events.errors import BusAway, LeaseLost
from app.events.lease import Lease
from app.events.models import ConsumerCursor
from app.events.outbox import of_row
from app.events.ports import Delivery, EventBus, Incidents, Subscription
from app.platform.db import Database, ShopSession
from app.platform.queue import Queue

log = logging.getLogger(__name__)

_BATCH = 100
_WAIT_SECONDS = 1.0
# What comes after a pause is taken at once, what comes while busy together: fewer transactions.
_BREATH_SECONDS = 0.2
_LOOK_SECONDS = 1.0  # how often the outbox is asked whether the bus kept something from us
_BACKOFF_SECONDS, _BACKOFF_SECONDS_MAX = 0.2, 5.0


class Consumer:
    """One name that reacts, with the lease, the cursors and the inbox that belong to it."""

    def __init__(
        self,
        name: str,
        *,
        db: Database,
        bus: EventBus,
        queue: Queue | None,
        incidents: Incidents,
        patience: inbox.Patience | None = None,
        lease_seconds: float = 10,
    ) -> None:
        self._name, self._db, self._bus, self._queue = name, db, bus, queue
        self._incidents, self._patience = incidents, patience or inbox.Patience()
        self._topics = registry.topics_of(name)
        self._lease = Lease(db, f"consumer:{name}", seconds=lease_seconds)
        self._marks: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """React until told to stop; whatever is away is waited for."""
        patience = _BACKOFF_SECONDS
        while not stop.is_set():
            try:
                if self._lease.take():
                    self._work(stop)
                    self._lease.give_back()
                else:
                    stop.wait(_WAIT_SECONDS)
                patience = _BACKOFF_SECONDS
            except LeaseLost:
                log.warning("consumer_superseded", extra={"consumer": self._name})
            except (BusAway, DBAPIError, PoolTimeout) as error:
                log.warning("consumer_waits", extra={"error": str(error)[:200]})
                patience = min(2 * patience, _BACKOFF_SECONDS_MAX)
            except Exception:
                log.exception("consumer_broke", extra={"consumer": self._name})
                patience = min(2 * patience, _BACKOFF_SECONDS_MAX)
            stop.wait(patience * (0.5 + random.random() / 2))  # noqa: S311 - jitter

    def catch_up(self) -> int:
        """Apply all that is published and due, by the bus or by the outbox; gives how much.

        Raises LeaseLost while another process reads for this consumer.
        """
        if not self._lease.take():
            raise LeaseLost(self._name)
        reader, count = self._bus.subscribe(self._name, self._topics), 0
        try:
            while deliveries := reader.read(limit=_BATCH, wait_seconds=0.01):
                count += self._take(reader, deliveries)
            self._marks = self._published()
            while done := self._look():
                count += done
            return count
        finally:
            reader.close()
            self._lease.give_back()

    def _work(self, stop: threading.Event) -> None:
        reader = self._bus.subscribe(self._name, self._topics)
        try:
            look_at = time.monotonic()
            while not stop.is_set():
                deliveries = reader.read(limit=_BATCH, wait_seconds=_WAIT_SECONDS)
                if deliveries:
                    self._take(reader, deliveries)
                    if len(deliveries) < _BATCH:
                        stop.wait(_BREATH_SECONDS)
                if time.monotonic() >= look_at:
                    while self._look() and not stop.is_set():
                        pass
                    self._marks = self._published()
                    look_at = time.monotonic() + _LOOK_SECONDS
        finally:
            reader.close()

    def _take(self, reader: Subscription, deliveries: Sequence[Delivery]) -> int:
        """Apply one read of the bus and acknowledge it after the commit."""
        with self._db.transaction(self._queue) as session:
            cursors = self._begin(session)
            self._report_unreadable(session, deliveries)
            count = 0
            for topic, events in _by_topic(deliveries).items():
                if topic in cursors:
                    count += self._apply_agreed(session, topic, cursors[topic], events)
        reader.acknowledge(deliveries)
        return count

    def _look(self) -> int:
        """Fetch from the outbox what was published at the last look and still did not come; retry.

        One transaction over some of it; gives how much that was, 0 when there is nothing left.
        """
        with self._db.transaction(self._queue) as session:
            cursors = self._begin(session)
            fetched = sum(
                self._fetch(session, topic, cursors[topic], mark)
                for topic, mark in self._marks.items()
            )
            done = inbox.retry(
                session,
                self._name,
                limit=_BATCH,
                patience=self._patience,
                incidents=self._incidents,
            )
        if fetched:
            log.info("fetched_from_outbox", extra={"consumer": self._name, "events": fetched})
        return fetched + done

    def _fetch(self, session: ShopSession, topic: str, after: int, upto: int) -> int:
        """Apply a topic's next events from the outbox; gives how many there were."""
        if after >= upto:
            return 0
        rows = queries.events_between(session, topic, after, upto, limit=_BATCH)
        if rows:
            self._apply(session, topic, [of_row(row) for row in rows])
        return len(rows)

    def _apply_agreed(
        self, session: ShopSession, topic: str, after: int, events: Sequence[CloudEvent]
    ) -> int:
        """Apply what the bus says where the outbox says the same, and what the outbox says else."""
        new = {event.position: event for event in events if event.position > after}
        if not new:
            return 0
        ordered, upto = [new[position] for position in sorted(new)], max(new)
        if queries.ids_between(session, topic, after, upto) == [event.id for event in ordered]:
            return self._apply(session, topic, ordered)
        log.warning("bus_disagrees", extra={"topic": topic, "after": after, "upto": upto})
        rows = queries.events_between(session, topic, after, upto, limit=_BATCH)
        return self._apply(session, topic, [of_row(row) for row in rows]) if rows else 0

    def _apply(self, session: ShopSession, topic: str, events: Sequence[CloudEvent]) -> int:
        count = inbox.apply(
            session, self._name, events, patience=self._patience, incidents=self._incidents
        )
        session.execute(
            update(ConsumerCursor)
            .where(ConsumerCursor.consumer == self._name, ConsumerCursor.topic == topic)
            .values(position=events[-1].position)
        )
        return count

    def _begin(self, session: ShopSession) -> dict[str, int]:
        """Confirm the lease and lock the cursors; a topic read for the first time begins at 0."""
        self._lease.confirm(session)
        mine = select(ConsumerCursor.topic, ConsumerCursor.position).where(
            ConsumerCursor.consumer == self._name, ConsumerCursor.topic.in_(self._topics)
        )
        cursors = {row.topic: row.position for row in session.execute(mine.with_for_update())}
        missing = [topic for topic in self._topics if topic not in cursors]
        if missing:
            rows = [{"consumer": self._name, "topic": topic, "position": 0} for topic in missing]
            session.execute(insert(ConsumerCursor).values(rows).on_conflict_do_nothing())
        return cursors | dict.fromkeys(missing, 0)

    def _published(self) -> dict[str, int]:
        with self._db.reading() as session:
            return queries.published_marks(session, self._topics)

    def _report_unreadable(self, session: ShopSession, deliveries: Iterable[Delivery]) -> None:
        """Someone else wrote to the stream: nothing to apply, but somebody should know."""
        for delivery in deliveries:
            if delivery.event is None:
                self._incidents.open_incident(
                    session,
                    kind="event_unreadable",
                    subject=f"{self._name}:{delivery.topic}",
                    detail={"receipt": delivery.receipt, "text": delivery.text[:500]},
                )


def _by_topic(deliveries: Iterable[Delivery]) -> dict[str, list[CloudEvent]]:
    topics: dict[str, list[CloudEvent]] = {}
    for delivery in deliveries:
        if delivery.event is not None and delivery.event.topic == delivery.topic:
            topics.setdefault(delivery.topic, []).append(delivery.event)
    return topics
