"""What every request has: an id, a line in the log, a time, and headers that keep browsers
careful."""

import re
import time

import structlog
from flask import Flask, Response, g, has_request_context, request

from app.platform import logging, metrics
from app.platform.ids import encode, new_id

REQUEST_ID_HEADER = "X-Request-Id"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

log = structlog.stdlib.get_logger(__name__)


def init_app(app: Flask) -> None:
    """Begin and end every request of this app the same way."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """The id of this request: the caller's own where it is sane, a new one otherwise."""
    if not has_request_context():
        return encode("req", new_id())
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = given if _SANE_ID.fullmatch(given) else encode("req", new_id())
    return str(g.request_id)


def _begin() -> None:
    g.began = time.perf_counter()
    logging.forget()
    logging.bind(request_id=request_id())


def _end(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    _account_for(response)
    return response


def _account_for(response: Response) -> None:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "(none)"
    if route in _QUIET:
        return
    metrics.HTTP_REQUEST_SECONDS.labels(request.method, route, str(response.status_code)).observe(
        seconds
    )
    log.info(
        "request",
        method=request.method,
        route=route,
        path=request.path,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
    )
