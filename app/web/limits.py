"""How often a caller may ask: by shopper on checkout, by address on signing in, by mailbox on what
sends letters, by address overall.

Named limits are counted in Redis for all processes together, and in this process alone while Redis
is away. The overall one is each process's own and costs no round trip; the gateway in front keeps
the real one.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_address
from typing import Any, TypeVar

from flask import Flask, Response, request
from flask_limiter import HeaderNames, Limiter, RequestLimit
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.exceptions import HTTPException

from app.config import Settings
from app.platform.clock import utc_now
from app.platform.errors import DomainError, TooSoon
from app.web.auth import principal
from app.web.problems import refuse

V = TypeVar("V", bound=Callable[..., Any])
# A limiter that waits is worse than one that counts alone for a while.
_PATIENCE: dict[str, Any] = {
    "socket_connect_timeout": 0.1,
    "socket_timeout": 0.1,
    "retry": Retry(NoBackoff(), 0),
}


class RateLimited(TooSoon):
    """Too many requests; the shopper comes back in `after_seconds`."""

    code = "rate_limited"


@dataclass(frozen=True)
class Limit:
    """So many a minute, or `per` hour, for each of what `whose` names; `setting` is the field of
    Settings."""

    name: str
    setting: str
    whose: Callable[[], str]
    per: str = "minute"


def address() -> str:
    """The caller's address; of IPv6 its /64, which is one household."""
    text = request.remote_addr or "unknown"
    try:
        known = ip_address(text)
    except ValueError:
        return text
    return text if known.version == 4 else str(IPv6Network((known, 64), strict=False))


def shopper() -> str:
    """Who shops: the person who signed in, else the address (a guest makes carts at will)."""
    try:
        caller = principal()
    except DomainError:  # the view will refuse its token; here it must be counted all the same
        return address()
    return str(caller.user_id) if caller.user_id else address()


def mailbox() -> str:
    """The mail address that the body names, whoever has it; hashed, for counters are no place to
    keep addresses. Without one, the caller's own address."""
    try:
        body = request.get_json(silent=True)
    except (HTTPException, RecursionError):  # the view will refuse it; here it must be counted
        return address()
    said = body.get("email") if isinstance(body, dict) else None
    if not isinstance(said, str):
        return address()
    return hashlib.sha256(said.strip().lower().encode(errors="replace")).hexdigest()


CHECKOUTS = Limit("checkout", "checkouts_per_minute", shopper)
LOGINS = Limit("login", "logins_per_minute", address)
REGISTRATIONS = Limit("register", "logins_per_minute", address)
MAILED_TOKENS = Limit("token", "logins_per_minute", address)
RESETS_ASKED = Limit("forgot", "logins_per_minute", address)
RESETS_MAILED = Limit("forgot mailbox", "letters_per_hour", mailbox, per="hour")
VERIFICATIONS_MAILED = Limit("verification", "letters_per_hour", shopper, per="hour")
PASSWORDS = Limit("password", "logins_per_minute", shopper)
EXPORTS = Limit("export", "logins_per_minute", shopper)


def limited(*limits: Limit) -> Callable[[V], V]:
    """Count calls of this route against limits, before anything else is done. Outermost but for
    the route."""

    def decorate(view: V) -> V:
        view.__limits__ = limits  # type: ignore[attr-defined]
        view._apidoc = {**getattr(view, "_apidoc", {}), "limited": True}  # type: ignore[attr-defined]
        return view

    return decorate


limit_checkouts = limited(CHECKOUTS)
limit_logins = limited(LOGINS)
limit_registrations = limited(REGISTRATIONS)
limit_mailed_tokens = limited(MAILED_TOKENS)
limit_resets = limited(RESETS_ASKED, RESETS_MAILED)
limit_verifications = limited(VERIFICATIONS_MAILED)
limit_passwords = limited(PASSWORDS)
limit_exports = limited(EXPORTS)


def init_app(app: Flask, settings: Settings) -> None:
    """Put the limits before every route that asks for one. Call it when all routes are there."""
    overall = f"{settings.requests_per_minute} per minute"
    Limiter(
        address,
        app=app,
        application_limits=[overall],
        storage_uri="memory://",
        on_breach=_refusal,
    )
    named = _named(app, settings)
    for endpoint, view in list(app.view_functions.items()):
        limits: tuple[Limit, ...] = getattr(view, "__limits__", ())
        for limit in limits:
            allowed = f"{getattr(settings, limit.setting)} per {limit.per}"
            counted: Any = named.shared_limit(allowed, scope=limit.name, key_func=limit.whose)
            app.view_functions[endpoint] = counted(app.view_functions[endpoint])


def _named(app: Flask, settings: Settings) -> Limiter:
    return Limiter(
        address,
        app=app,
        storage_uri=settings.redis_url,
        storage_options=_PATIENCE,
        strategy="moving-window",
        key_prefix="limits",
        headers_enabled=True,
        header_name_mapping={
            HeaderNames.LIMIT: "RateLimit-Limit",
            HeaderNames.REMAINING: "RateLimit-Remaining",
            HeaderNames.RESET: "RateLimit-Reset",
            HeaderNames.RETRY_AFTER: "RateLimit-Reset",  # written last, as seconds left
        },
        in_memory_fallback_enabled=True,
        swallow_errors=True,  # two threads may notice a dead Redis at once; neither refuses anyone
        on_breach=_refusal,
    )


def _refusal(breach: RequestLimit) -> Response:
    seconds = max(1, breach.reset_at - int(utc_now().timestamp()))
    return refuse(
        RateLimited(f"Too many requests; try again in {seconds} s.", after_seconds=seconds)
    )
