"""What orders look like."""

from marshmallow import Schema, fields

from app.api.schemas.fields import Minor, Text, TypeId
from app.api.schemas.shipments import ShipmentSchema
from app.orders.states import OrderState
from app.payments.states import PaymentStatus
from app.saga.states import SagaState


class OrderItemSchema(Schema):
    """One line as it was bought."""

    line = fields.Integer(required=True)
    sku_id = TypeId("sku", required=True)
    merchant_id = TypeId("mer", required=True)
    name = fields.String(required=True)
    code = fields.String(required=True)
    qty = fields.Integer(required=True)
    price = Minor(required=True, attribute="price_snapshot")
    discount = Minor(required=True)
    tax = Minor(required=True)


class OrderTransitionSchema(Schema):
    """One move of an order."""

    from_state = fields.Enum(
        OrderState, by_value=True, required=True, allow_none=True, data_key="from"
    )
    to_state = fields.Enum(OrderState, by_value=True, required=True, data_key="to")
    actor = fields.String(required=True)
    reason = fields.String(required=True)
    at = fields.DateTime(required=True)


class OrderPaymentSchema(Schema):
    """Where the money of an order stands."""

    status = fields.Enum(PaymentStatus, by_value=True, required=True)
    provider = fields.String(required=True)
    amount = Minor(required=True)
    captured = Minor(required=True)
    refunded = Minor(required=True)


class OrderSummarySchema(Schema):
    """An order as a list shows it."""

    id = TypeId("ord", required=True)
    number = fields.String(required=True, allow_none=True)
    state = fields.Enum(OrderState, by_value=True, required=True)
    total = Minor(required=True)
    currency = fields.String(required=True)
    items = fields.List(fields.Nested(OrderItemSchema), required=True)
    created_at = fields.DateTime(required=True)


class OrderSchema(OrderSummarySchema):
    """An order in full; amounts in minor units."""

    checkout_id = TypeId("chk", required=True)
    email = fields.String(required=True)
    items_total = Minor(required=True)
    shipping = Minor(required=True)
    discount = Minor(required=True)
    tax = Minor(required=True)
    tax_included = Minor(required=True)
    shipping_service = fields.String(required=True, allow_none=True)
    shipping_address = fields.Dict(keys=fields.String(), required=True, attribute="address")
    payment = fields.Nested(OrderPaymentSchema, required=True, allow_none=True)
    shipments = fields.List(fields.Nested(ShipmentSchema), required=True)
    transitions = fields.List(fields.Nested(OrderTransitionSchema), required=True)


class CancellationRequestSchema(Schema):
    """Why an order is called off."""

    reason = Text(
        longest=500, load_default="no reason given", metadata={"example": "changed my mind"}
    )


class CancellationSchema(Schema):
    """An order that will not be sent: its units go back at once, its money as soon as it can."""

    id = TypeId("can", required=True)
    order_id = TypeId("ord", required=True)
    state = fields.Enum(SagaState, by_value=True, required=True, metadata={"example": "running"})
    order_state = fields.Enum(
        OrderState, by_value=True, required=True, metadata={"example": "confirmed"}
    )
    reason = fields.String(required=True, metadata={"example": "changed my mind"})
    created_at = fields.DateTime(required=True)
