"""Requests read, and answers to send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devstack.stripe.errors import StripeError
from devstack.stripe.operations import Operation
from devstack.stripe.store import Document


@dataclass
class Answer:
    """What goes back: `cut` means nothing does, the connection is closed instead."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Call:
    """One request to the API, read but not yet checked."""

    request_id: str
    operation: Operation
    identity: str
    path: str
    key: str | None
    tree: Document


def form_of(headers: Mapping[str, str], body: bytes) -> str:
    """The form a request carries; refuses other media types."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media not in ("application/x-www-form-urlencoded", ""):
        raise StripeError(
            400,
            "Invalid request (check that your POST content type is "
            "application/x-www-form-urlencoded). If you have any questions, we can help at "
            "https://support.stripe.com/.",
            type="invalid_request_error",
        )
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise StripeError(
            400, "Invalid request: the body is not UTF-8.", type="invalid_request_error"
        ) from error


def encoded(document: Any) -> bytes:
    """JSON as it is sent."""
    return json.dumps(document).encode()
