"""What sending costs, as versioned rows per merchant, and what was sent."""

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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.platform.db import Base, one_of
from app.platform.ids import new_id
from app.saga.models import SagaRow, saga_table_args
from app.shipping.states import ShipmentStatus, TrackingStatus


class ShippingZone(Base):
    """Countries a merchant ships to at the same rates; lower `priority` is looked at first.

    A country `*` stands for everywhere.
    """

    __tablename__ = "shipping_zones"
    __table_args__ = (Index("ix_shipping_zones_countries", "countries", postgresql_using="gin"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str]
    countries: Mapped[list[str]] = mapped_column(ARRAY(String(2)))
    priority: Mapped[int] = mapped_column(default=100)


class ShippingRate(Base):
    """The price of one service for parcels of a weight, in minor units; grams from, below until.

    `service` is the word a shopper chooses (`standard`, `express`), the same across merchants.
    """

    __tablename__ = "shipping_rates"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint(
            "weight_until_g IS NULL OR weight_until_g > weight_from_g", name="weights_in_order"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("shipping_zones.id"), index=True)
    service: Mapped[str]
    carrier: Mapped[str]
    name: Mapped[str]
    days_min: Mapped[int]
    days_max: Mapped[int]
    weight_from_g: Mapped[int] = mapped_column(default=0)
    weight_until_g: Mapped[int | None]
    price: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    tax_code: Mapped[str] = mapped_column(default="standard")
    valid_from: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    valid_until: Mapped[datetime | None]


class Shipment(SagaRow, Base):
    """One parcel of one merchant from one warehouse. Amounts are in minor units.

    `amount` is the share of the order's money that sending it takes; `capture_request` is what is
    asked for it under which key, `{key, amount, final}`, so that a repeat asks the same. `cost` is
    what the carrier asks. The units have left the reserved stock once `units_left_at` is set. The
    label's file is gone, or to be deleted, once `label_erased_at` is set.
    """

    __tablename__ = "shipments"
    __table_args__ = (
        *saga_table_args("shipments"),
        one_of("status", ShipmentStatus, name="status_known"),
        CheckConstraint("amount >= 0 AND cost >= 0", name="amounts_not_negative"),
        Index("ix_shipments_order_id", "order_id"),
        Index("uq_shipments_tracking_number", "carrier", "tracking_number", unique=True),
        Index(
            "ix_shipments_erased_labels",
            "label_erased_at",
            postgresql_where=text("label_erased_at IS NOT NULL AND label_key IS NOT NULL"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("warehouses.id"), index=True)
    status: Mapped[ShipmentStatus] = mapped_column(default=ShipmentStatus.PENDING)
    carrier: Mapped[str]
    service: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    actor: Mapped[str]
    capture_request: Mapped[dict[str, Any] | None]
    tracking_number: Mapped[str | None]
    tracking_url: Mapped[str | None]
    label_key: Mapped[str | None]
    label_erased_at: Mapped[datetime | None]
    cost: Mapped[int] = mapped_column(default=0)
    units_left_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]

    items: Mapped[list["ShipmentItem"]] = relationship(lazy="raise", order_by="ShipmentItem.line")


class ShipmentItem(Base):
    """Units of one line of the order in a parcel."""

    __tablename__ = "shipment_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_items.order_id", "order_items.line"],
            name="fk_shipment_items_order_item",
        ),
        UniqueConstraint("shipment_id", "line"),
        CheckConstraint("qty > 0", name="qty_positive"),
        Index("ix_shipment_items_order_item", "order_id", "line"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"))
    order_id: Mapped[UUID]
    line: Mapped[int]
    sku_id: Mapped[UUID]
    qty: Mapped[int]


class TrackingEvent(Base):
    """What a carrier told about a parcel, each thing once. Append-only."""

    __tablename__ = "tracking_events"
    __table_args__ = (
        one_of("status", TrackingStatus, name="status_known"),
        UniqueConstraint("carrier", "event_id"),
        Index("ix_tracking_events_shipment_id", "shipment_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    carrier: Mapped[str]
    event_id: Mapped[str]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"))
    status: Mapped[TrackingStatus]
    place: Mapped[str | None]
    happened_at: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
