"""Which taxes are in force where, which coupons count, and how often they were used; pricing reads
rows, never constants."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.platform.db import ShopSession
from app.pricing.errors import CouponNotFound
from app.pricing.models import Coupon, CouponCustomer, CouponRedemption, Promotion, TaxRate
from app.pricing.promotions import Terms
from app.pricing.states import CouponStatus, RedemptionStatus
from app.pricing.tax import Rate, TaxTable


@dataclass(frozen=True)
class CouponView:
    """A coupon with what its promotion gives; every column of the coupon is there by its name.

    `redemptions` are counted by status, `given` is what used ones took off, in minor units.
    """

    row: Coupon
    promotion: Promotion
    redemptions: dict[str, int] | None = None
    given: int = 0

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the rule, the promotion or the coupon does."""
        if name in ("rate_ppm", "amount", "amount_max", "minimum"):
            return self.promotion.rule.get(name)
        if name in ("name", "kind", "currency"):
            return getattr(self.promotion, name)
        return getattr(self.row, name)


@dataclass(frozen=True)
class TaxRateView:
    """A tax rate and whether it counts at this moment; every column is there by its name."""

    row: TaxRate
    in_force: bool

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the row does."""
        return getattr(self.row, name)


def in_window(
    begin: InstrumentedAttribute[datetime], end: InstrumentedAttribute[datetime | None]
) -> ColumnElement[bool]:
    """Whether this moment lies in a row's time: from its first instant, before its last."""
    return and_(begin <= func.shop_now(), or_(end.is_(None), end > func.shop_now()))


def tax_table(
    session: ShopSession, country: str, region: str | None, merchant_ids: Collection[UUID]
) -> TaxTable:
    """The rates of one place now, in one statement: ISO 3166-1 country, region in any case.

    Of a merchant's (or the general) rates for a tax code the region's wins over the country's, and
    of equals the one that came into force last.
    """
    country, region = country.upper(), (region or "").strip() or None
    rows = session.execute(
        select(
            TaxRate.merchant_id, TaxRate.tax_code, TaxRate.name, TaxRate.rate_ppm, TaxRate.included
        )
        .ext(distinct_on(TaxRate.merchant_id, TaxRate.tax_code))
        .where(
            TaxRate.country == country,
            or_(TaxRate.region.is_(None), func.upper(TaxRate.region) == (region or "").upper()),
            or_(TaxRate.merchant_id.is_(None), TaxRate.merchant_id.in_(list(merchant_ids))),
            in_window(TaxRate.valid_from, TaxRate.valid_until),
        )
        .order_by(
            TaxRate.merchant_id,
            TaxRate.tax_code,
            TaxRate.region.is_(None),
            TaxRate.valid_from.desc(),
            TaxRate.id.desc(),
        )
    )
    rates = {
        (row.merchant_id, row.tax_code): Rate(row.name, row.rate_ppm, row.included) for row in rows
    }
    return TaxTable(country=country, region=region, rates=rates)


def coupon_terms(session: ShopSession, codes: Collection[str]) -> dict[str, Terms]:
    """What these codes stand for now, in one statement and without a lock; by the code in small
    letters. What is not there is no coupon."""
    if not codes:
        return {}
    over = and_(Coupon.valid_until.is_not(None), Coupon.valid_until <= func.shop_now())
    rows = session.execute(
        select(
            Coupon.id.label("coupon_id"), Coupon.code, Coupon.merchant_id, Promotion.kind,
            Promotion.currency, Promotion.rule, Coupon.uses_max, Coupon.uses_per_customer,
            Coupon.used, (Coupon.status == CouponStatus.ACTIVE).label("active"),
            (Coupon.valid_from <= func.shop_now()).label("begun"), over.label("over"),
        )
        .join(Promotion, Promotion.id == Coupon.promotion_id)
        .where(Coupon.code.in_({code.lower() for code in codes}))
    )  # fmt: skip
    return {row.code.lower(): Terms(**row._mapping) for row in rows}


def uses_by(session: ShopSession, coupon_id: UUID, customer_key: str) -> int:
    """How often a customer holds or has used a coupon."""
    return (
        session.scalar(
            select(CouponCustomer.used).where(
                CouponCustomer.coupon_id == coupon_id, CouponCustomer.customer_key == customer_key
            )
        )
        or 0
    )


def coupons(
    session: Session, *, merchant_id: UUID | None, after: UUID | None = None, limit: int
) -> list[CouponView]:
    """A page of coupons, newest first: a merchant's own, or everybody's without one (for ops)."""
    wanted = select(Coupon, Promotion).join(Promotion, Promotion.id == Coupon.promotion_id)
    if merchant_id is not None:
        wanted = wanted.where(Coupon.merchant_id == merchant_id)
    if after is not None:
        wanted = wanted.where(Coupon.id < after)
    rows = session.execute(wanted.order_by(Coupon.id.desc()).limit(limit))
    return [CouponView(*row) for row in rows]


def coupon(session: Session, coupon_id: UUID, *, merchant_id: UUID | None) -> CouponView:
    """One coupon with its usage; a merchant's own, or anybody's without one (for ops).

    Raises CouponNotFound.
    """
    wanted = select(Coupon, Promotion).join(Promotion, Promotion.id == Coupon.promotion_id)
    wanted = wanted.where(Coupon.id == coupon_id)
    if merchant_id is not None:
        wanted = wanted.where(Coupon.merchant_id == merchant_id)
    found = session.execute(wanted).first()
    if found is None:
        raise CouponNotFound("There is no such coupon.")
    rows = session.execute(
        select(
            CouponRedemption.status, func.count(), func.sum(CouponRedemption.amount)
        ).where(CouponRedemption.coupon_id == coupon_id).group_by(CouponRedemption.status)
    ).all()  # fmt: skip
    counted = {str(status): times for status, times, _ in rows}
    given = sum(int(amount) for status, _, amount in rows if status == RedemptionStatus.USED)
    every = {str(status): counted.get(status, 0) for status in RedemptionStatus}
    return CouponView(*found, redemptions=every, given=given)


def tax_rates(
    session: Session, merchant_id: UUID, *, after: UUID | None = None, limit: int
) -> Sequence[TaxRateView]:
    """A page of a merchant's own rates, newest first, those that are over too."""
    counts = in_window(TaxRate.valid_from, TaxRate.valid_until)
    wanted = select(TaxRate, counts).where(TaxRate.merchant_id == merchant_id)
    if after is not None:
        wanted = wanted.where(TaxRate.id < after)
    return [
        TaxRateView(*row)
        for row in session.execute(wanted.order_by(TaxRate.id.desc()).limit(limit))
    ]
