"""What signing up, in and out looks like, and what is done about a password."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.accounts.passwords import LENGTH_MAX, LENGTH_MIN
from app.api.schemas.fields import Text


class NewPassword(fields.String):
    """A password somebody chooses; it is never shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=True,
            load_only=True,
            validate=validate.Length(LENGTH_MIN, LENGTH_MAX),
            metadata={"format": "password", "example": "correct horse battery"},
            **options,
        )


class GivenPassword(fields.String):
    """The password somebody has; its form says nothing about whether it is right."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=True,
            load_only=True,
            validate=validate.Length(1, LENGTH_MAX),
            metadata={"format": "password", "example": "correct horse battery"},
            **options,
        )


class Locale(fields.String):
    """A language, perhaps of a country: `de`, `de-AT` (BCP 47). Letters fall back to English."""

    def __init__(self, **options: Any) -> None:
        check = validate.Regexp(r"^[a-z]{2}(-[A-Z]{2})?\Z", error="Not a language.")
        super().__init__(validate=check, metadata={"example": "de-AT"}, **options)


class RegistrationSchema(Schema):
    """A new customer."""

    email = fields.Email(
        required=True, validate=validate.Length(max=254), metadata={"example": "ada@example.com"}
    )
    password = NewPassword()
    name = Text(load_default="", shortest=0, longest=120, metadata={"example": "Ada Lovelace"})
    locale = Locale(load_default=None)


class CredentialsSchema(Schema):
    """Email and password of somebody; their form says nothing about whether they exist."""

    email = Text(required=True, longest=254, metadata={"example": "ada@example.com"})
    password = GivenPassword()


class MailedTokenSchema(Schema):
    """The token of a letter."""

    token = Text(required=True, longest=200, metadata={"example": "cwm_…"})


class ForgottenSchema(Schema):
    """The address of an account, if there is one."""

    email = fields.Email(
        required=True, validate=validate.Length(max=254), metadata={"example": "ada@example.com"}
    )


class ResetSchema(MailedTokenSchema):
    """The token of a letter, and the password chosen by it."""

    password = NewPassword()


class PasswordChangeSchema(Schema):
    """The password somebody has, and the one that follows it."""

    current = GivenPassword()
    new = NewPassword()


class AcceptedSchema(Schema):
    """It was heard; what comes of it comes by mail, if anything does."""

    accepted = fields.Boolean(required=True)


class RefreshSchema(Schema):
    """The refresh token of the last answer."""

    refresh_token = Text(required=True, longest=200, metadata={"example": "cwr_…"})


class SessionSchema(Schema):
    """What keeps somebody signed in."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(
        required=True, metadata={"description": "Seconds the access token lives.", "example": 900}
    )
