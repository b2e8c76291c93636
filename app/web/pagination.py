"""Lists by cursor, never by offset: a page stays right while rows come and go.

A cursor is the sort key of the last row, signed for its list, so that nobody can make one up.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from marshmallow import Schema, fields, validate

from app.platform.errors import Invalid
from app.wiring import providers

LIMIT_DEFAULT, LIMIT_MAX = 20, 100
_SIGNATURE_BYTES = 12
T = TypeVar("T")


class BrokenCursor(Invalid):
    """`after` is not a cursor of this list."""

    code = "broken_cursor"


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list and, where more follow, the cursor that continues it."""

    data: Sequence[T]
    next: str | None = None


class PageArgs(Schema):
    """How much of a list, and from where."""

    limit = fields.Integer(
        load_default=LIMIT_DEFAULT,
        validate=validate.Range(1, LIMIT_MAX),
        metadata={"description": "Rows on one page."},
    )
    after = fields.String(
        load_default=None,
        validate=validate.Length(1, 1024),
        metadata={"description": "The `next` of the page before."},
    )


def page_of(row: type[Schema]) -> type[Schema]:
    """The schema of a page of these rows."""
    name = row.__name__.removesuffix("Schema")
    return type(
        f"{name}PageSchema",
        (Schema,),
        {
            "data": fields.List(fields.Nested(row), required=True),
            "next": fields.String(required=True, allow_none=True),
        },
    )


def paginate(
    rows: Sequence[T], *, limit: int, kind: str, key: Callable[[T], Sequence[Any]]
) -> Page[T]:
    """A page out of up to `limit + 1` rows: the one too many only says that more follow."""
    data = rows[:limit]
    more = len(rows) > limit
    return Page(data, encode_cursor(kind, key(data[-1])) if more else None)


def encode_cursor(kind: str, values: Sequence[Any]) -> str:
    """The cursor after a row with these sort values (text, numbers, UUIDs, times, None).

    `kind` names the list with its order and filters; a cursor of another kind is refused.
    """
    payload = json.dumps([_pack(value) for value in values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(kind, payload) + payload).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str) -> list[Any]:
    """The sort values in a cursor of this kind. Raises BrokenCursor for anything else."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _broken() from error
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(kind, payload)):
        raise _broken()
    return [_unpack(value) for value in json.loads(payload)]


def _signature(kind: str, payload: bytes) -> bytes:
    secret = providers().settings.secret_key.get_secret_value().encode()
    signed = b"cursor\0" + kind.encode() + b"\0" + payload
    return hmac.digest(secret, signed, hashlib.sha256)[:_SIGNATURE_BYTES]


def _pack(value: Any) -> Any:
    if isinstance(value, UUID):
        return {"u": value.hex}
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return value


def _unpack(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return UUID(value["u"]) if "u" in value else datetime.fromisoformat(value["t"])


def _broken() -> BrokenCursor:
    return BrokenCursor(
        "This is not a cursor of this list.",
        fields=[{"field": "after", "detail": "Not a cursor of this list."}],
    )
