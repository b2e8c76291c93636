"""Keys of a merchant's machines: its people make them and take them back, no machine does."""

from typing import Any
from uuid import UUID

from flask import Response

from app.accounts import queries, service
from app.accounts.errors import ApiKeyNotFound
from app.accounts.models import ApiKey
from app.api.schemas.api_keys import (
    ApiKeyRequestSchema,
    ApiKeySchema,
    ApiKeysSchema,
    NewApiKeySchema,
)
from app.platform.ids import decode, encode
from app.web.auth import Scope, merchant_id, principal, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent, made
from app.web.transactions import reading, transaction

api_keys = Blueprint(
    "api_keys", __name__, url_prefix="/v1/merchant/api-keys", description="Keys for machines"
)


def _once_more(public_id: str) -> Response:
    """A repeat shows the key it made, but not what opens: that is kept nowhere."""
    with reading() as session:
        row = session.get(ApiKey, decode("key", public_id))
    if row is None:
        raise ApiKeyNotFound("There is no such key.")
    shown = NewApiKeySchema().dumps(_fields(row) | {"key": None})
    return Response(shown, status=201, mimetype="application/json")


@api_keys.route("", methods=["POST"])
@requires(Scope.API_KEYS)
@idempotent(render=_once_more)
@api_keys.arguments(ApiKeyRequestSchema)
@api_keys.response(201, NewApiKeySchema)
@api_keys.alt_response(409, "CONFLICT")
def make_api_key(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make a key; `key` is shown in this answer and never again, not to a repeat either.

    Shown as `Authorization: Bearer cw_…`. Refused as `too_many_api_keys` or `expiry_passed`.
    """
    with transaction() as session:
        new = service.make_api_key(session, merchant_id(), created_by=principal().user_id, **wanted)
        made(encode("key", new.row.id))
    return _fields(new.row) | {"key": new.secret}


@api_keys.route("", methods=["GET"])
@requires(Scope.API_KEYS)
@api_keys.response(200, ApiKeysSchema)
def list_api_keys() -> dict[str, Any]:
    """The merchant's keys, by prefix; when each was last used is noted once a minute."""
    with reading() as session:
        return {"data": queries.api_keys_of(session, merchant_id())}


@api_keys.route('/<id(prefix="key"):key_id>', methods=["DELETE"])
@requires(Scope.API_KEYS)
@idempotent
@api_keys.response(204)
@api_keys.alt_response(404, "NOT_FOUND")
def revoke_api_key(key_id: UUID) -> None:
    """Take a key back, for good; some seconds later it opens nothing anywhere."""
    with transaction() as session:
        service.revoke_api_key(session, merchant_id(), key_id, revoked_by=principal().user_id)


def _fields(row: ApiKey) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ApiKeySchema().fields}
