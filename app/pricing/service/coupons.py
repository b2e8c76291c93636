"""Coupons as merchants and ops make them. What a coupon gives is never edited: carts have seen it.
It ends by its window or by being disabled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Merchant
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.money import CurrencyMismatch
from app.pricing.errors import CouponCodeTaken, CouponNotFound, WindowBackwards
from app.pricing.models import Coupon, Promotion
from app.pricing.states import CouponStatus, PromotionKind


@dataclass(frozen=True)
class CouponDraft:
    """A coupon to be. `rule` is its promotion's; no currency stands for the merchant's own; no
    `valid_from` for this moment; limits of None for none."""

    code: str
    name: str
    kind: PromotionKind
    currency: str | None = None
    rule: Mapping[str, int] = field(default_factory=dict)
    uses_max: int | None = None
    uses_per_customer: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def create_coupon(session: ShopSession, draft: CouponDraft, *, merchant_id: UUID | None) -> UUID:
    """Make a coupon, of a merchant or (without one) of the whole shop; gives its id.

    Raises CouponCodeTaken, CurrencyMismatch for another currency than the merchant's, and
    WindowBackwards.
    """
    promotion = Promotion(
        id=new_id(),
        merchant_id=merchant_id,
        name=draft.name,
        kind=draft.kind,
        currency=_currency(session, draft.currency, merchant_id),
        rule=dict(draft.rule),
    )
    coupon = Coupon(
        id=new_id(),
        promotion_id=promotion.id,
        merchant_id=merchant_id,
        code=draft.code,
        uses_max=draft.uses_max,
        uses_per_customer=draft.uses_per_customer,
        valid_until=draft.valid_until,
    )
    if draft.valid_from is not None:
        coupon.valid_from = draft.valid_from
    try:
        session.add(promotion)
        session.flush()
        session.add(coupon)
        session.flush()
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if constraint == "uq_coupons_code":
            raise CouponCodeTaken(f"There is a coupon {draft.code!r} already.") from error
        if constraint == "ck_coupons_window_in_order":
            raise WindowBackwards("It would be over before it begins.") from error
        raise
    return coupon.id


def disable_coupon(session: ShopSession, coupon_id: UUID, *, merchant_id: UUID | None) -> None:
    """Let a coupon be used no more; purchases that hold it keep it. Disabled again, it stays so.

    Without a merchant it may be anybody's (for ops). Raises CouponNotFound.
    """
    wanted = update(Coupon).where(Coupon.id == coupon_id).values(status=CouponStatus.DISABLED)
    if merchant_id is not None:
        wanted = wanted.where(Coupon.merchant_id == merchant_id)
    if session.execute(wanted.returning(Coupon.id)).first() is None:
        raise CouponNotFound("There is no such coupon.")


def _currency(session: ShopSession, currency: str | None, merchant_id: UUID | None) -> str:
    """The currency a coupon counts in: a merchant's own, or the one ops named."""
    if merchant_id is None:
        if currency is None:
            raise CurrencyMismatch("A coupon of the whole shop says its currency.")
        return currency
    own = session.get_one(Merchant, merchant_id).currency
    if currency not in (None, own):
        raise CurrencyMismatch(f"This merchant sells in {own}, not in {currency}.", currency=own)
    return own
