"""A merchant's own choices, and its warehouses."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.accounts.settings import CaptureMode
from app.api.schemas.fields import Country, Flag, Text, Whole

_PRIORITY_MAX, _UNITS_MAX = 10_000, 1_000_000
_VAT_ID = validate.Regexp(
    r"^[A-Z0-9][A-Z0-9 ./-]{2,19}\Z", error="Capitals, digits, blanks, . / and - alone."
)


class SeatSchema(Schema):
    """Where a merchant is at home; it stands on invoices."""

    line1 = Text(required=True, longest=120, metadata={"example": "Chausseestr. 1"})
    line2 = Text(load_default="", shortest=0, longest=120, metadata={"example": ""})
    city = Text(required=True, longest=80, metadata={"example": "Berlin"})
    region = Text(load_default="", shortest=0, longest=80)
    postal_code = Text(required=True, longest=20, metadata={"example": "10115"})
    country = Country(required=True)


class SettingsChangeSchema(Schema):
    """The choices to write over; null goes back to the default, what is left out stays."""

    capture = fields.Enum(CaptureMode, by_value=True, metadata={"example": "on_shipment"})
    low_stock_at = Whole(least=0, most=_UNITS_MAX, allow_none=True, metadata={"example": 5})
    sender_name = Text(longest=120, allow_none=True, metadata={"example": "Blue Barn"})
    legal_name = Text(longest=200, allow_none=True, metadata={"example": "Blue Barn GmbH"})
    address = fields.Nested(SeatSchema, allow_none=True)
    vat_id = fields.String(allow_none=True, validate=_VAT_ID, metadata={"example": "DE123456789"})
    support_email = fields.Email(
        allow_none=True,
        validate=validate.Length(max=254),
        metadata={"example": "help@bluebarn.example"},
    )


class SettingsSchema(Schema):
    """A merchant's choices, defaults filled in. `capture` says when money is taken."""

    name = fields.String(required=True, metadata={"example": "Blue Barn"})
    currency = fields.String(required=True)
    capture = fields.Enum(CaptureMode, by_value=True, required=True)
    low_stock_at = fields.Integer(required=True, allow_none=True, metadata={"example": 5})
    sender_name = fields.String(required=True, allow_none=True, metadata={"example": "Blue Barn"})
    legal_name = fields.String(
        required=True, allow_none=True, metadata={"example": "Blue Barn GmbH"}
    )
    address = fields.Nested(SeatSchema, required=True, allow_none=True)
    vat_id = fields.String(required=True, allow_none=True, metadata={"example": "DE123456789"})
    support_email = fields.String(
        required=True, allow_none=True, metadata={"example": "help@bluebarn.example"}
    )


class DoorSchema(Schema):
    """Where a warehouse stands, as it is printed on labels."""

    line1 = Text(required=True, longest=120, metadata={"example": "Hafenstr. 12"})
    line2 = Text(load_default="", shortest=0, longest=120, metadata={"example": ""})
    city = Text(required=True, longest=80, metadata={"example": "Hamburg"})
    region = Text(load_default="", shortest=0, longest=80)
    postal_code = Text(load_default="", shortest=0, longest=20, metadata={"example": "20457"})
    phone = Text(load_default="", shortest=0, longest=40, metadata={"example": "+49401234"})


class NewWarehouseSchema(Schema):
    """A place to keep stock in."""

    name = Text(required=True, longest=80, metadata={"example": "Hamburg"})
    country = Country(required=True)
    address = fields.Nested(DoorSchema, load_default=dict[str, Any])
    priority = Whole(least=0, most=_PRIORITY_MAX, load_default=100)
    default = Flag(
        load_default=False,
        metadata={"example": True, "description": "Stock goes here when no place is named."},
    )


class WarehouseChangeSchema(Schema):
    """What to change; `default` makes this the one, another is chosen by naming it."""

    name = Text(longest=80, metadata={"example": "Hamburg"})
    address = fields.Nested(DoorSchema)
    priority = Whole(least=0, most=_PRIORITY_MAX)
    default = Flag(
        validate=validate.Equal(True, error="Name another warehouse as the default instead."),
        metadata={"example": True},
    )
