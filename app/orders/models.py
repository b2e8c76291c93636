"""What was bought, frozen at the moment of purchase."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.orders.states import OrderState
from app.platform.db import Base, one_of
from app.platform.ids import new_id


class Order(Base):
    """One purchase. Amounts are in minor units; total = items + shipping − discount + tax not
    included.

    `tax` is all of it, `tax_included` the part that the prices already contain. `number` is drawn
    at confirm.
    """

    __tablename__ = "orders"
    __table_args__ = (
        one_of("state", OrderState, name="state_known"),
        CheckConstraint(
            "total = items_total + shipping - discount + tax - tax_included", name="total_adds_up"
        ),
        CheckConstraint(
            "items_total >= 0 AND shipping >= 0 AND discount >= 0 AND tax_included >= 0"
            " AND tax >= tax_included AND total >= 0",
            name="amounts_not_negative",
        ),
        CheckConstraint("(state IN ('created')) <= (number IS NULL)", name="number_after_confirm"),
        Index("ix_orders_user", "user_id", "id", postgresql_where=text("number IS NOT NULL")),
        Index("ix_orders_state", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str | None] = mapped_column(unique=True)
    checkout_id: Mapped[UUID] = mapped_column(
        ForeignKey("checkouts.id"), unique=True
    )  # one order per checkout, whatever retries do
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    email: Mapped[str] = mapped_column(CITEXT())
    items_total: Mapped[int]
    shipping: Mapped[int]
    discount: Mapped[int]
    tax: Mapped[int]
    tax_included: Mapped[int]
    total: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[OrderState] = mapped_column(default=OrderState.CREATED)
    address: Mapped[dict[str, Any]]
    shipping_service: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())

    items: Mapped[list["OrderItem"]] = relationship(lazy="raise", order_by="OrderItem.line")
    transitions: Mapped[list["OrderTransition"]] = relationship(
        lazy="raise", order_by="OrderTransition.id"
    )


class OrderItem(Base):
    """One line as it was bought: unit price, its share of the discount, its tax."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "price_snapshot >= 0 AND discount >= 0 AND tax >= 0", name="amounts_not_negative"
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("skus.id"), index=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str]
    code: Mapped[str]
    qty: Mapped[int]
    price_snapshot: Mapped[int]
    discount: Mapped[int] = mapped_column(default=0)
    tax: Mapped[int] = mapped_column(default=0)


class OrderTransition(Base):
    """One move of one order: who, when, why. Append-only."""

    __tablename__ = "order_transitions"
    __table_args__ = (Index("ix_order_transitions_order_id", "order_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    from_state: Mapped[OrderState | None] = mapped_column("from")
    to_state: Mapped[OrderState] = mapped_column("to")
    actor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
