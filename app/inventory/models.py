"""What lies where: warehouses, balances, the ledger that explains them, and what is held for
whom."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base, one_of
from app.platform.ids import new_id


class LedgerReason(StrEnum):
    """Why units moved."""

    RECEIVE = "receive"
    RESERVE = "reserve"
    RELEASE = "release"
    FULFIL = "fulfil"
    ADJUST = "adjust"
    RETURN = "return"


class ReservationStatus(StrEnum):
    """Whether units are still held."""

    ACTIVE = "active"
    RELEASED = "released"
    FULFILLED = "fulfilled"


class Warehouse(Base):
    """Where units lie; without a merchant it is shared. Lower `priority` is emptied first."""

    __tablename__ = "warehouses"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    address: Mapped[dict[str, Any]] = mapped_column(default=dict)
    priority: Mapped[int] = mapped_column(default=100)


class Inventory(Base):
    """The balance of one SKU in one warehouse; on hand = available + reserved. Never below zero."""

    __tablename__ = "inventory"
    __table_args__ = (
        CheckConstraint("stock_available >= 0", name="available_not_negative"),
        CheckConstraint("stock_reserved >= 0", name="reserved_not_negative"),
    )

    sku_id: Mapped[UUID] = mapped_column(ForeignKey("skus.id"), primary_key=True)
    warehouse_id: Mapped[UUID] = mapped_column(
        ForeignKey("warehouses.id"), primary_key=True, index=True
    )
    stock_available: Mapped[int] = mapped_column(default=0)
    stock_reserved: Mapped[int] = mapped_column(default=0)


class LedgerEntry(Base):
    """One move of units and the row that caused it. Append-only; its sums are the balances.

    `reference` is the reservation, receipt, adjustment, shipment item or refund item: never the
    order.
    """

    __tablename__ = "inventory_ledger"
    __table_args__ = (
        one_of("reason", LedgerReason, name="reason_known"),
        UniqueConstraint("reference", "reason", "sku_id", "warehouse_id"),
        Index("ix_inventory_ledger_balance", "sku_id", "warehouse_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sku_id: Mapped[UUID]
    warehouse_id: Mapped[UUID]
    delta_available: Mapped[int]
    delta_reserved: Mapped[int]
    reason: Mapped[LedgerReason]
    reference: Mapped[UUID]
    note: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class Reservation(Base):
    """Units of one warehouse held for one checkout: the rows of a checkout are its allocation plan.

    `expires_at` is null once the order is confirmed. A partly shipped one is split into two rows.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        one_of("status", ReservationStatus, name="status_known"),
        CheckConstraint("qty > 0", name="qty_positive"),
        Index(
            "uq_reservations_active",
            "checkout_id",
            "sku_id",
            "warehouse_id",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        Index("ix_reservations_checkout_id", "checkout_id"),
        Index(
            "ix_reservations_expiry",
            "expires_at",
            postgresql_where=text("status = 'active' AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_reservations_balance",
            "sku_id",
            "warehouse_id",
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    checkout_id: Mapped[UUID] = mapped_column(ForeignKey("checkouts.id"))
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("skus.id"))
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("warehouses.id"))
    user_id: Mapped[UUID | None]
    qty: Mapped[int]
    expires_at: Mapped[datetime | None]
    status: Mapped[ReservationStatus] = mapped_column(default=ReservationStatus.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
