"""What the engine remembers: the columns every saga row carries, its journal, and the open
incidents."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base, one_of
from app.platform.ids import new_id
from app.saga.states import Direction, JournalEvent, SagaState


class SagaRow:
    """The saga columns. A row of any kind is claimed, advanced and undone by these alone.

    `next_attempt_at` is the one clock of retries; `nudge_at` is when the sweeper may nudge it
    again, so that a full queue is not filled further; `lease_until` and `version` fence outside
    calls; `key_attempt` is the last part of the provider's key and rises only after a definitive
    no.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[SagaState] = mapped_column(default=SagaState.RUNNING)
    direction: Mapped[Direction] = mapped_column(default=Direction.FORWARD)
    step: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    lease_until: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    nudge_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    attempts: Mapped[int] = mapped_column(default=0)
    key_attempt: Mapped[int] = mapped_column(default=1)
    deadline: Mapped[datetime]
    cancel_requested_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    signaled_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


def saga_table_args(table: str) -> tuple[Any, ...]:
    """The CHECKs and indexes every saga table has: its states, and what the sweeper looks for."""
    return (
        one_of("state", SagaState, name="state_known"),
        one_of("direction", Direction, name="direction_known"),
        Index(f"ix_{table}_due", "nudge_at", postgresql_where=text("state = 'running'")),
        Index(
            f"ix_{table}_deadline",
            "deadline",
            postgresql_where=text("state IN ('running', 'parked') AND direction = 'forward'"),
        ),
    )


class SagaJournal(Base):
    """The story of every saga, a line a step and attempt. Append-only: a trigger refuses all
    else."""

    __tablename__ = "saga_journal"
    __table_args__ = (
        one_of("event", JournalEvent, name="event_known"),
        Index("ix_saga_journal_saga", "saga_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    saga_kind: Mapped[str]
    saga_id: Mapped[UUID]
    step: Mapped[str]
    event: Mapped[JournalEvent]
    attempt: Mapped[int]
    detail: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class Incident(Base):
    """Something a person must look at. One open incident per kind and subject."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any] | None]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    closed_at: Mapped[datetime | None]
