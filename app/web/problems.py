"""Every refusal in one shape: RFC 9457 problem details with a stable code and advice on trying
again."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

import redis.exceptions
from flask import Flask, Response, json, make_response, request
from marshmallow import INCLUDE, Schema, fields
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from app.accounts.errors import Unauthenticated
from app.payments.errors import BadSignature
from app.platform import ids
from app.platform.db import DatabaseAway
from app.platform.errors import (
    Conflict,
    Denied,
    DomainError,
    Invalid,
    NotFound,
    TooSoon,
    Unavailable,
    VersionConflict,
)
from app.platform.redis import RedisAway
from app.shipping.errors import BadCarrierSignature
from app.web.requests import request_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
AWAY_SECONDS = 2  # a part that is away is asked for again after so long
STATUS: dict[type[DomainError], int] = {
    VersionConflict: 412,
    Unauthenticated: 401,
    BadSignature: 400,
    BadCarrierSignature: 400,
    NotFound: 404,
    Conflict: 409,
    Denied: 403,
    Invalid: 422,
    TooSoon: 429,
    Unavailable: 503,
}
CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    412: "version_conflict",
    413: "body_too_large",
    414: "address_too_long",
    415: "unsupported_media_type",
    422: "validation_failed",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "unavailable",
}
_PREFIXES = {
    "user_id": "usr",
    "merchant_id": "mer",
    "product_id": "prd",
    "sku_id": "sku",
    "category_id": "cat",
    "cart_id": "crt",
    "checkout_id": "chk",
    "order_id": "ord",
    "payment_id": "pay",
}


class MalformedBody(HTTPException):
    """The body is not JSON at all."""

    code = 400
    problem_code = "invalid_json"
    description = "The body is not valid JSON."


class FieldErrorSchema(Schema):
    """What is wrong with one field."""

    field = fields.String(
        required=True, metadata={"description": "Path of the field, such as `lines.0.qty`."}
    )
    detail = fields.String(required=True)


class RetrySchema(Schema):
    """Whether the same request may succeed later."""

    retryable = fields.Boolean(required=True)
    after_seconds = fields.Integer(required=True, allow_none=True)


class ProblemSchema(Schema):
    """Problem details (RFC 9457). A code may bring members of its own, such as `lines`."""

    class Meta:
        """A caller reads what it knows."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"example": "/problems/out_of_stock"})
    title = fields.String(required=True, metadata={"example": "Out of stock"})
    status = fields.Integer(required=True, metadata={"example": 409})
    code = fields.String(required=True, metadata={"example": "out_of_stock"})
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorSchema), required=True)
    request_id = fields.String(required=True)
    retry = fields.Nested(RetrySchema, required=True)


def init_app(app: Flask) -> None:
    """Answer every refusal and every failure of this app as a problem."""
    app.register_error_handler(DomainError, answer)
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """The answer to an error: a refusal's own, or 500 and a log line for what nobody foresaw."""
    error = _translated(error)
    if isinstance(error, DomainError):
        return refuse(error)
    if isinstance(error, HTTPException):
        return _http_problem(error)
    log.error("unhandled_error", exc_info=error)
    return problem(500, CODES[500], "Something broke on our side; it has been logged.")


def refuse(error: DomainError) -> Response:
    """A domain refusal: its kind gives the status, its class the code, its facts the rest."""
    status = status_of(error)
    after_seconds = error.after_seconds
    if after_seconds is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        after_seconds = AWAY_SECONDS
    return problem(
        status,
        error.code,
        error.detail,
        errors=error.fields,
        retryable=error.retryable,
        after_seconds=after_seconds,
        **error.facts,
    )


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal, by the nearest kind above its class."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    retryable: bool = False,
    after_seconds: int | None = None,
    **facts: Any,
) -> Response:
    """Write one problem. `facts` are extension members; the standard ones always win."""
    body = {
        **public(facts),
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "errors": list(errors),
        "request_id": request_id(),
        "retry": {"retryable": retryable, "after_seconds": after_seconds},
    }
    response = Response(json.dumps(body), status=status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if after_seconds is not None:
        response.headers["Retry-After"] = str(after_seconds)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def public(value: Any, name: str = "") -> Any:
    """Facts as callers may see them: ids in their public form, known by the name they stand
    under."""
    if isinstance(value, Mapping):
        return {str(key): public(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [public(inner, name.removesuffix("s")) for inner in value]
    if isinstance(value, UUID):
        prefix = _PREFIXES.get(name)
        return ids.encode(prefix, value) if prefix else str(value)
    return value


def _translated(error: Exception) -> Exception:
    """What a driver says when its server is away, in the shop's own words."""
    if isinstance(error, OperationalError | PoolExhausted):
        log.warning("database_refused", exc_info=error)
        return DatabaseAway("The database does not answer; try again.", after_seconds=AWAY_SECONDS)
    if isinstance(error, redis.exceptions.RedisError):
        log.warning("redis_refused", exc_info=error)
        return RedisAway("A part of the shop is away; try again.", after_seconds=AWAY_SECONDS)
    return error


def _http_problem(error: HTTPException) -> Response:
    if isinstance(error.response, Response):  # written by whoever refused
        return error.response
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:  # a redirect is no refusal
        return make_response(error.get_response(request.environ))
    said = getattr(error, "data", None) or {}
    errors = field_errors(said.get("messages") or said.get("errors") or {})
    code = getattr(error, "problem_code", None) or CODES.get(status, "refused")
    detail = "Some fields are not acceptable." if errors else error.description or code
    response = problem(status, code, detail, errors=errors)
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def field_errors(messages: Any) -> list[dict[str, str]]:
    """Marshmallow's nested messages as a flat list of fields; the location stands first and is
    left out."""
    if not isinstance(messages, Mapping):
        return list(_flat(messages, ()))
    return [found for inner in messages.values() for found in _flat(inner, ())]


def _flat(messages: Any, path: tuple[str, ...]) -> list[dict[str, str]]:
    if isinstance(messages, Mapping):
        return [
            found
            for key, inner in messages.items()
            for found in _flat(inner, path if key == "_schema" else (*path, str(key)))
        ]
    if isinstance(messages, list | tuple):
        return [found for inner in messages for found in _flat(inner, path)]
    return [{"field": ".".join(path), "detail": str(messages)}]
