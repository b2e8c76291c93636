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
_RUNNING = ":running"
_RUNS_MS_MAX = 10_000  # a first request that takes longer has died


@dataclass(frozen=True)
class Hint:
    """Whether a key was seen before, and whether a "no" to that is sure."""

    name: str
    seen: bool
    sure: bool


def ask(scope: str, key: str) -> Hint:
    """Ask in one round trip, and note the key, and that one more is at it, before its act
    begins."""
    name = _HINT + hashlib.sha256(f"{scope} {key}".encode()).hexdigest()
    life, now = int(idempotency.KEEP.total_seconds()), milliseconds()
    try:
        with providers().redis.pipeline(transaction=False) as pipe:
            pipe.set(name, "1", ex=life, nx=True, get=True)
            pipe.set(_EPOCH, now, nx=True, get=True)
            pipe.incr(name + _RUNNING)
            pipe.pexpire(name + _RUNNING, _RUNS_MS_MAX)
            seen, epoch, _, _ = pipe.execute()
    except RedisError:
        return Hint(name, seen=True, sure=True)
    sure = epoch is not None and now - int(epoch) > life * 1000
    return Hint(name, seen is not None, sure)


def twins(hint: Hint) -> bool:
    """Whether another request with this key is still at it. Ask before PostgreSQL is asked: who was
    through by then has committed."""
    try:
        return int(providers().redis.get(hint.name + _RUNNING) or 0) > 1
    except RedisError:
        return False


def done(hint: Hint) -> None:
    """One is through."""
    with suppress(RedisError), providers().redis.pipeline(transaction=False) as pipe:
        pipe.decr(hint.name + _RUNNING)
        pipe.pexpire(hint.name + _RUNNING, _RUNS_MS_MAX)  # also where it had lapsed meanwhile
        pipe.execute()
