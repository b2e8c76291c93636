"""What was bought, frozen at the moment of purchase."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.orders.states import Decision, OrderState
from app.platform.db import Base, one_of
from app.platform.ids import new_id
from app.saga.models import SagaRow, saga_table_args


class Order(Base):
    """One purchase. Amounts are in minor units; total = items + shipping − discount + tax not
    included.

    `tax` is all of it, `tax_included` the part that the prices already contain. `number` is drawn
    at confirm. `shipping_lines` are `{merchant_id, price, tax, tax_included, total}` of each
    merchant's part; `locale` is the language its letters are written in.
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
    shipping_lines: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
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
            "price_snapshot >= 0 AND discount >= 0 AND tax_included >= 0 AND tax >= tax_included",
            name="amounts_not_negative",
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
    tax_included: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    @property
    def total(self) -> int:
        """What this line adds to the order's total, in minor units."""
        return self.price_snapshot * self.qty - self.discount + self.tax - self.tax_included


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


class Cancellation(SagaRow, Base):
    """A confirmed order that will not be sent: its units go back, then its money. One an order,
    unless it came to nothing."""

    __tablename__ = "cancellations"
    __table_args__ = (
        *saga_table_args("cancellations"),
        Index("ix_cancellations_order_id", "order_id"),
        Index(
            "uq_cancellations_live",
            "order_id",
            unique=True,
            postgresql_where=text("state NOT IN ('failed', 'expired', 'canceled')"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    reason: Mapped[str]
    actor: Mapped[str]


class Return(SagaRow, Base):
    """Goods a customer sends back to one merchant (RMA): asked for, decided, received, refunded."""

    __tablename__ = "returns"
    __table_args__ = (
        *saga_table_args("returns"),
        one_of("decision", Decision, name="decision_known"),
        Index("ix_returns_order_id", "order_id"),
        Index("ix_returns_merchant", "merchant_id", "id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    reason: Mapped[str]
    actor: Mapped[str]
    decision: Mapped[Decision | None]
    decided_by: Mapped[str | None]
    decision_reason: Mapped[str | None]
    received_at: Mapped[datetime | None]
    received_by: Mapped[str | None]
    warehouse_id: Mapped[UUID | None] = mapped_column(ForeignKey("warehouses.id"), index=True)
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"), index=True)

    items: Mapped[list["ReturnItem"]] = relationship(lazy="raise", order_by="ReturnItem.line")


class ReturnItem(Base):
    """Units of one line that come back. `received` of the `qty` announced arrived; `restock` of
    these go on the shelf, the rest is written off."""

    __tablename__ = "return_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_items.order_id", "order_items.line"],
            name="fk_return_items_order_item",
        ),
        UniqueConstraint("return_id", "line"),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "received IS NULL OR (0 <= restock AND restock <= received AND received <= qty)",
            name="units_in_range",
        ),
        Index("ix_return_items_order_item", "order_id", "line"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    return_id: Mapped[UUID] = mapped_column(ForeignKey("returns.id"))
    order_id: Mapped[UUID]
    line: Mapped[int]
    sku_id: Mapped[UUID]
    qty: Mapped[int]
    reason: Mapped[str]
    received: Mapped[int | None]
    restock: Mapped[int] = mapped_column(default=0)
