"""What keys of a merchant's machines look like; the key itself is shown once."""

from marshmallow import Schema, fields, validate

from app.api.schemas.fields import Moment, Text, TypeId
from app.web.auth import MACHINE

SCOPES = sorted(scope.value for scope in MACHINE)


class ApiKeyRequestSchema(Schema):
    """A key for one machine: what it is called, what it may do, until when."""

    name = Text(required=True, longest=80, metadata={"example": "Warehouse robot"})
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(1, len(SCOPES)),
        metadata={"example": ["stock:read", "stock:write"]},
    )
    expires_at = Moment(load_default=None)


class ApiKeySchema(Schema):
    """A key as lists show it: its prefix names it, in logs as well."""

    id = TypeId("key", required=True)
    name = fields.String(required=True, metadata={"example": "Warehouse robot"})
    prefix = fields.String(required=True, metadata={"example": "k7m2pqr9xa"})
    scopes = fields.List(fields.String(), required=True, metadata={"example": ["stock:read"]})
    created_by = TypeId("usr", required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)


class NewApiKeySchema(ApiKeySchema):
    """A key just made. `key` is what the machine shows, and null in every later answer."""

    key = fields.String(required=True, allow_none=True, metadata={"example": "cw_k7m2pqr9xa_…"})


class ApiKeysSchema(Schema):
    """All keys of a merchant that are not revoked, the newest first."""

    data = fields.List(fields.Nested(ApiKeySchema), required=True)
