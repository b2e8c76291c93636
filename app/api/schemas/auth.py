"""What signing up, in and out looks like."""

from marshmallow import Schema, fields, validate

from app.accounts.passwords import LENGTH_MAX, LENGTH_MIN
from app.api.schemas.fields import Text


class RegistrationSchema(Schema):
    """A new customer."""

    email = fields.Email(
        required=True, validate=validate.Length(max=254), metadata={"example": "ada@example.com"}
    )
    password = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(LENGTH_MIN, LENGTH_MAX),
        metadata={"format": "password", "example": "correct horse battery"},
    )


class CredentialsSchema(Schema):
    """Email and password of somebody; their form says nothing about whether they exist."""

    email = Text(required=True, longest=254, metadata={"example": "ada@example.com"})
    password = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, LENGTH_MAX),
        metadata={"format": "password", "example": "correct horse battery"},
    )


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
