"""What refunds look like, and how they are asked for."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.schemas.fields import Flag, Minor, Qty, Text, TypeId, Whole
from app.saga.states import SagaState

LINES_MAX = 1_000
REASON_MAX = 500


class LineUnitsSchema(Schema):
    """Units of one line of the order."""

    line = Whole(least=1, most=LINES_MAX, required=True)
    qty = Qty(required=True)


def refuse_twice(lines: list[dict[str, Any]] | None) -> None:
    """Each line is named once. Raises ValidationError."""
    named = [each["line"] for each in lines or ()]
    twice = sorted({line for line in named if named.count(line) > 1})
    if twice:
        raise ValidationError({"lines": [f"Line {twice[0]} is named twice."]})


class RefundRequestSchema(Schema):
    """An amount, or units by line, or neither: all that is left."""

    amount = Minor(least=1, load_default=None, metadata={"example": 1_990})
    lines = fields.List(
        fields.Nested(LineUnitsSchema),
        load_default=None,
        validate=validate.Length(1, LINES_MAX),
        metadata={"example": [{"line": 1, "qty": 1}]},
    )
    reason = Text(
        longest=REASON_MAX, load_default="no reason given", metadata={"example": "arrived broken"}
    )
    restock = Flag(
        load_default=False,
        metadata={"example": True, "description": "Units that were sent are on the shelf again."},
    )

    @validates_schema
    def _once(self, given: dict[str, Any], **_: Any) -> None:
        refuse_twice(given["lines"])


class RefundItemSchema(Schema):
    """Units a refund is for; `unshipped` of them will never be sent."""

    line = fields.Integer(required=True)
    sku_id = TypeId("sku", required=True)
    qty = fields.Integer(required=True)
    unshipped = fields.Integer(required=True, metadata={"example": 0})
    amount = Minor(required=True)
    restock = Flag(required=True, metadata={"example": True})


class RefundSchema(Schema):
    """Money on its way back. `released` was held for these units and will never be taken."""

    id = TypeId("ref", required=True)
    order_id = TypeId("ord", required=True)
    state = fields.Enum(SagaState, by_value=True, required=True, metadata={"example": "confirmed"})
    amount = Minor(required=True)
    released = Minor(required=True, metadata={"example": 0})
    currency = fields.String(required=True)
    reason = fields.String(required=True, metadata={"example": "arrived broken"})
    actor = fields.String(required=True, metadata={"example": "merchant"})
    lines = fields.List(fields.Nested(RefundItemSchema), required=True, attribute="items")
    failure = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata={"example": {"code": "refund_failed", "detail": "The bank did not take it."}},
    )
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class RefundsSchema(Schema):
    """The refunds of one order, the oldest first."""

    data = fields.List(fields.Nested(RefundSchema), required=True)
