"""What a cart costs at an address, before anyone pays: the same code that freezes a purchase."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.cart.view import CartLineView, CartView
from app.checkout.errors import CouponUnknown, EmptyCart
from app.platform.db import ShopSession
from app.pricing.queries import tax_table
from app.pricing.totals import PricedLine, Totals, compute
from app.shipping.ports import CarrierRate
from app.shipping.rates import Offer, chosen, offers


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
    return total(session, lines, chosen(found, service), address=address, coupon=coupon)


def of_cart(
    session: ShopSession,
    cart: CartView,
    *,
    address: Mapping[str, str],
    service: str | None,
    coupon: str | None,
) -> dict[str, Any]:
    """Services and totals for what can be bought of a cart: `{services, totals, currency}`.

    Raises EmptyCart, and the refusals of shipping and coupons.
    """
    lines = [as_frozen(line) for line in cart.lines if line.available]
    if not lines or cart.currency is None:
        raise EmptyCart("There is nothing in this cart.")
    found = services(session, lines, address=address, currency=cart.currency)
    offer = chosen(found, service)
    totals = total(session, lines, offer, address=address, coupon=coupon)
    return {"services": found, "totals": totals.as_json(), "currency": cart.currency}


def as_frozen(line: CartLineView) -> dict[str, Any]:
    """A line of a cart as a checkout keeps it: the price does not move any more."""
    return {
        "sku_id": str(line.sku_id),
        "merchant_id": str(line.merchant_id),
        "product_id": str(line.product_id),
        "qty": line.qty,
        "price": line.price,
        "name": line.name,
        "code": line.code,
        "weight_g": line.weight_g,
        "tax_code": line.tax_code,
    }


def _priced(line: Mapping[str, Any]) -> PricedLine:
    return PricedLine(
        sku_id=UUID(line["sku_id"]),
        merchant_id=UUID(line["merchant_id"]),
        qty=line["qty"],
        price=line["price"],
        tax_code=line["tax_code"],
    )
