"""Coupons as merchants and ops make them and look at them."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.schemas.fields import Currency, Minor, Moment, Text, TypeId, Whole
from app.pricing.states import CouponStatus, PromotionKind
from app.web.pagination import page_of

_USES_MAX = 1_000_000_000
_NEEDS = {
    PromotionKind.PERCENT: {"rate_ppm"},
    PromotionKind.AMOUNT: {"amount"},
    PromotionKind.FREE_SHIPPING: set[str](),
}
_MAY = {
    PromotionKind.PERCENT: {"rate_ppm", "amount_max"},
    PromotionKind.AMOUNT: {"amount"},
    PromotionKind.FREE_SHIPPING: set[str](),
}


class NewCouponSchema(Schema):
    """A coupon to be: `percent` needs `rate_ppm` and may have `amount_max`, `amount` needs
    `amount`, `free_shipping` neither. Amounts are in minor units of `currency`."""

    code = fields.String(
        required=True,
        validate=[
            validate.Length(3, 32),
            validate.Regexp(
                r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z", error="Letters, digits, - and _ alone."
            ),
        ],
        metadata={"example": "SPRING10", "description": "In whatever case: it names one coupon."},
    )
    name = Text(longest=120, load_default=None, metadata={"example": "Spring sale"})
    kind = fields.Enum(PromotionKind, by_value=True, required=True, metadata={"example": "percent"})
    rate_ppm = Whole(
        least=1,
        most=1_000_000,
        load_default=None,
        metadata={"example": 100_000, "description": "Parts per million: 100,000 is 10 %."},
    )
    amount = Minor(least=1, load_default=None, metadata={"example": 500})
    amount_max = Minor(least=1, load_default=None, metadata={"example": 5_000})
    minimum = Minor(
        least=1,
        load_default=None,
        metadata={"example": 2_000, "description": "Least worth of the goods it counts for."},
    )
    currency = Currency(
        load_default=None,
        metadata={"example": "EUR", "description": "The merchant's own when left out."},
    )
    uses_max = Whole(least=1, most=_USES_MAX, load_default=None, metadata={"example": 1_000})
    uses_per_customer = Whole(least=1, most=_USES_MAX, load_default=None, metadata={"example": 1})
    valid_from = Moment(load_default=None)
    valid_until = Moment(load_default=None)

    @validates_schema
    def _only_what_its_kind_gives(self, data: dict[str, Any], **_: Any) -> None:
        kind = data["kind"]
        given = {each for each in ("rate_ppm", "amount", "amount_max") if data[each] is not None}
        missing = {name: ["A coupon of this kind needs it."] for name in _NEEDS[kind] - given}
        strange = {name: ["A coupon of this kind has none."] for name in given - _MAY[kind]}
        if missing or strange:
            raise ValidationError(missing | strange)


class CouponSchema(Schema):
    """A coupon; without a merchant it counts for whole carts. `used` counts what is held or
    used."""

    id = TypeId("cpn", required=True)
    merchant_id = TypeId("mer", required=True, allow_none=True)
    code = fields.String(required=True, metadata={"example": "SPRING10"})
    name = fields.String(required=True, metadata={"example": "Spring sale"})
    status = fields.Enum(CouponStatus, by_value=True, required=True)
    kind = fields.Enum(PromotionKind, by_value=True, required=True)
    currency = fields.String(required=True)
    rate_ppm = fields.Integer(required=True, allow_none=True, metadata={"example": 100_000})
    amount = Minor(required=True, allow_none=True, metadata={"example": None})
    amount_max = Minor(required=True, allow_none=True, metadata={"example": 5_000})
    minimum = Minor(required=True, allow_none=True, metadata={"example": 2_000})
    uses_max = fields.Integer(required=True, allow_none=True, metadata={"example": 1_000})
    uses_per_customer = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    used = fields.Integer(required=True, metadata={"example": 17})
    valid_from = fields.DateTime(required=True)
    valid_until = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class RedemptionsSchema(Schema):
    """Uses by where they stand."""

    held = fields.Integer(required=True, metadata={"example": 2})
    used = fields.Integer(required=True, metadata={"example": 15})
    released = fields.Integer(required=True, metadata={"example": 3})


class CouponUsageSchema(CouponSchema):
    """A coupon with its uses; `given` is what used ones took off, in minor units."""

    redemptions = fields.Nested(RedemptionsSchema, required=True)
    given = fields.Integer(required=True, metadata={"example": 13_485})


CouponPageSchema = page_of(CouponSchema)
