"""What a merchant charges for sending, and which taxes it raises where."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.schemas.fields import Country, Currency, Flag, Minor, Moment, Text, TypeId, Whole
from app.shipping.queries import ANYWHERE
from app.web.pagination import PageArgs, page_of

_DAYS_MAX, _GRAMS_MAX, _PRIORITY_MAX = 365, 10_000_000, 10_000
_WORD = validate.Regexp(r"^[a-z0-9][a-z0-9_-]*\Z", error="Small letters, digits, - and _ alone.")


class EndSchema(Schema):
    """From when on it counts no more."""

    at = Moment(load_default=None, metadata={"description": "Now when left out."})


class NewTaxRateSchema(Schema):
    """A tax rate to be, of one place and tax code."""

    country = Country(required=True)
    region = Text(longest=80, load_default=None, metadata={"example": "CA"})
    tax_code = Text(longest=64, load_default="standard")
    name = Text(longest=80, required=True, metadata={"example": "VAT 19 %"})
    rate_ppm = Whole(
        least=0,
        most=999_999,
        required=True,
        metadata={"example": 190_000, "description": "Parts per million: 190,000 is 19 %."},
    )
    included = Flag(
        required=True,
        metadata={"example": True, "description": "Whether the prices shown contain it."},
    )
    valid_from = Moment(load_default=None)
    valid_until = Moment(load_default=None)


class TaxRateSchema(Schema):
    """A tax rate; of several in force for a place and tax code the one that came last counts."""

    id = TypeId("tax", required=True)
    country = fields.String(required=True)
    region = fields.String(required=True, allow_none=True)
    tax_code = fields.String(required=True)
    name = fields.String(required=True, metadata={"example": "VAT 19 %"})
    rate_ppm = fields.Integer(required=True, metadata={"example": 190_000})
    included = fields.Boolean(required=True, metadata={"example": True})
    in_force = fields.Boolean(required=True, metadata={"example": True})
    valid_from = fields.DateTime(required=True)
    valid_until = fields.DateTime(required=True, allow_none=True)


class NewZoneSchema(Schema):
    """Countries that are shipped to at the same rates."""

    name = Text(longest=80, required=True, metadata={"example": "Europe"})
    countries = fields.List(
        fields.String(
            validate=validate.Regexp(rf"^([A-Z]{{2}}|\{ANYWHERE})\Z", error="Not a country.")
        ),
        required=True,
        validate=validate.Length(1, 250),
        metadata={"example": ["DE", "FR"], "description": "`*` stands for everywhere."},
    )
    priority = Whole(least=0, most=_PRIORITY_MAX, load_default=100)


class ZoneSchema(Schema):
    """A zone; the lower `priority` is looked at first. One that ended has no countries left."""

    id = TypeId("zon", required=True)
    name = fields.String(required=True, metadata={"example": "Europe"})
    countries = fields.List(fields.String(), required=True, metadata={"example": ["DE", "FR"]})
    priority = fields.Integer(required=True)


class RateArgs(PageArgs):
    """Which shipping rates."""

    zone_id = TypeId("zon", load_default=None)


class NewShippingRateSchema(Schema):
    """A shipping rate to be: what a parcel of a weight costs by one service."""

    zone_id = TypeId("zon", required=True)
    service = fields.String(
        required=True,
        validate=[validate.Length(1, 32), _WORD],
        metadata={"example": "standard", "description": "The word a shopper chooses it by."},
    )
    carrier = Text(longest=80, required=True)
    name = Text(longest=80, required=True, metadata={"example": "Parcel"})
    days_min = Whole(least=0, most=_DAYS_MAX, required=True, metadata={"example": 1})
    days_max = Whole(least=0, most=_DAYS_MAX, required=True, metadata={"example": 3})
    price = Minor(required=True, metadata={"example": 490})
    currency = Currency(load_default=None)
    tax_code = Text(longest=64, load_default="standard")
    weight_from_g = Whole(least=0, most=_GRAMS_MAX, load_default=0, metadata={"example": 0})
    weight_until_g = Whole(
        least=1, most=_GRAMS_MAX, load_default=None, metadata={"example": 10_000}
    )
    valid_from = Moment(load_default=None)
    valid_until = Moment(load_default=None)

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["days_max"] < data["days_min"]:
            raise ValidationError("Fewer days than at least.", "days_max")


class ShippingRateSchema(Schema):
    """A shipping rate; of several in force for a parcel the one that came last counts."""

    id = TypeId("rat", required=True)
    zone_id = TypeId("zon", required=True)
    service = fields.String(required=True, metadata={"example": "standard"})
    carrier = fields.String(required=True)
    name = fields.String(required=True, metadata={"example": "Parcel"})
    days_min = fields.Integer(required=True, metadata={"example": 1})
    days_max = fields.Integer(required=True, metadata={"example": 3})
    price = Minor(required=True, metadata={"example": 490})
    currency = fields.String(required=True)
    tax_code = fields.String(required=True)
    weight_from_g = fields.Integer(required=True, metadata={"example": 0})
    weight_until_g = fields.Integer(required=True, allow_none=True, metadata={"example": 10_000})
    in_force = fields.Boolean(required=True, metadata={"example": True})
    valid_from = fields.DateTime(required=True)
    valid_until = fields.DateTime(required=True, allow_none=True)


TaxRatePageSchema = page_of(TaxRateSchema)
ZonePageSchema = page_of(ZoneSchema)
ShippingRatePageSchema = page_of(ShippingRateSchema)
