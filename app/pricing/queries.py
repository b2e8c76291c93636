"""Which taxes are in force where; pricing reads rows, never constants."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.platform.db import ShopSession
from app.pricing.models import TaxRate
from app.pricing.tax import Rate, TaxTable


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
            TaxRate.valid_from <= func.shop_now(),
            or_(TaxRate.valid_until.is_(None), TaxRate.valid_until > func.shop_now()),
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
