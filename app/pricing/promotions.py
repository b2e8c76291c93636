"""What a coupon takes off, and when it does not count. No I/O.

A merchant's coupon counts for that merchant's goods and parcels alone, the shop's own for the whole
cart. It never takes off more than the goods are worth; tax is raised on what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.platform.money import round_half_up
from app.pricing.errors import (
    CouponCurrency,
    CouponExpired,
    CouponMinimum,
    CouponNotYetValid,
    CouponUnknown,
    CouponUsedUp,
)
from app.pricing.states import PromotionKind
from app.pricing.tax import MILLION


@dataclass(frozen=True)
class Terms:
    """A coupon as it stands at this moment. Without a merchant it counts for the whole cart.

    `rule` is its promotion's: `{rate_ppm, amount_max?}`, `{amount}` or nothing, and `{minimum?}`.
    """

    coupon_id: UUID
    code: str
    merchant_id: UUID | None
    kind: PromotionKind
    currency: str
    rule: Mapping[str, int] = field(default_factory=dict)
    active: bool = True
    begun: bool = True
    over: bool = False
    uses_max: int | None = None
    uses_per_customer: int | None = None
    used: int = 0


@dataclass(frozen=True)
class Reduction:
    """What is taken off an order: minor units off the goods of one merchant, or of all where
    `merchant_id` is None, and perhaps the price of their parcels."""

    discount: int = 0
    merchant_id: UUID | None = None
    free_shipping: bool = False
    code: str | None = None
    kind: PromotionKind | None = None
    coupon_id: UUID | None = None

    def concerns(self, merchant_id: UUID) -> bool:
        """Whether it counts for what this merchant sells and sends."""
        return self.merchant_id is None or self.merchant_id == merchant_id


NOTHING_OFF = Reduction()


def reduction(terms: Terms, worth: Mapping[UUID, int], *, currency: str) -> Reduction:
    """What a coupon takes off goods of so much worth by merchant, in minor units of a currency.

    Raises CouponUnknown (also for a disabled one, or none of these merchants'), CouponNotYetValid,
    CouponExpired, CouponCurrency, CouponMinimum, CouponUsedUp.
    """
    if not terms.active or (terms.merchant_id is not None and terms.merchant_id not in worth):
        raise unknown()
    if not terms.begun:
        raise CouponNotYetValid("This coupon cannot be used yet.")
    if terms.over:
        raise CouponExpired("This coupon's time is over.")
    if terms.currency != currency:
        raise CouponCurrency(
            f"This coupon is for carts in {terms.currency}, not in {currency}.",
            currency=terms.currency,
        )
    goods = sum(worth.values()) if terms.merchant_id is None else worth[terms.merchant_id]
    minimum = terms.rule.get("minimum", 0)
    if goods < minimum:
        raise CouponMinimum(
            "The goods this coupon counts for are worth too little.", minimum=minimum, worth=goods
        )
    if terms.uses_max is not None and terms.used >= terms.uses_max:
        raise CouponUsedUp("This coupon has no use left.")
    return Reduction(
        discount=_discount(terms, goods),
        merchant_id=terms.merchant_id,
        free_shipping=terms.kind is PromotionKind.FREE_SHIPPING,
        code=terms.code,
        kind=terms.kind,
        coupon_id=terms.coupon_id,
    )


def unknown() -> CouponUnknown:
    """The refusal of a code that names nothing here."""
    return CouponUnknown(
        "There is no such coupon.", fields=[{"field": "coupon", "detail": "Not known."}]
    )


def customer_key(user_id: UUID | None, email: str) -> str:
    """Who uses a coupon: the user, or a guest by the address, whatever its case.

    Dots and tags are left alone: who owns which mailbox is the mail provider's to say.
    """
    return str(user_id) if user_id is not None else email.strip().lower()


def _discount(terms: Terms, goods: int) -> int:
    """Minor units off, rounded half up, never more than the goods or its own cap."""
    match terms.kind:
        case PromotionKind.PERCENT:
            part = round_half_up(goods * terms.rule["rate_ppm"], MILLION)
            return min(part, goods, terms.rule.get("amount_max", part))
        case PromotionKind.AMOUNT:
            return min(terms.rule["amount"], goods)
        case PromotionKind.FREE_SHIPPING:
            return 0
