"""Facts leave through here: a row in the transaction of the change, published later by the
relay."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.envelope import CloudEvent
from app.events.models import OutboxEvent
from app.events.registry import declaration_of, to_payload

CHANNEL = "outbox"


def announce(session: Session, *facts: object) -> None:
    """Write facts into the outbox. Call it while the aggregate's row is locked: that keeps their
    order.

    Wakes the relay by NOTIFY, once a transaction.
    """
    for fact in facts:
        declaration = declaration_of(fact)
        session.add(
            OutboxEvent(
                topic=declaration.topic,
                key=str(getattr(fact, declaration.key)),
                type=declaration.type,
                payload={"version": declaration.version, "data": to_payload(fact)},
            )
        )
    if facts and not session.info.get("outbox_notified"):
        session.info["outbox_notified"] = True
        session.execute(select(func.pg_notify(CHANNEL, "")))


def of_row(row: OutboxEvent) -> CloudEvent:
    """The envelope of an outbox row that has its position."""
    if row.position is None:
        raise ValueError("an event without a position is not for others yet")
    return CloudEvent(
        id=row.id,
        position=row.position,
        topic=row.topic,
        key=row.key,
        type=row.type,
        version=row.payload["version"],
        at=row.created_at,
        data=row.payload["data"],
    )
