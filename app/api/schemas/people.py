"""What merchants and their people look like to operations and to themselves."""

from babel.numbers import is_currency
from marshmallow import Schema, ValidationError, fields, validate

from app.accounts.models import MerchantStatus
from app.accounts.passwords import UNUSABLE
from app.api.schemas.fields import Country, Currency, Text, TypeId
from app.web.pagination import page_of


def _real(currency: str) -> None:
    if not is_currency(currency):
        raise ValidationError("Not a currency.")


class InvitationSchema(Schema):
    """Whom to let in; a letter asks them to choose a password."""

    email = fields.Email(
        required=True, validate=validate.Length(max=254), metadata={"example": "eve@example.com"}
    )
    name = Text(load_default="", shortest=0, longest=120, metadata={"example": "Eve Baker"})


class ColleagueSchema(Schema):
    """One of a merchant's people. `invited` until they have chosen a password."""

    id = TypeId("usr", required=True)
    email = fields.String(required=True)
    name = fields.String(required=True, metadata={"example": "Eve Baker"})
    status = fields.Function(
        lambda user: "invited" if user.password_hash == UNUSABLE else "active",
        metadata={"type": "string", "enum": ["invited", "active"]},
    )
    created_at = fields.DateTime(required=True)


class ColleaguesSchema(Schema):
    """All of a merchant's people, the first to come first."""

    data = fields.List(fields.Nested(ColleagueSchema), required=True)


class NewMerchantSchema(Schema):
    """Who begins to sell, where their goods lie, and who runs it."""

    name = Text(required=True, longest=120, metadata={"example": "Blue Barn"})
    slug = fields.String(
        required=True,
        validate=[
            validate.Length(1, 60),
            validate.Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", error="Small letters, digits, dashes."),
        ],
        metadata={"example": "blue-barn"},
    )
    currency = Currency(required=True, validate=[_real])
    country = Country(required=True)
    owner_email = fields.Email(
        required=True, validate=validate.Length(max=254), metadata={"example": "eve@example.com"}
    )


class MerchantSchema(Schema):
    """A merchant as operations see it."""

    id = TypeId("mer", required=True)
    name = fields.String(required=True, metadata={"example": "Blue Barn"})
    slug = fields.String(required=True, metadata={"example": "blue-barn"})
    currency = Currency(required=True)
    default_warehouse_id = TypeId("whs", required=True, allow_none=True)
    status = fields.Enum(MerchantStatus, by_value=True, required=True)
    created_at = fields.DateTime(required=True)


MerchantPageSchema = page_of(MerchantSchema)
