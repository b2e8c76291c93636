"""What a cart costs at an address, before anyone pays: the same code that freezes a purchase."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.cart.view import CartLineView, CartView
from app.checkout.errors import EmptyCart
from app.platform.db import ShopSession
from app.pricing.errors import CouponUsedByCustomer
from app.pricing.promotions import NOTHING_OFF, Reduction, Terms, reduction, unknown
from app.pricing.queries import coupon_terms, tax_table, uses_by
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
    off: Reduction = NOTHING_OFF,
) -> Totals:
    """What the lines cost with this service at this address."""
    merchants = {UUID(line["merchant_id"]) for line in lines}
    taxes = tax_table(session, address["country"], address.get("region"), merchants)
    priced = [_priced(line) for line in lines]
    return compute(priced, shipping=offer.charge(), taxes=taxes, reduction=off)


def price(
    session: ShopSession,
    lines: Sequence[Mapping[str, Any]],
    *,
    address: Mapping[str, str],
    currency: str,
    service: str | None,
    coupon: str | None,
    coupons: Mapping[str, Terms],
    asked: Sequence[CarrierRate] = (),
) -> Totals:
    """Totals for the chosen service, or the cheapest; `coupons` are those known, by their code in
    small letters. Raises the refusals of shipping and coupons."""
    off = _off(lines, coupon, coupons, currency=currency)
    found = services(session, lines, address=address, currency=currency, asked=asked)
    return total(session, lines, chosen(found, service), address=address, off=off)


def of_cart(
    session: ShopSession,
    cart: CartView,
    *,
    address: Mapping[str, str],
    service: str | None,
    coupon: str | None,
) -> dict[str, Any]:
    """Services and totals for what can be bought of a cart: `{services, totals, currency}`.

    A coupon is shown with what it would take off, and nothing of it is taken. Raises EmptyCart, and
    the refusals of shipping and coupons.
    """
    lines = [as_frozen(line) for line in cart.lines if line.available]
    if not lines or cart.currency is None:
        raise EmptyCart("There is nothing in this cart.")
    known = coupon_terms(session, [coupon]) if coupon else {}
    off = _off(lines, coupon, known, currency=cart.currency)
    if cart.user_id is not None:
        _check_customer(session, known.values(), str(cart.user_id))
    found = services(session, lines, address=address, currency=cart.currency)
    totals = total(session, lines, chosen(found, service), address=address, off=off)
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


def _off(
    lines: Sequence[Mapping[str, Any]],
    coupon: str | None,
    coupons: Mapping[str, Terms],
    *,
    currency: str,
) -> Reduction:
    """What the coupon takes off these lines. Raises its refusals."""
    if not coupon:
        return NOTHING_OFF
    terms = coupons.get(coupon.lower())
    if terms is None:
        raise unknown()
    worth: dict[UUID, int] = defaultdict(int)
    for line in lines:
        worth[UUID(line["merchant_id"])] += line["qty"] * line["price"]
    return reduction(terms, worth, currency=currency)


def _check_customer(session: ShopSession, coupons: Iterable[Terms], customer_key: str) -> None:
    for terms in coupons:
        most = terms.uses_per_customer
        if most is not None and uses_by(session, terms.coupon_id, customer_key) >= most:
            raise CouponUsedByCustomer("You have used this coupon as often as one may.")
