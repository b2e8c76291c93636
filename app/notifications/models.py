"""Letters to people: queued with the event that causes them, sent at least once under a fixed
id."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base, one_of
from app.platform.ids import new_id


class NotificationStatus(StrEnum):
    """What became of a letter. `withheld` was never sent, on purpose: `last_error` says why."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"


class OptOut(Base):
    """Letters a person does not want: only those that nobody's order or account needs."""

    __tablename__ = "opt_outs"

    recipient: Mapped[str] = mapped_column(CITEXT(), primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class Notification(Base):
    """One letter to one recipient about one event. Its id is the Message-ID, so a repeat is
    recognised."""

    __tablename__ = "notifications"
    __table_args__ = (
        one_of("status", NotificationStatus, name="status_known"),
        UniqueConstraint("event_id", "channel", "recipient"),
        Index("ix_notifications_due", "next_at", postgresql_where=text("status = 'queued'")),
        Index("ix_notifications_mailbox", text("lower(recipient)")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    event_id: Mapped[UUID]
    channel: Mapped[str]
    recipient: Mapped[str]
    template: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    subject_id: Mapped[UUID] = mapped_column(index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[NotificationStatus] = mapped_column(default=NotificationStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    next_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    sent_at: Mapped[datetime | None]
