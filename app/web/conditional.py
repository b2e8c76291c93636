"""ETag and If-Match: writers change what they have seen, readers and caches ask whether it
changed."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import make_response, request
from werkzeug.wrappers import Response

V = TypeVar("V", bound=Callable[..., Any])
_TAG = re.compile(r'"(\d{1,18})(?:-[0-9a-f]{1,32})?"')  # the digest is of what else was shown
NEVER = -1  # a tag we never gave out matches no version


def version_tag(version: int) -> dict[str, str]:
    """The headers that go out with something versioned: `return cart, 200,
    version_tag(cart.version)`."""
    return {"ETag": f'"{version}"'}


def expected_version() -> int | None:
    """The version the caller has seen, from If-Match; None where any will do.

    A tag that is not one of ours gives NEVER, which no version equals (RFC 9110 §13.1.1).
    """
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    found = _TAG.fullmatch(given)
    return int(found[1]) if found else NEVER


def cacheable(*, seconds: int, shared: bool = True) -> Callable[[V], V]:
    """Give an answer an ETag and let browsers, and where `shared` a CDN, keep it for a while.

    Stands above `response`. Asked again with If-None-Match, an unchanged answer is 304.
    """
    control = f"{'public' if shared else 'private'}, max-age={seconds}"

    def decorate(view: V) -> V:
        @wraps(view)
        def kept(*args: Any, **kwargs: Any) -> Response:
            response = make_response(view(*args, **kwargs))
            response.headers["Cache-Control"] = control
            response.headers["Vary"] = "Authorization, X-Cart-Token"
            if "ETag" not in response.headers:
                response.add_etag()
            return response.make_conditional(request)

        kept._apidoc = {**getattr(view, "_apidoc", {}), "cacheable": True}  # type: ignore[attr-defined]
        return kept  # type: ignore[return-value]

    return decorate
