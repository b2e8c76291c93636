"""A purchase on its way: what was agreed at accept, and where its saga stands."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base
from app.saga.models import SagaRow, saga_table_args


class Checkout(SagaRow, Base):
    """One attempt to buy one cart. A cart buys once: the partial unique index, `confirmed`
    included.

    `lines` are `{sku_id, merchant_id, product_id, qty, price, name, code, weight_g, tax_code}`,
    prices frozen at accept; `digest` tells a repeat of the same purchase from another one; `totals`
    are frozen by `price`. `locale` is the shopper's language, for the letters of its order.
    """

    __tablename__ = "checkouts"
    __table_args__ = (
        *saga_table_args("checkouts"),
        Index(
            "uq_checkouts_cart",
            "cart_id",
            unique=True,
            postgresql_where=text("state NOT IN ('failed', 'expired', 'canceled')"),
        ),
        Index("ix_checkouts_cart_id", "cart_id"),
        Index(
            "ix_checkouts_before_reservation",
            "id",
            postgresql_where=text(
                "state = 'running' AND direction = 'forward' AND step = 'reserve'"
            ),
        ),
    )

    cart_id: Mapped[UUID]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    email: Mapped[str] = mapped_column(CITEXT())
    currency: Mapped[str] = mapped_column(String(3))
    lines: Mapped[list[Any]]
    address: Mapped[dict[str, Any]]
    coupon: Mapped[str | None]
    shipping_service: Mapped[str | None]
    expected_total: Mapped[int | None]
    payment_method_token: Mapped[str]
    digest: Mapped[str]
    totals: Mapped[dict[str, Any] | None]
    order_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
