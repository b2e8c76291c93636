"""The outbox, the inbox and the lease of the one active relay."""

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


class RelayLease(Base):
    """Who publishes now. `token` rises with each holder and fences the one before."""

    __tablename__ = "relay_leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    token: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
