"""What was asked of the PSP and what became of it; and what the PSP told us, once each."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.payments.states import PaymentStatus
from app.platform.db import Base, one_of
from app.platform.ids import new_id


class Payment(Base):
    """One claim on a shopper's money, written before the PSP is called. Amounts are in minor units.

    `request` is what is sent, and sent again to the letter; `asked_at` is when the last call ended,
    or can end at the latest while it runs: the start of the wait before absence counts. `unknown`
    says why the outcome is not known, `{"reason", "detail"}`.
    """

    __tablename__ = "payments"
    __table_args__ = (
        one_of("status", PaymentStatus, name="status_known"),
        CheckConstraint(
            "0 <= refunded AND refunded <= captured AND captured <= amount", name="amounts_in_order"
        ),
        Index(
            "uq_payments_live",
            "order_id",
            unique=True,
            postgresql_where=text(
                "status IN ('pending', 'requires_action', 'authorized', 'captured')"
            ),
        ),
        Index("ix_payments_order_id", "order_id"),
        Index("ix_payments_checkout_id", "checkout_id"),
        Index("uq_payments_psp_ref", "provider", "psp_ref", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    checkout_id: Mapped[UUID] = mapped_column(ForeignKey("checkouts.id"))
    provider: Mapped[str]
    psp_ref: Mapped[str | None]
    amount: Mapped[int]
    captured: Mapped[int] = mapped_column(default=0)
    refunded: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[PaymentStatus] = mapped_column(default=PaymentStatus.PENDING)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    request: Mapped[dict[str, Any]]
    failure: Mapped[dict[str, Any] | None]
    next_action: Mapped[dict[str, Any] | None]
    unknown: Mapped[dict[str, Any] | None]
    asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class PspEvent(Base):
    """The inbox of the PSP: stored first, answered, applied later, once.

    `attempts` and `next_attempt_at` serve an event that came before its payment row.
    """

    __tablename__ = "psp_events"
    __table_args__ = (
        Index(
            "ix_psp_events_waiting",
            "next_attempt_at",
            postgresql_where=text("applied_at IS NULL"),
        ),
        Index(
            "ix_psp_events_object",
            "object_id",
            postgresql_where=text("applied_at IS NULL"),
        ),
    )

    provider: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    object_id: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    outcome: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    applied_at: Mapped[datetime | None]
