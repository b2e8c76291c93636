"""What buying a cart looks like."""

from typing import Any

from marshmallow import Schema, fields, post_dump, validate

from app.api.schemas.fields import Country, Minor, Text, TypeId
from app.api.schemas.orders import OrderSchema
from app.pricing.states import PromotionKind
from app.saga.states import SagaState


class AddressSchema(Schema):
    """Where a parcel goes. Which fields a country needs is checked by its own rules."""

    name = Text(required=True, longest=120, metadata={"example": "Ada Lovelace"})
    line1 = Text(required=True, longest=120, metadata={"example": "Unter den Linden 1"})
    line2 = Text(load_default="", shortest=0, longest=120)
    city = Text(required=True, longest=80, metadata={"example": "Berlin"})
    region = Text(load_default="", shortest=0, longest=80)
    postal_code = Text(load_default="", shortest=0, longest=20, metadata={"example": "10117"})
    country = Country(required=True)
    phone = Text(load_default="", shortest=0, longest=40)


class PlaceSchema(AddressSchema):
    """The part of an address that decides what a cart costs; the rest may follow."""

    name = Text(load_default="", shortest=0, longest=120)
    line1 = Text(load_default="", shortest=0, longest=120)
    city = Text(load_default="", shortest=0, longest=80)


class QuoteRequestSchema(Schema):
    """What would it cost?"""

    shipping_address = fields.Nested(PlaceSchema, required=True)
    coupon = Text(load_default=None, allow_none=True, longest=64)
    shipping_service = Text(load_default=None, allow_none=True, longest=64)


class ServiceSchema(Schema):
    """One way to send the whole cart; `id` is what `shipping_service` takes."""

    id = fields.String(required=True, attribute="service")
    carrier = fields.String(required=True)
    name = fields.String(required=True)
    price = Minor(required=True)
    days = fields.Function(lambda offer: [offer.days_min, offer.days_max])


class AppliedCouponSchema(Schema):
    """The coupon that counted, and what it took off: the discount, or the price of parcels."""

    code = fields.String(required=True, metadata={"example": "SPRING10"})
    kind = fields.String(required=True, validate=validate.OneOf([*PromotionKind]))
    amount = Minor(required=True, metadata={"example": 899})


class TotalsSchema(Schema):
    """Sums in minor units; total = items_total + shipping - discount + tax - tax_included."""

    items_total = Minor(required=True)
    shipping = Minor(required=True)
    discount = Minor(required=True)
    tax = Minor(required=True)
    tax_included = Minor(required=True)
    total = Minor(required=True)
    shipping_service = fields.String(required=True, allow_none=True)
    country = fields.String()
    region = fields.String(allow_none=True)
    rounding = fields.String()
    lines = fields.List(fields.Dict(keys=fields.String()))
    shipping_lines = fields.List(fields.Dict(keys=fields.String()))
    taxes = fields.List(fields.Dict(keys=fields.String()))
    coupon = fields.Nested(AppliedCouponSchema, allow_none=True)


class QuoteSchema(Schema):
    """What it costs by the chosen service, or the cheapest."""

    services = fields.List(fields.Nested(ServiceSchema), required=True)
    totals = fields.Nested(TotalsSchema, required=True)
    currency = fields.String(required=True)


class PurchaseSchema(Schema):
    """A cart, where it goes and how it is paid."""

    cart_id = TypeId("crt", required=True)
    shipping_address = fields.Nested(AddressSchema, required=True)
    payment_method_token = Text(required=True, longest=255, metadata={"example": "pm_card_visa"})
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=254))
    coupon = Text(load_default=None, allow_none=True, longest=64)
    shipping_service = Text(load_default=None, allow_none=True, longest=64)
    expected_total = Minor(load_default=None, allow_none=True)


class CheckoutSchema(Schema):
    """A purchase on its way. `failure` has a stable `code`; `next_action` is for 3-D Secure."""

    id = TypeId("chk", required=True)
    state = fields.Enum(SagaState, by_value=True, required=True)
    step = fields.String(required=True)
    cart_id = TypeId("crt", required=True)
    order_id = TypeId("ord", required=True, allow_none=True)
    totals = fields.Nested(TotalsSchema, required=True, allow_none=True)
    failure = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    next_action = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    deadline = fields.DateTime(required=True)
    order = fields.Nested(OrderSchema, allow_none=True)

    @post_dump
    def _without_a_missing_order(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """`order` is there only when it is."""
        if data.get("order") is None:
            data.pop("order", None)
        return data
