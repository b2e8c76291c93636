"""A request that is sent again is answered again, and acts once.

Source: draft-ietf-httpapi-idempotency-key-header. Scope = principal + method + route. The key's row
is written first in the act's own transaction, so a twin waits there until the first has committed
or rolled back; a crash leaves neither key nor act.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, make_response, request
from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from app.platform import idempotency
from app.platform.db import ShopSession
from app.platform.errors import DomainError, Invalid
from app.platform.idempotency import IdempotencyKey, KeyInFlight
from app.web import hints, problems
from app.web.auth import principal
from app.wiring import providers

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
WAIT_SECONDS = 5  # how long a twin waits for the first
KEPT_HEADERS = ("Location", "ETag", "Cache-Control")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NOT_KEPT = frozenset({401, 408, 409, 413, 415, 429})
V = TypeVar("V", bound=Callable[..., Any])
Render = Callable[[str], Any]


class BadKey(Invalid):
    """The key is empty, too long, or not printable ASCII."""

    code = "idempotency_key_invalid"


class DoneBefore(Exception):
    """A twin with the same key committed first: nothing was done here, its answer is given.

    Passes through the view; whatever was taken outside the transaction must be given back.
    """


@dataclass
class Act:
    """One request under its key, while it runs."""

    scope: str
    key: str
    request_hash: str
    wait_seconds: float
    resource_id: str | None = None
    spoiled: bool = False
    _session: ShopSession | None = field(default=None, repr=False)

    @contextmanager
    def begun(self) -> Iterator[ShopSession]:
        """Open the transaction by writing the key. Raises DoneBefore or KeyInFlight."""
        wired = providers()
        with wired.db.transaction(wired.queue) as session:
            self._claim(session)
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    @contextmanager
    def joined(self) -> Iterator[ShopSession]:
        """The view's own transaction: the one already open, or one around the id it makes."""
        if self._session is not None:
            try:
                yield self._session
            except BaseException:
                self.spoiled = True
                raise
            return
        with self.begun() as session:
            yield session
            if self.resource_id is None:
                raise RuntimeError("an act that keeps only an id must say `made(id)`")
            self.finish(session, 202, {"id": self.resource_id})

    def finish(self, session: ShopSession, status: int, response: dict[str, Any]) -> None:
        """Write the answer beside the key."""
        idempotency.finish(
            session, scope=self.scope, key=self.key, status=status, response=response
        )

    def find(self) -> IdempotencyKey | None:
        """What this key did before. Raises KeyReused for another request."""
        with providers().db.reading() as session:
            return idempotency.find(
                session, scope=self.scope, key=self.key, request_hash=self.request_hash
            )

    def _claim(self, session: ShopSession) -> None:
        session.execute(text(f"SET LOCAL lock_timeout = '{int(self.wait_seconds * 1000)}ms'"))
        try:
            written = idempotency.write(
                session,
                scope=self.scope,
                key=self.key,
                request_hash=self.request_hash,
                status=None,
                response=None,
            )
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                raise _in_flight() from error
            raise
        if not written:
            raise DoneBefore


def idempotent(
    view: V | None = None, *, render: Render | None = None, wait_seconds: float = WAIT_SECONDS
) -> Any:
    """Let a caller send the same request again under its `Idempotency-Key` and get the same answer.

    Stands right under `@requires`. Plain, the answer (status, body, Location, ETag) is kept; with
    `render`, only the id the view named by `made(id)` inside `transaction()`, and a repeat answers
    what `render(id)` makes of it then. 401, 409, 429 and 5xx are not kept. Another body is 422
    `idempotency_key_reused`; a twin still running is 409 after `wait_seconds`. Ignored for
    anonymous callers.
    """

    def decorate(inner: V) -> V:
        @wraps(inner)
        def once(*args: Any, **kwargs: Any) -> Any:
            act = _act(wait_seconds)
            if act is None:
                return inner(*args, **kwargs)
            g.idempotent_act = act
            if render is not None:
                return _once_by_id(act, lambda: inner(*args, **kwargs), render)
            return _once(act, lambda: inner(*args, **kwargs))

        once._apidoc = {**getattr(inner, "_apidoc", {}), "idempotent": True}  # type: ignore[attr-defined]
        return once  # type: ignore[return-value]

    return decorate(view) if view is not None else decorate


def made(resource_id: str) -> None:
    """Name what this act made, or found already made, so that a repeat of its key finds it."""
    act = g.get("idempotent_act")
    if act is not None:
        act.resource_id = resource_id


def _act(wait_seconds: float) -> Act | None:
    key, caller = request.headers.get(HEADER), principal().id
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadKey(
            "An Idempotency-Key is 1 to 255 printable ASCII characters.",
            fields=[{"field": HEADER, "detail": "1 to 255 printable ASCII characters."}],
        )
    if caller is None:
        return None
    route = request.url_rule.rule if request.url_rule else request.path
    return Act(f"{caller} {request.method} {route}", key, _request_hash(), wait_seconds)


def _request_hash() -> str:
    """The same words in another order or spacing are the same request."""
    body = request.get_data(cache=True)
    with suppress(ValueError, RecursionError):  # what is not JSON is compared as it came
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    address = request.full_path.encode()
    return hashlib.sha256(address + b"\n" + body).hexdigest()


def _once(act: Act, view: Callable[[], Any]) -> Response:
    before = act.find()
    if before is not None:
        return _replay(before)
    try:
        with act.begun() as session:
            response = make_response(view())
            if act.spoiled:
                raise RuntimeError("a refusal inside transaction() was swallowed by its view")
            act.finish(session, response.status_code, _kept(response))
            return response
    except DoneBefore:
        return _replay(_first(act))
    except (DomainError, HTTPException) as refusal:
        return _keep_refusal(act, problems.answer(refusal))


def _once_by_id(act: Act, view: Callable[[], Any], render: Render) -> Any:
    hint = hints.ask(act.scope, act.key)
    before = act.find() if hint.seen else None
    if before is not None:
        return _rendered(before, render)
    try:
        return view()
    except DoneBefore:
        return _rendered(_first(act), render)
    except DomainError:
        others = hints.twins(hint)  # what one of them took may be all that is missing here
        before = None if hint.sure and not hint.seen and not others else act.find()
        if before is not None:
            return _rendered(before, render)
        if others:
            raise _in_flight() from None
        raise
    finally:
        hints.done(hint)


def _first(act: Act) -> IdempotencyKey:
    first = act.find()
    if first is None:  # it committed and was forgotten in between; the caller may ask again
        raise _in_flight()
    return first


def _keep_refusal(act: Act, response: Response) -> Response:
    """A refusal undid its act; its key is kept alone, where asking again would say the same."""
    if response.status_code in _NOT_KEPT or response.status_code >= 500:
        return response
    with providers().db.transaction() as session:
        written = idempotency.write(
            session,
            scope=act.scope,
            key=act.key,
            request_hash=act.request_hash,
            status=response.status_code,
            response=_kept(response),
        )
    return response if written else _replay(_first(act))


def _kept(response: Response) -> dict[str, Any]:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return {
        "body": response.get_data(as_text=True),
        "type": response.mimetype,
        "headers": headers,
    }


def _replay(kept: IdempotencyKey) -> Response:
    answer = kept.response or {}
    response = Response(answer.get("body", ""), status=kept.status, mimetype=answer.get("type"))
    response.headers.update(answer.get("headers", {}))
    response.headers[REPLAYED_HEADER] = "true"
    return response


def _rendered(kept: IdempotencyKey, render: Render) -> Response:
    response = make_response(render((kept.response or {})["id"]))
    response.headers[REPLAYED_HEADER] = "true"
    return response


def _in_flight() -> KeyInFlight:
    return KeyInFlight("The first request with this key is still running.", after_seconds=1)
