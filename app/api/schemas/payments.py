"""What a payment provider is answered."""

from marshmallow import Schema, fields


class EventReceivedSchema(Schema):
    """The event is kept; what it means is decided later."""

    received = fields.Boolean(required=True, metadata={"example": True})
