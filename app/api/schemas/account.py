"""What somebody sees of their own account, address book and everything kept about them."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.accounts.models import Role
from app.api.schemas.auth import GivenPassword, Locale
from app.api.schemas.checkouts import AddressSchema
from app.api.schemas.fields import Text, TypeId


class AccountSchema(Schema):
    """An account as its owner sees it."""

    id = TypeId("usr", required=True)
    email = fields.String(required=True)
    email_verified = fields.Function(
        lambda user: user.email_verified_at is not None, metadata={"type": "boolean"}
    )
    name = fields.String(required=True, metadata={"example": "Ada Lovelace"})
    locale = fields.String(required=True, allow_none=True, metadata={"example": "de-AT"})
    role = fields.Enum(Role, by_value=True, required=True)
    merchant_id = TypeId("mer", required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class _ChangeSchema(Schema):
    @validates_schema
    def _refuse_nothing(self, change: dict[str, Any], **_: Any) -> None:
        if not change:
            raise ValidationError("Nothing to change.")


class AccountChangeSchema(_ChangeSchema):
    """What a person may change of their account; all else the shop decides."""

    name = Text(shortest=0, longest=120, metadata={"example": "Ada Lovelace"})
    locale = Locale()


class BookEntrySchema(Schema):
    """An address to keep; it must be one a parcel can find."""

    address = fields.Nested(AddressSchema, required=True)
    label = Text(load_default="", shortest=0, longest=60, metadata={"example": "Home"})
    is_default = fields.Boolean(load_default=False, data_key="default")


class BookEntryChangeSchema(_ChangeSchema):
    """What changes of an entry; an address is given whole."""

    address = fields.Nested(AddressSchema)
    label = Text(shortest=0, longest=60, metadata={"example": "Home"})
    is_default = fields.Boolean(data_key="default")


class KeptEntrySchema(Schema):
    """An entry of the address book; at most one is the default."""

    id = TypeId("adr", required=True)
    address = fields.Nested(AddressSchema, required=True)
    label = fields.String(required=True, metadata={"example": "Home"})
    is_default = fields.Boolean(required=True, data_key="default")
    created_at = fields.DateTime(required=True)


class BookSchema(Schema):
    """A whole address book, the oldest entry first."""

    data = fields.List(fields.Nested(KeptEntrySchema), required=True)


class ErasureSchema(Schema):
    """The word that it is meant: the account's password."""

    password = GivenPassword()


def _rows(**example: Any) -> fields.Field[Any]:
    row = fields.Dict(keys=fields.String(), metadata={"example": example})
    return fields.List(row, required=True)


class ExportSchema(Schema):
    """Everything the shop keeps about a person, a list a kind; amounts are in minor units."""

    account = fields.Dict(
        keys=fields.String(), required=True, metadata={"example": {"email": "ada@example.com"}}
    )
    addresses = _rows(label="Home", address={"city": "BERLIN"})
    orders = _rows(
        number="1000042", total=18470, currency="EUR", items=[{"qty": 2}], invoices=[{"number": 1}]
    )
    checkouts = _rows(state="confirmed", email="ada@example.com")
    carts = _rows(status="open", lines=[{"qty": 2}])
    reviews = _rows(rating=5, text="Keeps dry.")
    letters = _rows(template="order_confirmed", recipient="ada@example.com")
    opt_outs = _rows(recipient="ada@example.com", topic="review_invitation")
    mailed_tokens = _rows(purpose="verify", email="ada@example.com")
    sessions = _rows(created_at="2026-01-01T12:00:00+00:00", used_at=None)
