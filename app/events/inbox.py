"""The way in: each consumer applies each event once, in the order of its key.

The inbox row commits with what the reactions did. One that fails is rolled back to its savepoint
and delayed in PostgreSQL with all that follows of its key; other keys go on.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.events import queries, registry
from app.events.envelope import CloudEvent
from app.events.models import ConsumerInbox, DelayedEvent
from app.events.outbox import of_row
from app.events.ports import Incidents
from app.platform.db import ShopSession
from app.platform.ids import encode
from app.platform.rows import unnested

log = logging.getLogger(__name__)

INCIDENT = "event_parked"
_CURRENT = "current_event"


@dataclass(frozen=True)
class Patience:
    """How often a failed reaction is asked again, and how long after: doubling, in seconds."""

    attempts_max: int = 10
    seconds: float = 1.0
    seconds_max: float = 300.0

    def wait_seconds(self, attempts: int) -> float:
        """How long to wait after so many failures."""
        return float(min(self.seconds * 2 ** min(attempts - 1, 20), self.seconds_max))


def event_id(session: ShopSession) -> UUID:
    """The event a reaction is being asked about. Raises KeyError outside of one."""
    event: CloudEvent = session.info[_CURRENT]
    return event.id


def apply(
    session: ShopSession,
    consumer: str,
    events: Sequence[CloudEvent],
    *,
    patience: Patience,
    incidents: Incidents,
) -> int:
    """Let a consumer react to events it may have seen; gives how many it applied now.

    They come in order within each key. Those of no concern to it leave no row.
    """
    wanted = [event for event in events if registry.reactions(consumer, event.type)]
    fresh = _first_time(session, consumer, wanted)
    blocked = queries.waiting_keys(session, consumer) if fresh else set()
    failed: list[tuple[CloudEvent, str | None]] = []
    for event in fresh:
        key = (event.topic, event.key)
        error = None if key in blocked else _react(session, consumer, event)
        if key in blocked or error is not None:
            blocked.add(key)
            failed.append((event, error))
    if failed:
        _delay(session, consumer, failed, patience=patience, incidents=incidents)
    return len(fresh) - len(failed)


def retry(
    session: ShopSession, consumer: str, *, limit: int, patience: Patience, incidents: Incidents
) -> int:
    """Try delayed events whose time has come; gives how many are done with, applied or parked."""
    done = 0
    for delayed, row in queries.due_delayed(session, consumer, limit=limit):
        event = of_row(row)
        error = _react(session, consumer, event)
        if error is None:
            _write(session, consumer, [event.id])
            session.delete(delayed)
            incidents.close_incident(session, kind=INCIDENT, subject=_subject(consumer, event.id))
            done += 1
        else:
            delayed.attempts += 1
            delayed.last_error = error
            delayed.next_at = _after(patience.wait_seconds(delayed.attempts))
            done += _park_hopeless(session, consumer, [event.id], patience, incidents)
    return done


def _first_time(
    session: ShopSession, consumer: str, events: Sequence[CloudEvent]
) -> list[CloudEvent]:
    """Write the inbox rows; gives the events that had none and are not delayed."""
    known = queries.delayed_ids(session, consumer, [event.id for event in events])
    written = _write(session, consumer, [event.id for event in events if event.id not in known])
    return [event for event in events if event.id in written]


def _write(session: ShopSession, consumer: str, ids: Sequence[UUID]) -> set[UUID]:
    if not ids:
        return set()
    given = unnested("given", {"event_id": (Uuid(), ids)})
    rows = insert(ConsumerInbox).from_select(
        ["consumer", "event_id"], select(literal(consumer), given.c.event_id)
    )
    return set(session.scalars(rows.on_conflict_do_nothing().returning(ConsumerInbox.event_id)))


def _react(session: ShopSession, consumer: str, event: CloudEvent) -> str | None:
    """Run the reactions in a savepoint; gives what went wrong, if anything did."""
    nudges, aftermath = len(session.nudges), len(session.aftermath)
    session.info[_CURRENT] = event
    try:
        with session.begin_nested():
            fact = registry.from_payload(event.type, event.data)
            for reaction in registry.reactions(consumer, event.type):
                reaction(session, fact)
    except Exception as error:
        if session.connection().invalidated:
            raise
        del session.nudges[nudges:], session.aftermath[aftermath:]
        log.exception("reaction_failed", extra={"consumer": consumer, "event_id": str(event.id)})
        return f"{type(error).__name__}: {error}"[:500]
    finally:
        del session.info[_CURRENT]
    return None


def _delay(
    session: ShopSession,
    consumer: str,
    failed: Sequence[tuple[CloudEvent, str | None]],
    *,
    patience: Patience,
    incidents: Incidents,
) -> None:
    """Keep them for later, in order; those without an error only wait behind another."""
    ids = [event.id for event, _ in failed]
    session.execute(
        delete(ConsumerInbox).where(
            ConsumerInbox.consumer == consumer, ConsumerInbox.event_id.in_(ids)
        )
    )
    for event, error in failed:
        session.add(
            DelayedEvent(
                consumer=consumer,
                event_id=event.id,
                topic=event.topic,
                key=event.key,
                position=event.position,
                attempts=0 if error is None else 1,
                next_at=_after(0 if error is None else patience.wait_seconds(1)),
                last_error=error,
            )
        )
    _park_hopeless(session, consumer, ids, patience, incidents)


def _park_hopeless(
    session: ShopSession,
    consumer: str,
    ids: Sequence[UUID],
    patience: Patience,
    incidents: Incidents,
) -> int:
    session.flush()  # the counters just set are looked at in SQL
    parked = session.execute(
        update(DelayedEvent)
        .where(
            DelayedEvent.consumer == consumer,
            DelayedEvent.event_id.in_(ids),
            DelayedEvent.attempts >= patience.attempts_max,
        )
        .values(parked_at=func.shop_now())
        .returning(DelayedEvent.event_id, DelayedEvent.key, DelayedEvent.last_error)
    ).all()
    for id_, key, error in parked:
        incidents.open_incident(
            session,
            kind=INCIDENT,
            subject=_subject(consumer, id_),
            detail={"consumer": consumer, "key": key, "error": error},
        )
    return len(parked)


def _subject(consumer: str, id_: UUID) -> str:
    return f"{consumer}:{encode('evt', id_)}"


def _after(seconds: float) -> ColumnElement[datetime]:
    return func.shop_now() + text(f"interval '{float(seconds)} seconds'")
