"""What returns look like, and how they are asked for, decided and received."""

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from app.api.schemas.fields import Qty, Text, TypeId, Whole
from app.api.schemas.refunds import LINES_MAX, REASON_MAX, LineUnitsSchema, refuse_twice
from app.orders.states import ReturnStatus
from app.web.pagination import page_of


class ReturnLineRequestSchema(LineUnitsSchema):
    """Units of one line that are to come back, and why."""

    reason = Text(
        longest=REASON_MAX, load_default="", shortest=0, metadata={"example": "too small"}
    )


class ReturnRequestSchema(Schema):
    """What a customer wants to send back to one merchant."""

    lines = fields.List(
        fields.Nested(ReturnLineRequestSchema),
        required=True,
        validate=validate.Length(1, LINES_MAX),
        metadata={"example": [{"line": 1, "qty": 1, "reason": "too small"}]},
    )
    reason = Text(
        longest=REASON_MAX, load_default="no reason given", metadata={"example": "too small"}
    )

    @validates_schema
    def _once(self, given: dict[str, Any], **_: Any) -> None:
        refuse_twice(given["lines"])


class RefusalSchema(Schema):
    """Why goods are not taken back."""

    reason = Text(longest=REASON_MAX, required=True, metadata={"example": "worn"})


class ArrivedLineSchema(Schema):
    """Units of one line that arrived; `restock` of them go on the shelf, all when left out."""

    line = Whole(least=1, most=LINES_MAX, required=True)
    received = Qty(least=0, required=True, metadata={"example": 1})
    restock = Qty(least=0, load_default=None, allow_none=True, metadata={"example": 1})


class ArrivalSchema(Schema):
    """What arrived. A line that is not named did not."""

    lines = fields.List(
        fields.Nested(ArrivedLineSchema),
        required=True,
        validate=validate.Length(1, LINES_MAX),
        metadata={"example": [{"line": 1, "received": 1, "restock": 1}]},
    )
    warehouse_id = TypeId("whs", load_default=None)

    @validates_schema
    def _once(self, given: dict[str, Any], **_: Any) -> None:
        refuse_twice(given["lines"])


class ReturnItemSchema(Schema):
    """Units of one line on their way back; `received` and `restock` once they are here."""

    line = fields.Integer(required=True)
    sku_id = TypeId("sku", required=True)
    qty = fields.Integer(required=True)
    reason = fields.String(required=True, metadata={"example": "too small"})
    received = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    restock = fields.Integer(required=True, metadata={"example": 1})


class ReturnSchema(Schema):
    """Goods on their way back to one merchant."""

    id = TypeId("ret", required=True)
    order_id = TypeId("ord", required=True)
    merchant_id = TypeId("mer", required=True)
    state = fields.Enum(
        ReturnStatus,
        by_value=True,
        required=True,
        attribute="status",
        metadata={"example": "approved"},
    )
    reason = fields.String(required=True, metadata={"example": "too small"})
    decision_reason = fields.String(
        required=True, allow_none=True, metadata={"example": "Within 30 days."}
    )
    lines = fields.List(fields.Nested(ReturnItemSchema), required=True, attribute="items")
    warehouse_id = TypeId("whs", required=True, allow_none=True)
    refund_id = TypeId("ref", required=True, allow_none=True)
    expires_at = fields.DateTime(required=True, attribute="deadline")
    received_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class ReturnsSchema(Schema):
    """The returns of one order, the oldest first."""

    data = fields.List(fields.Nested(ReturnSchema), required=True)


ReturnPageSchema = page_of(ReturnSchema)
