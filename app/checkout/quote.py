"""What a cart costs at an address, before anyone pays: the same code that freezes a purchase."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.checkout.errors import CouponUnknown
from app.platform.db import ShopSession
from app.pricing.queries import tax_table
from app.pricing.totals import PricedLine, Totals, compute
from app.shipping.ports import CarrierRate
from app.shipping.rates import Offer, choose, offers


def weights(lines: Sequence[Mapping[str, Any]]) -> dict[UUID, int]:
    """Grams each merchant of these lines must send."""
    grams: dict[UUID, int] = defaultdict(int)
    for line in lines:
        grams[UUID(line["merchant_id"])] += line["qty"] * line["weight_g"]
    return dict(grams)


def services(
    session: ShopSession,
    lines: Sequence[Mapping[str, Any]],
    *,
    address: Mapping[str, str],
    currency: str,
    asked: Sequence[CarrierRate] = (),
) -> list[Offer]:
    """The services that bring these lines to an address, cheapest first."""
    return offers(
        session,
        merchants=weights(lines),
        country=address["country"],
        currency=currency,
        asked=asked,
    )


def total(
    session: ShopSession,
    lines: Sequence[Mapping[str, Any]],
    offer: Offer,
    *,
    address: Mapping[str, str],
    coupon: str | None,
) -> Totals:
    """What the lines cost with this service at this address. Raises CouponUnknown."""
    if coupon:
        raise CouponUnknown(
            "There is no such coupon.", fields=[{"field": "coupon", "detail": coupon}]
        )
    merchants = {UUID(line["merchant_id"]) for line in lines}
    taxes = tax_table(session, address["country"], address.get("region"), merchants)
    return compute([_priced(line) for line in lines], shipping=offer.charge(), taxes=taxes)


def price(
    session: ShopSession,
    lines: Sequence[Mapping[str, Any]],
    *,
    address: Mapping[str, str],
    currency: str,
    service: str | None,
    coupon: str | None,
    asked: Sequence[CarrierRate] = (),
) -> Totals:
    """Totals for the chosen service, or the cheapest. Raises the refusals of shipping and
    coupons."""
    found = services(session, lines, address=address, currency=currency, asked=asked)
    return total(session, lines, choose(found, service), address=address, coupon=coupon)


def _priced(line: Mapping[str, Any]) -> PricedLine:
    return PricedLine(
        sku_id=UUID(line["sku_id"]),
        merchant_id=UUID(line["merchant_id"]),
        qty=line["qty"],
        price=line["price"],
        tax_code=line["tax_code"],
    )
