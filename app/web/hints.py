"""What Redis remembers of idempotency keys, so that a sold-out sale need not ask PostgreSQL for
each.

Only hints: they may say yes too often, and a "no" is believed once a key's whole life has passed
since Redis began to remember. PostgreSQL decides.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import RedisError

from app.platform import idempotency
from app.platform.clock import milliseconds
from app.wiring import providers

_HINT, _EPOCH = "idempotency:hint:", "idempotency:epoch"
_RUNS_MS_MAX = 10_000  # a first request that takes longer has died


@dataclass(frozen=True)
class Hint:
    """Whether a key was seen before, whether a "no" is sure, whether the first is still at it."""

    name: str
    seen: bool
    sure: bool
    running: bool = False


def ask(scope: str, key: str) -> Hint:
    """Ask in one round trip, and note the key before its act begins."""
    name = _HINT + hashlib.sha256(f"{scope} {key}".encode()).hexdigest()
    life, now = int(idempotency.KEEP.total_seconds()), milliseconds()
    try:
        with providers().redis.pipeline(transaction=False) as pipe:
            pipe.set(name, now, ex=life, nx=True, get=True)
            pipe.set(_EPOCH, now, nx=True, get=True)
            seen, epoch = pipe.execute()
    except RedisError:
        return Hint(name, seen=True, sure=True)
    sure = epoch is not None and now - int(epoch) > life * 1000
    running = seen is not None and now - int(seen) < _RUNS_MS_MAX
    return Hint(name, seen is not None, sure, running)


def done(hint: Hint) -> None:
    """The first of its key is through: a twin that is refused now is refused for itself."""
    if not hint.seen:
        with suppress(RedisError):
            providers().redis.set(hint.name, 0, xx=True, keepttl=True)
