"""Carts as they go in and out."""

from typing import Any

from marshmallow import Schema, fields

from app.api.schemas.fields import Currency, Minor, Qty, TypeId
from app.cart.ports import UNITS_MAX
from app.cart.states import CartStatus


class NewLineSchema(Schema):
    """Units of one SKU to put into a cart."""

    sku_id = TypeId("sku", required=True)
    qty = Qty(required=True, most=UNITS_MAX, metadata={"example": 1})
    cart_id = TypeId(
        "crt",
        metadata={"description": "Left out: the caller's open cart, made when there is none."},
    )


class LineChangeSchema(Schema):
    """How many units a line shall have."""

    qty = Qty(required=True, most=UNITS_MAX, metadata={"example": 2})


class CartLineSchema(Schema):
    """One line of a cart, at the price of this moment."""

    sku_id = TypeId("sku", required=True)
    product_id = TypeId("prd", required=True)
    merchant_id = TypeId("mer", required=True)
    name = fields.String(required=True, metadata={"example": "Walking boot"})
    code = fields.String(required=True, metadata={"example": "BOOT-42"})
    options: Any = fields.Dict(required=True, metadata={"example": {"size": "42"}})
    qty = fields.Integer(required=True)
    price = Minor(required=True, metadata={"description": "Of one unit."})
    price_was = Minor(
        required=True,
        allow_none=True,
        metadata={"description": "When the line was last written, where it changed since."},
    )
    subtotal = fields.Integer(required=True, metadata={"description": "0 when not available."})
    available = fields.Boolean(
        required=True, metadata={"description": "False: not for sale any more, take it out."}
    )


class CartSchema(Schema):
    """A cart. The sum is made of today's prices, before discount, shipping and tax."""

    id = TypeId("crt", required=True)
    lines = fields.List(fields.Nested(CartLineSchema), required=True)
    currency = Currency(required=True, allow_none=True)
    subtotal = fields.Integer(required=True, metadata={"description": "Minor units."})
    version = fields.Integer(required=True, metadata={"description": "Also the ETag."})
    status = fields.Enum(CartStatus, by_value=True, required=True)
    checkout_id = TypeId(
        "chk",
        required=True,
        allow_none=True,
        metadata={"description": "The checkout that holds this cart; while one does, no writes."},
    )
    token = fields.String(
        metadata={"description": "Of a guest's new cart: comes back as X-Cart-Token."}
    )
