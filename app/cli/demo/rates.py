"""What tax and sending cost in the demo shop; sums in minor units.

Plausible figures for a demonstration, simplified: no shop should charge by them unchecked.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.pricing.models import TaxRate
from app.shipping.models import ShippingRate, ShippingZone

_VAT = {  # country: name, standard and reduced rate in percent; contained in the prices shown
    "DE": ("MwSt.", 19, 7),
    "AT": ("USt.", 20, 10),
    "FR": ("TVA", 20, 5.5),
    "NL": ("btw", 21, 9),
    "BE": ("btw / TVA", 21, 6),
    "ES": ("IVA", 21, 4),
    "IT": ("IVA", 22, 4),
    "SE": ("moms", 25, 6),
    "DK": ("moms", 25, 25),
    "PL": ("VAT", 23, 5),
    "IE": ("VAT", 23, 0),
    "GB": ("VAT", 20, 0),
    "CH": ("MWST", 8.1, 2.6),
}
_SALES_TAX = {  # state of the USA: percent, added to the prices shown
    "CA": 7.25,
    "NY": 4,
    "TX": 6.25,
    "WA": 6.5,
    "FL": 6,
    "OR": 0,
}
_EU = ("AT", "BE", "DK", "ES", "FR", "IE", "IT", "NL", "PL", "SE", "FI", "PT", "CZ", "LU", "GR")

# Zone: countries, priority, (standard, express) for the first band, days of both.
_ZONES = (
    ("Germany", ("DE",), 10, (490, 1_190), ((2, 3), (1, 1))),
    ("European Union", _EU, 20, (990, 2_490), ((3, 6), (1, 2))),
    ("Europe", ("GB", "CH", "NO"), 30, (1_490, 3_490), ((4, 8), (2, 3))),
    ("World", ("*",), 100, (2_490, 5_990), ((7, 14), (3, 5))),
)
# Grams from, until, and what the band costs of the first one's price in percent.
_BANDS = ((0, 2_000, 100), (2_000, 10_000, 160), (10_000, 30_000, 310), (30_000, None, 790))
_SERVICES = (("standard", "Parcel", "DHL"), ("express", "Express", "UPS"))


def plant_tax_rates(session: Session) -> None:
    """General rates for every merchant, once."""
    if session.scalar(select(TaxRate.id).limit(1)) is not None:
        return
    for country, (name, standard, reduced) in _VAT.items():
        for tax_code, percent in (("standard", standard), ("reduced", reduced)):
            session.add(_tax(country, None, tax_code, name, percent, included=True))
    for state, percent in _SALES_TAX.items():
        for tax_code in ("standard", "reduced"):
            session.add(_tax("US", state, tax_code, "Sales tax", percent, included=False))


def plant_shipping_rates(session: Session, merchant_id: UUID, currency: str) -> None:
    """Zones and rates of one merchant, once."""
    of_merchant = select(ShippingZone.id).where(ShippingZone.merchant_id == merchant_id).limit(1)
    if session.scalar(of_merchant) is not None:
        return
    for name, countries, priority, prices, days in _ZONES:
        zone = ShippingZone(
            merchant_id=merchant_id, name=name, countries=list(countries), priority=priority
        )
        session.add(zone)
        session.flush()
        for (service, title, carrier), price, (days_min, days_max) in zip(
            _SERVICES, prices, days, strict=True
        ):
            session.add_all(
                ShippingRate(
                    zone_id=zone.id,
                    service=service,
                    carrier=carrier,
                    name=title,
                    days_min=days_min,
                    days_max=days_max,
                    weight_from_g=low,
                    weight_until_g=high,
                    price=price * percent // 100,
                    currency=currency,
                )
                for low, high, percent in _BANDS
            )


def _tax(
    country: str, region: str | None, tax_code: str, name: str, percent: float, *, included: bool
) -> TaxRate:
    return TaxRate(
        country=country,
        region=region,
        tax_code=tax_code,
        name=name,
        rate_ppm=round(percent * 10_000),
        included=included,
    )
