"""Tax rates and coupons as rows: pricing reads rows, never constants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base, one_of
from app.platform.ids import new_id
from app.pricing.states import CouponStatus, PromotionKind, RedemptionStatus


class TaxRate(Base):
    """What one tax code costs in one country, for one merchant (null: for all).

    `rate_ppm` is parts per million (77,500 = 7.75 %); `included` says that shown prices contain it.
    """

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("rate_ppm >= 0 AND rate_ppm < 1000000", name="rate_in_range"),
        Index("ix_tax_rates_country", "country", "tax_code"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    country: Mapped[str] = mapped_column(String(2))
    region: Mapped[str | None]
    tax_code: Mapped[str]
    name: Mapped[str]
    rate_ppm: Mapped[int]
    included: Mapped[bool]
    valid_from: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    valid_until: Mapped[datetime | None]


class Promotion(Base):
    """What is taken off, and from what; without a merchant it holds for the whole cart.

    `rule` by kind: percent `{rate_ppm, amount_max?}`, amount `{amount}`, free_shipping `{}`; all
    may have `{minimum}`, the least worth of the goods it applies to. Amounts are in minor units.
    """

    __tablename__ = "promotions"
    __table_args__ = (one_of("kind", PromotionKind, name="kind_known"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str]
    kind: Mapped[PromotionKind]
    currency: Mapped[str] = mapped_column(String(3))
    rule: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class Coupon(Base):
    """A code that opens a promotion within its window, so often in all and so often a customer.

    `used` counts held and used redemptions: it is taken before the order is paid.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        one_of("status", CouponStatus, name="status_known"),
        CheckConstraint(
            "used >= 0 AND (uses_max IS NULL OR used <= uses_max)", name="used_in_limit"
        ),
        CheckConstraint(
            "(uses_max IS NULL OR uses_max > 0)"
            " AND (uses_per_customer IS NULL OR uses_per_customer > 0)",
            name="limits_positive",
        ),
        CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="window_in_order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    promotion_id: Mapped[UUID] = mapped_column(ForeignKey("promotions.id"), index=True)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    code: Mapped[str] = mapped_column(CITEXT(), unique=True)
    status: Mapped[CouponStatus] = mapped_column(default=CouponStatus.ACTIVE)
    uses_max: Mapped[int | None]
    uses_per_customer: Mapped[int | None]
    used: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class CouponCustomer(Base):
    """How often one customer holds or used one coupon; `customer_key` is the user's id or the
    normalized e-mail address."""

    __tablename__ = "coupon_customers"
    __table_args__ = (CheckConstraint("used >= 0", name="used_not_negative"),)

    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"), primary_key=True)
    customer_key: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class CouponRedemption(Base):
    """One use of one coupon by one checkout: held with the order, used when it is confirmed."""

    __tablename__ = "coupon_redemptions"
    __table_args__ = (
        one_of("status", RedemptionStatus, name="status_known"),
        UniqueConstraint("checkout_id", "coupon_id"),
        Index("ix_coupon_redemptions_coupon", "coupon_id", "customer_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"))
    checkout_id: Mapped[UUID] = mapped_column(ForeignKey("checkouts.id"))
    customer_key: Mapped[str]
    amount: Mapped[int]
    status: Mapped[RedemptionStatus] = mapped_column(default=RedemptionStatus.HELD)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
