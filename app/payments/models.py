"""What was asked of the PSP and what became of it; what goes back; and what the PSP told us."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.payments.states import PaymentStatus
from app.platform.db import Base, one_of
from app.platform.ids import new_id
from app.saga.models import SagaRow, saga_table_args


class Payment(Base):
    """One claim on a shopper's money, written before the PSP is called. Amounts are in minor units.

    `request` is what is sent, and sent again to the letter; `asked_at` is when the last call ended,
    or can end at the latest while it runs: the start of the wait before absence counts. `unknown`
    says why the outcome is not known, `{"reason", "detail"}`. `multicapture`: the PSP takes it in
    parts; `capture_before`: what is not taken until then is gone.
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
    multicapture: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    capture_before: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class Capture(SagaRow, Base):
    """Taking held money before anything is sent, where the merchants of an order ask for it.

    `amount` is in minor units; a shipment takes its own share by itself and has no row here.
    """

    __tablename__ = "captures"
    __table_args__ = (
        *saga_table_args("captures"),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("uq_captures_order_id", "order_id", unique=True),
        Index("ix_captures_payment_id", "payment_id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    amount: Mapped[int]


class Refund(SagaRow, Base):
    """Money on its way back to a shopper. Amounts are in minor units.

    `amount` was taken and is given back; `released` was only held for these units and will never
    be taken. A refund counts against the payment from the moment its row is there; one of an order
    that cost nothing has no payment, and gives back units alone. `keyed_at` is when its key was
    first taken to the PSP; `asked_at` and `unknown` are as with a payment; `came_back_at` is set
    where the bank did not take the money: it is with the shop again.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        *saga_table_args("refunds"),
        CheckConstraint("amount >= 0 AND released >= 0", name="amounts_not_negative"),
        Index("ix_refunds_order_id", "order_id"),
        Index("ix_refunds_payment_id", "payment_id"),
        Index("uq_refunds_psp_ref", "psp_ref", unique=True),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    amount: Mapped[int]
    released: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str]
    actor: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    psp_ref: Mapped[str | None]
    keyed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    unknown: Mapped[dict[str, Any] | None]
    came_back_at: Mapped[datetime | None]


class RefundItem(Base):
    """Units a refund is for, and their share of what the order cost, given back or only released.

    `unshipped` of them never will be sent. `astray` of these had left the reserved stock in a
    parcel that was canceled: they go to `warehouse_id`, the others are simply let go. `restock`
    puts those that were sent and came back on the shelf again, but for those `at_home`: a return
    whose own refund failed brought them back before.
    """

    __tablename__ = "refund_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_items.order_id", "order_items.line"],
            name="fk_refund_items_order_item",
        ),
        UniqueConstraint("refund_id", "line"),
        CheckConstraint(
            "qty > 0 AND 0 <= astray AND astray <= unshipped AND unshipped <= qty"
            " AND 0 <= at_home AND at_home <= qty - unshipped",
            name="units_in_range",
        ),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        Index("ix_refund_items_order_item", "order_id", "line"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    refund_id: Mapped[UUID] = mapped_column(ForeignKey("refunds.id"))
    order_id: Mapped[UUID]
    line: Mapped[int]
    sku_id: Mapped[UUID]
    qty: Mapped[int]
    unshipped: Mapped[int] = mapped_column(default=0)
    astray: Mapped[int] = mapped_column(default=0)
    at_home: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    warehouse_id: Mapped[UUID | None] = mapped_column(ForeignKey("warehouses.id"), index=True)
    amount: Mapped[int]
    restock: Mapped[bool] = mapped_column(default=False)


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
