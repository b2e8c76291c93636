"""Invoices: numbered without a gap for each merchant, their figures frozen when they are issued."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base
from app.platform.ids import new_id


class InvoiceCounter(Base):
    """The last invoice number of a merchant; its row lock is what leaves no gap."""

    __tablename__ = "invoice_counters"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


class Invoice(Base):
    """One merchant's invoice for its part of one order. Amounts are in minor units; append-only.

    `figures` is everything printed on it, so that it reads the same for ever.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("merchant_id", "number"),
        UniqueConstraint("order_id", "merchant_id"),
        CheckConstraint("number > 0 AND total >= 0", name="figures_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    number: Mapped[int]
    total: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    figures: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
