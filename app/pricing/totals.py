"""What an order costs, to the minor unit: the same sum for a quote and for a purchase. No I/O.

Rounding: each line, and each merchant's part of the shipping, is taxed by itself and rounded half
up; the totals are sums of what was rounded. The discount is split over the lines it concerns by
largest remainder before tax, ties to the earlier line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.platform.ids import encode
from app.platform.money import allocate
from app.pricing.promotions import NOTHING_OFF, Reduction
from app.pricing.tax import Rate, Taxed, TaxTable

ROUNDING = "per line, half up"


@dataclass(frozen=True)
class PricedLine:
    """So many of one SKU at a frozen unit price in minor units."""

    sku_id: UUID
    merchant_id: UUID
    qty: int
    price: int
    tax_code: str = "standard"

    def __post_init__(self) -> None:
        if self.qty < 1 or self.price < 0:
            raise ValueError("a line has at least one unit and no negative price")

    @property
    def subtotal(self) -> int:
        """Before discount and tax."""
        return self.qty * self.price


@dataclass(frozen=True)
class ShippingPart:
    """What one merchant's parcel costs to send, in minor units, under its own tax code."""

    merchant_id: UUID
    price: int
    tax_code: str = "standard"

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError("shipping has no negative price")


@dataclass(frozen=True)
class ShippingCharge:
    """The chosen service and what each merchant asks for it."""

    service: str
    parts: tuple[ShippingPart, ...]


@dataclass(frozen=True)
class LineTotals:
    """One line of the totals; `line` counts from 1 in the order given. Minor units."""

    line: int
    sku_id: UUID
    merchant_id: UUID
    qty: int
    price: int
    discount: int
    tax_code: str
    taxed: Taxed

    @property
    def tax(self) -> int:
        """All tax of this line."""
        return self.taxed.tax

    @property
    def tax_included(self) -> int:
        """The part of the tax that the price contains."""
        return self.taxed.included

    @property
    def total(self) -> int:
        """What this line adds to the order's total."""
        return self.taxed.total

    def as_json(self) -> dict[str, Any]:
        """The line as it is frozen on the checkout."""
        return {
            "line": self.line,
            "sku_id": encode("sku", self.sku_id),
            "merchant_id": encode("mer", self.merchant_id),
            "qty": self.qty,
            "price": self.price,
            "subtotal": self.qty * self.price,
            "discount": self.discount,
            **_taxed_json(self.tax_code, self.taxed),
        }


@dataclass(frozen=True)
class ShippingTotals:
    """One merchant's part of the shipping with its tax."""

    part: ShippingPart
    taxed: Taxed

    def as_json(self) -> dict[str, Any]:
        """The part as it is frozen on the checkout."""
        return {
            "merchant_id": encode("mer", self.part.merchant_id),
            "price": self.part.price,
            **_taxed_json(self.part.tax_code, self.taxed),
        }


@dataclass(frozen=True)
class Totals:
    """An order's sums in minor units; `tax` is all of it, `tax_included` what prices contain.

    `coupon_amount` is what the coupon took off: the discount, or the parcels' price.
    """

    items_total: int
    shipping: int
    discount: int
    tax: int
    tax_included: int
    lines: tuple[LineTotals, ...]
    shipping_lines: tuple[ShippingTotals, ...]
    shipping_service: str | None
    country: str
    region: str | None
    reduction: Reduction = NOTHING_OFF
    coupon_amount: int = 0

    @property
    def total(self) -> int:
        """What the shopper pays."""
        return self.items_total + self.shipping - self.discount + self.tax - self.tax_included

    @property
    def taxes(self) -> list[dict[str, Any]]:
        """Tax by rate: `{name, rate_ppm, included, known, net, tax}`; a zero for want of a rate is
        stated with `known` false."""
        taxed = [line.taxed for line in self.lines] + [line.taxed for line in self.shipping_lines]
        sums: dict[Rate, list[int]] = {}
        for each in taxed:
            both = sums.setdefault(each.rate, [0, 0])
            both[0] += each.net
            both[1] += each.tax
        return [
            {**_rate_json(rate), "net": sums[rate][0], "tax": sums[rate][1]}
            for rate in sorted(sums, key=lambda rate: (rate.name, rate.ppm, rate.included))
        ]

    @property
    def coupon(self) -> dict[str, Any] | None:
        """The coupon that counted, `{code, kind, amount}`."""
        if self.reduction.code is None:
            return None
        return {
            "code": self.reduction.code,
            "kind": self.reduction.kind,
            "amount": self.coupon_amount,
        }

    def as_json(self) -> dict[str, Any]:
        """What is frozen on the checkout and shown to the shopper."""
        return {
            "items_total": self.items_total,
            "shipping": self.shipping,
            "discount": self.discount,
            "tax": self.tax,
            "tax_included": self.tax_included,
            "total": self.total,
            "country": self.country,
            "region": self.region,
            "rounding": ROUNDING,
            "lines": [line.as_json() for line in self.lines],
            "shipping_service": self.shipping_service,
            "shipping_lines": [line.as_json() for line in self.shipping_lines],
            "taxes": self.taxes,
            "coupon": self.coupon,
        }


def compute(
    lines: Sequence[PricedLine],
    *,
    shipping: ShippingCharge | None,
    taxes: TaxTable,
    reduction: Reduction = NOTHING_OFF,
) -> Totals:
    """Sum an order. Raises ValueError for no lines, or a discount below zero or above the goods it
    concerns."""
    discounts = _discounts(lines, reduction)
    items = tuple(
        _line(number, line, share, taxes)
        for number, (line, share) in enumerate(zip(lines, discounts, strict=True), start=1)
    )
    asked = shipping.parts if shipping else ()
    parcels = tuple(
        ShippingTotals(part, taxes.rate(part.merchant_id, part.tax_code).on(part.price))
        for part in _parts(asked, reduction)
    )
    taxed = [item.taxed for item in items] + [parcel.taxed for parcel in parcels]
    sending = sum(parcel.part.price for parcel in parcels)
    return Totals(
        items_total=sum(line.subtotal for line in lines),
        shipping=sending,
        discount=reduction.discount,
        tax=sum(each.tax for each in taxed),
        tax_included=sum(each.included for each in taxed),
        lines=items,
        shipping_lines=parcels,
        shipping_service=shipping.service if shipping else None,
        country=taxes.country,
        region=taxes.region,
        reduction=reduction,
        coupon_amount=reduction.discount + sum(part.price for part in asked) - sending,
    )


def _discounts(lines: Sequence[PricedLine], reduction: Reduction) -> list[int]:
    """The discount by line, none on the lines it does not concern."""
    weights = [line.subtotal if reduction.concerns(line.merchant_id) else 0 for line in lines]
    if not lines or not 0 <= reduction.discount <= sum(weights):
        raise ValueError("an order has lines, and no discount beyond their worth")
    return allocate(reduction.discount, weights)


def _parts(asked: Sequence[ShippingPart], reduction: Reduction) -> list[ShippingPart]:
    """What each merchant asks for its parcel after the reduction."""
    return [
        replace(part, price=0)
        if reduction.free_shipping and reduction.concerns(part.merchant_id)
        else part
        for part in asked
    ]


def _line(number: int, line: PricedLine, discount: int, taxes: TaxTable) -> LineTotals:
    rate = taxes.rate(line.merchant_id, line.tax_code)
    return LineTotals(
        line=number,
        sku_id=line.sku_id,
        merchant_id=line.merchant_id,
        qty=line.qty,
        price=line.price,
        discount=discount,
        tax_code=line.tax_code,
        taxed=rate.on(line.subtotal - discount),
    )


def _taxed_json(tax_code: str, taxed: Taxed) -> dict[str, Any]:
    return {
        "tax_code": tax_code,
        "tax_name": taxed.rate.name,
        "tax_rate_ppm": taxed.rate.ppm,
        "tax_known": taxed.rate.known,
        "tax": taxed.tax,
        "tax_included": taxed.included,
        "total": taxed.total,
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {
        "name": rate.name,
        "rate_ppm": rate.ppm,
        "included": rate.included,
        "known": rate.known,
    }
