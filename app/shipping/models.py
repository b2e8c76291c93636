"""What sending costs: zones of countries and rates by weight, versioned rows per merchant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base
from app.platform.ids import new_id


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
