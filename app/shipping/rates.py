"""Which services can bring a cart to a country, and for how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.platform.db import ShopSession
from app.platform.money import CurrencyMismatch
from app.pricing.totals import ShippingCharge, ShippingPart
from app.shipping.errors import NoShippingToCountry, UnknownShippingService
from app.shipping.ports import CarrierRate
from app.shipping.queries import table_rates


@dataclass(frozen=True)
class Offer:
    """One service for the whole cart: prices of all merchants summed, in minor units; the days
    until the slowest parcel is there."""

    service: str
    carrier: str
    name: str
    price: int
    currency: str
    days_min: int
    days_max: int
    parts: tuple[ShippingPart, ...]

    def charge(self) -> ShippingCharge:
        """What pricing needs to know of it."""
        return ShippingCharge(service=self.service, parts=self.parts)


def offers(
    session: ShopSession,
    *,
    merchants: Mapping[UUID, int],
    country: str,
    currency: str,
    asked: Sequence[CarrierRate] = (),
) -> list[Offer]:
    """The services every merchant of the cart offers, cheapest first; `merchants` gives each one's
    grams.

    `asked` are live rates of a carrier, taken before this transaction; they win over the table.
    Raises NoShippingToCountry where nothing is offered, CurrencyMismatch where it is, but in
    another currency.
    """
    found = [*table_rates(session, merchants, country.upper()), *asked]
    services: dict[str, dict[UUID, CarrierRate]] = {}
    for rate in found:
        if rate.currency == currency and rate.merchant_id in merchants:
            services.setdefault(rate.service, {})[rate.merchant_id] = rate
    whole = [_offer(rates) for rates in services.values() if rates.keys() >= merchants.keys()]
    if not whole and found and not services:
        raise CurrencyMismatch(f"Shipping to {country} is not charged in {currency}.")
    if not whole:
        raise NoShippingToCountry(f"Nothing brings this cart to {country}.", country=country)
    return sorted(whole, key=lambda offer: (offer.price, offer.days_max, offer.service))


def chosen(offered: Sequence[Offer], service: str | None) -> Offer:
    """The service asked for, or the cheapest when none was. Raises UnknownShippingService."""
    for offer in offered:
        if service is None or offer.service == service:
            return offer
    raise UnknownShippingService(
        f"There is no shipping service {service!r} for this cart.",
        services=[offer.service for offer in offered],
    )


def _offer(rates: Mapping[UUID, CarrierRate]) -> Offer:
    each = [rates[merchant_id] for merchant_id in sorted(rates)]
    return Offer(
        service=each[0].service,
        carrier=", ".join(sorted({rate.carrier for rate in each})),
        name=", ".join(sorted({rate.name for rate in each})),
        price=sum(rate.price for rate in each),
        currency=each[0].currency,
        days_min=max(rate.days_min for rate in each),
        days_max=max(rate.days_max for rate in each),
        parts=tuple(ShippingPart(rate.merchant_id, rate.price, rate.tax_code) for rate in each),
    )
