"""Idempotency keys: the same key is the same act once, and its answer is kept for a day.

https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from devstack.stripe.errors import StripeError, invalid_request
from devstack.stripe.store import Store, StoredAnswer

KEY_LENGTH_MAX = 255


class Keys:
    """The keys in use now, and the answers kept under those used before."""

    def __init__(self, store: Store, *, seconds: int) -> None:
        self._store = store
        self._seconds = seconds
        self._lock = threading.Lock()
        self._in_use: set[str] = set()

    @contextmanager
    def holding(self, key: str | None) -> Iterator[None]:
        """Hold a key while its request runs; a second one meanwhile is refused with 409."""
        if key is None:
            yield
            return
        if len(key) > KEY_LENGTH_MAX:
            raise invalid_request(
                f"Invalid idempotency key: keys can have up to {KEY_LENGTH_MAX} characters, but "
                f"you passed in a key that is {len(key)} characters."
            )
        with self._lock:
            if key in self._in_use:
                raise _in_use(key)
            self._in_use.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._in_use.discard(key)

    def answered(
        self, key: str | None, *, endpoint: str, fingerprint: str, now: float
    ) -> StoredAnswer | None:
        """The answer to replay, or nothing for a new or expired key; refuses another request."""
        if key is None:
            return None
        with self._store.lock:
            answer = self._store.answer(key)
        if answer is None or answer.created + self._seconds <= now:
            return None
        if answer.endpoint != endpoint:
            raise _reused(
                key,
                f"for the same endpoint they were first used for ('{answer.endpoint}' vs "
                f"'{endpoint}')",
            )
        if answer.fingerprint != fingerprint:
            raise _reused(key, "with the same parameters they were first used with")
        return answer


def fingerprint_of(tree: Mapping[str, Any]) -> str:
    """What was asked, whatever the order it was written in."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def _in_use(key: str) -> StripeError:
    error = StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably "
        "means you submitted twice, and the other request is still going through): "
        f"{key}. Please try again later.",
        type="invalid_request_error",
        code="idempotency_key_in_use",
    )
    error.headers["Stripe-Should-Retry"] = "true"
    return error


def _reused(key: str, how: str) -> StripeError:
    return StripeError(
        400,
        f"Keys for idempotent requests can only be used {how}. Try using a key other than "
        f"'{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )
