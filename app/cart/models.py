"""Signed-in carts; guests' live in Redis behind the same store."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cart.states import CartStatus
from app.platform.db import Base, one_of
from app.platform.ids import new_id


class Cart(Base):
    """What a signed-in shopper means to buy. One open cart a person.

    `checkout_id` is the live checkout that locks it: set by accept, cleared by the last undo, both
    in the transactions of the checkout itself.
    """

    __tablename__ = "carts"
    __table_args__ = (
        one_of("status", CartStatus, name="status_known"),
        Index("uq_carts_open", "user_id", unique=True, postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    currency: Mapped[str | None] = mapped_column(String(3))
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[CartStatus] = mapped_column(default=CartStatus.OPEN)
    checkout_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())

    lines: Mapped[list["CartLine"]] = relationship(
        lazy="raise", order_by="CartLine.added_at", cascade="all, delete-orphan"
    )


class CartLine(Base):
    """So many of one SKU, and the price the shopper saw (minor units)."""

    __tablename__ = "cart_lines"
    __table_args__ = (CheckConstraint("qty > 0", name="qty_positive"),)

    cart_id: Mapped[UUID] = mapped_column(
        ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True
    )
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("skus.id"), primary_key=True, index=True)
    qty: Mapped[int]
    price_seen: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class CartMerge(Base):
    """What a guest's cart already gave to people's carts: units by SKU, as they stood when it was
    last merged. It makes merging again add only what came since."""

    __tablename__ = "cart_merges"

    guest_cart_id: Mapped[UUID] = mapped_column(primary_key=True)  # in Redis, or gone
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    units: Mapped[dict[str, Any]] = mapped_column(default=dict)
    merged_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
