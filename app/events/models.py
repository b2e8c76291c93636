"""The outbox, the inbox, how far each consumer got, and the leases of those who work alone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base
from app.platform.ids import new_id


class OutboxEvent(Base):
    """A fact, written in the transaction that made it true, while its aggregate row is locked.

    `seq` orders the facts of one key; `position` is given when published, and feeds page by it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unpublished", "seq", postgresql_where=text("published_at IS NULL")),
        Index("ix_outbox_key", "key"),
        Index("ix_outbox_topic", "topic", "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    seq: Mapped[int] = mapped_column(Identity(), unique=True)
    topic: Mapped[str]
    key: Mapped[str]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    position: Mapped[int | None] = mapped_column(unique=True)
    published_at: Mapped[datetime | None]


class ConsumerInbox(Base):
    """Each consumer applies each event once: its row commits with what the event caused."""

    __tablename__ = "consumer_inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.shop_now(), index=True)


class ConsumerCursor(Base):
    """How far a consumer got in a topic: every event up to this position was applied or is
    delayed."""

    __tablename__ = "consumer_cursors"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(default=0)


class DelayedEvent(Base):
    """An event whose reaction failed, or that waits behind such a one of its key.

    Tried again at `next_at`; once `parked_at` is set, a person must look and those behind it go on.
    """

    __tablename__ = "delayed_events"
    __table_args__ = (
        Index(
            "ix_delayed_events_waiting",
            "consumer",
            "topic",
            "key",
            "position",
            postgresql_where=text("parked_at IS NULL"),
        ),
        Index("ix_delayed_events_event_id", "event_id"),
    )

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str]
    key: Mapped[str]
    position: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    last_error: Mapped[str | None]
    parked_at: Mapped[datetime | None]


class RelayLease(Base):
    """Who publishes now, or reads for a consumer. `token` rises with each holder and fences the
    one before; `position` is the last one given to an event."""

    __tablename__ = "relay_leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    token: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_until: Mapped[datetime | None]
