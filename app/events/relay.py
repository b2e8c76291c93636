"""The way out: unpublished outbox rows to the bus, in order, by one relay at a time.

A turn is one transaction: it stamps what the bus accepted and gives the next rows their positions;
then they are published with none open. A crash in between publishes the same ids under the same
positions again. Rows are found by `published_at IS NULL`, never by a watermark, so one whose
transaction committed late is only later, not lost; rows of one key commit in `seq` order because
their aggregate is locked.
"""

import logging
import random
import threading
from collections.abc import Sequence

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.attributes import set_committed_value

from app.events.envelope import CloudEvent
from app.events.errors import BusAway, LeaseLost
from app.events.lease import Lease
from app.events.models import OutboxEvent
from app.events.outbox import CHANNEL, of_row
from app.events.ports import EventBus
from app.events.wakeup import Listener
from app.platform.db import Database, ShopSession

log = logging.getLogger(__name__)

NAME = "relay"
_BATCH = 500
# What comes after a pause goes at once, what comes while busy together: fewer transactions.
_BREATH_SECONDS = 0.1
_POLL_SECONDS = 1.0  # what a lost NOTIFY costs at most
_BACKOFF_SECONDS, _BACKOFF_SECONDS_MAX = 0.1, 3.0  # below the lease, which is renewed meanwhile

_GIVE_POSITIONS = text(
    "UPDATE outbox SET position = :last + given.place"
    " FROM unnest(:ids) WITH ORDINALITY AS given(id, place) WHERE outbox.id = given.id"
)


class Relay:
    """Publishes for as long as it holds the lease; waits for it otherwise."""

    def __init__(
        self, db: Database, bus: EventBus, *, batch: int = _BATCH, lease_seconds: float = 10
    ) -> None:
        self._db, self._bus, self._batch = db, bus, batch
        self._lease = Lease(db, NAME, seconds=lease_seconds)
        self._listener = Listener(db, CHANNEL)

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop; whatever is away is waited for."""
        try:
            while not stop.is_set():
                self._hold(stop)
                stop.wait(_POLL_SECONDS)
        finally:
            self._listener.close()

    def publish_all(self) -> int:
        """Publish what is there and return how many; 0 also where another relay holds the lease."""
        if not self._lease.take():
            return 0
        count, batch = 0, self._left_over()
        while batch or (batch := self._turn(())):
            self._bus.publish(batch)
            count += len(batch)
            batch = self._turn(batch)
        self._lease.give_back()
        return count

    def _hold(self, stop: threading.Event) -> None:
        try:
            if not self._lease.take():
                return
            log.info("relay_active")
            self._listener.listen()
            self._work(stop)
            self._lease.give_back()
        except LeaseLost:
            log.warning("relay_superseded")
        except (DBAPIError, PoolTimeout) as error:
            log.warning("relay_database_away", extra={"error": str(error)[:200]})

    def _work(self, stop: threading.Event) -> None:
        batch = self._left_over()
        while True:
            if batch and not self._publish(batch, stop):
                return
            if 0 < len(batch) < self._batch:
                stop.wait(_BREATH_SECONDS)
            batch = self._turn(batch, limit=0 if stop.is_set() else self._batch)
            if stop.is_set():
                return
            if not batch:
                self._listener.wait(_POLL_SECONDS, stop=stop)

    def _publish(self, batch: Sequence[CloudEvent], stop: threading.Event) -> bool:
        """Until the bus accepts them; False when told to stop before."""
        patience = _BACKOFF_SECONDS
        while True:
            try:
                self._bus.publish(batch)
                return True
            except BusAway as error:
                log.warning("relay_bus_away", extra={"error": str(error)[:200]})
            if stop.wait(patience * (0.5 + random.random() / 2)):  # noqa: S311 - jitter
                return False
            patience = min(2 * patience, _BACKOFF_SECONDS_MAX)
            with self._db.transaction() as session:
                self._lease.confirm(session)

    def _left_over(self) -> list[CloudEvent]:
        """What has its position, from a relay that went before it could stamp it."""
        with self._db.transaction() as session:
            self._lease.confirm(session)
            rows = session.scalars(
                select(OutboxEvent)
                .where(OutboxEvent.published_at.is_(None), OutboxEvent.position.is_not(None))
                .order_by(OutboxEvent.position)
            )
            return [of_row(row) for row in rows]

    def _turn(
        self, published: Sequence[CloudEvent], *, limit: int | None = None
    ) -> list[CloudEvent]:
        """Stamp what the bus accepted and take the next; one commit. Raises LeaseLost."""
        with self._db.transaction() as session:
            self._lease.confirm(session)
            if published:
                session.execute(
                    update(OutboxEvent)
                    .where(OutboxEvent.id.in_([event.id for event in published]))
                    .values(published_at=func.shop_now()),
                    execution_options={"synchronize_session": False},
                )
            return self._allot(session, self._batch if limit is None else limit)

    def _allot(self, session: ShopSession, limit: int) -> list[CloudEvent]:
        rows = session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.published_at.is_(None), OutboxEvent.position.is_(None))
            .order_by(OutboxEvent.seq)
            .limit(limit)
        ).all()
        if not rows:
            return []
        last = self._lease.advance(session, len(rows))
        session.execute(_GIVE_POSITIONS, {"ids": [row.id for row in rows], "last": last})
        for position, row in enumerate(rows, start=last + 1):
            set_committed_value(row, "position", position)
        return [of_row(row) for row in rows]
