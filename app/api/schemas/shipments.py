"""What parcels look like, and how they are asked for."""

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from app.api.schemas.fields import Minor, Text, TypeId
from app.api.schemas.refunds import LINES_MAX, REASON_MAX, LineUnitsSchema, refuse_twice
from app.orders.states import OrderState
from app.saga.states import SagaState
from app.shipping.states import ShipmentStatus, TrackingStatus
from app.web.pagination import PageArgs, page_of

_NUMBER = "CW7ZK3M0Q9V4T8XB2D"


class ShipmentRequestSchema(Schema):
    """What is to be sent; each part that is left out is chosen."""

    lines = fields.List(
        fields.Nested(LineUnitsSchema),
        load_default=None,
        validate=validate.Length(1, LINES_MAX),
        metadata={
            "example": [{"line": 1, "qty": 1}],
            "description": "Left out: all that is left and lies in the warehouse.",
        },
    )
    service = Text(
        longest=64,
        load_default=None,
        metadata={"example": "standard", "description": "Left out: the one the shopper chose."},
    )
    warehouse_id = TypeId(
        "whs",
        load_default=None,
        metadata={"description": "Left out: the one where most of the units lie."},
    )

    @validates_schema
    def check_lines(self, data: dict[str, Any], **_: Any) -> None:
        """Each line is named once."""
        refuse_twice(data.get("lines"))


class ShipmentRetrySchema(Schema):
    """How to go on with a parcel that is stuck."""

    service = Text(longest=64, load_default=None, metadata={"example": "express"})


class CallOffSchema(Schema):
    """Why a parcel is called off."""

    reason = Text(
        longest=REASON_MAX,
        load_default="the parcel cannot be sent",
        metadata={"example": "damaged"},
    )


class ShipmentItemSchema(Schema):
    """Units of one line in a parcel."""

    line = fields.Integer(required=True)
    sku_id = TypeId("sku", required=True)
    qty = fields.Integer(required=True)


class TrackingEventSchema(Schema):
    """What a carrier told of a parcel."""

    status = fields.Enum(
        TrackingStatus, by_value=True, required=True, metadata={"example": "in_transit"}
    )
    place = fields.String(required=True, allow_none=True, metadata={"example": "Berlin"})
    happened_at = fields.DateTime(required=True)


class ShipmentSchema(Schema):
    """A parcel: one merchant's units from one warehouse.

    `state` is that of its saga: `needs_attention` waits for a retry or to be called off. Where it
    leaves from, what it takes and costs, and why it is stuck is for its merchant alone.
    """

    id = TypeId("shp", required=True)
    order_id = TypeId("ord", required=True)
    merchant_id = TypeId("mer", required=True)
    warehouse_id = TypeId("whs", required=True, allow_none=True)
    status = fields.Enum(
        ShipmentStatus, by_value=True, required=True, metadata={"example": "shipped"}
    )
    state = fields.Enum(SagaState, by_value=True, required=True)
    step = fields.String(required=True, metadata={"example": "notify"})
    failure = fields.Dict(
        keys=fields.String(), required=True, allow_none=True, metadata={"example": None}
    )
    carrier = fields.String(required=True, metadata={"example": "table"})
    service = fields.String(required=True, metadata={"example": "standard"})
    tracking_number = fields.String(required=True, allow_none=True, metadata={"example": _NUMBER})
    tracking_url = fields.String(
        required=True,
        allow_none=True,
        metadata={"example": f"https://shop.example/v1/tracking/table/{_NUMBER}"},
    )
    amount = Minor(required=True, allow_none=True)
    cost = Minor(required=True, allow_none=True, metadata={"example": 490})
    currency = fields.String(required=True)
    items = fields.List(fields.Nested(ShipmentItemSchema), required=True)
    tracking = fields.List(fields.Nested(TrackingEventSchema), required=True)
    created_at = fields.DateTime(required=True)
    shipped_at = fields.DateTime(required=True, allow_none=True)
    delivered_at = fields.DateTime(required=True, allow_none=True)


class ShipmentsSchema(Schema):
    """The parcels of an order, the oldest first."""

    data = fields.List(fields.Nested(ShipmentSchema), required=True)


class TrackingSchema(Schema):
    """Where a parcel is, for anyone who has its number."""

    carrier = fields.String(required=True, metadata={"example": "table"})
    tracking_number = fields.String(required=True, metadata={"example": _NUMBER})
    status = fields.Enum(
        ShipmentStatus, by_value=True, required=True, metadata={"example": "shipped"}
    )
    service = fields.String(required=True, metadata={"example": "standard"})
    shipped_at = fields.DateTime(required=True, allow_none=True)
    delivered_at = fields.DateTime(required=True, allow_none=True)
    tracking = fields.List(fields.Nested(TrackingEventSchema), required=True)


class SoldOrdersArgs(PageArgs):
    """Which of the orders."""

    state = fields.Enum(
        OrderState, by_value=True, load_default=None, metadata={"example": "confirmed"}
    )


class SoldLineSchema(Schema):
    """A line the merchant sold."""

    line = fields.Integer(required=True)
    sku_id = TypeId("sku", required=True)
    name = fields.String(required=True)
    code = fields.String(required=True)
    qty = fields.Integer(required=True)
    price = Minor(required=True, attribute="price_snapshot")
    discount = Minor(required=True)
    tax = Minor(required=True)
    total = Minor(required=True)


class SoldOrderSummarySchema(Schema):
    """The merchant's part of an order, as a list shows it; amounts are of this part alone."""

    id = TypeId("ord", required=True)
    number = fields.String(required=True)
    state = fields.Enum(OrderState, by_value=True, required=True)
    currency = fields.String(required=True)
    items = fields.List(fields.Nested(SoldLineSchema), required=True)
    shipping = Minor(required=True)
    total = Minor(required=True)
    created_at = fields.DateTime(required=True)


class SoldLineUnitsSchema(SoldLineSchema):
    """A line, and what became of its units: in parcels, never to be sent, still to be sent."""

    shipped = fields.Integer(required=True, attribute="units.shipped", metadata={"example": 1})
    canceled = fields.Integer(required=True, attribute="units.canceled", metadata={"example": 0})
    left = fields.Integer(required=True, attribute="units.left", metadata={"example": 1})


class SoldOrderSchema(SoldOrderSummarySchema):
    """The merchant's part of an order, where to send it, and its parcels."""

    items = fields.List(fields.Nested(SoldLineUnitsSchema), required=True)
    shipping_service = fields.String(required=True, allow_none=True)
    shipping_address = fields.Dict(keys=fields.String(), required=True, attribute="address")
    shipments = fields.List(fields.Nested(ShipmentSchema), required=True)


SoldOrderPageSchema = page_of(SoldOrderSummarySchema)
