"""Forgets what nobody can ask for any more, some thousand rows a transaction."""

from collections.abc import Callable

from app.accounts.service import forget_old_mailed_tokens, forget_old_tokens
from app.platform.idempotency import forget_old
from app.wiring import providers
from tasks import celery

BATCH = 5_000
BATCHES_MAX = 20  # a run ends; the next goes on


@celery.task(name="housekeeping.forget_old_keys")
def forget_old_keys() -> None:
    """Forget idempotency keys past their day."""
    forget(forget_old)


@celery.task(name="housekeeping.forget_old_tokens")
def forget_refresh_tokens() -> None:
    """Forget refresh tokens and mailed ones past their life."""
    forget(forget_old_tokens)
    forget(forget_old_mailed_tokens)


def forget(some: Callable[..., int]) -> None:
    """Call `some(session, limit=…)` in a transaction each until it finds fewer than it may take."""
    for _ in range(BATCHES_MAX):
        with providers().db.transaction() as session:
            if some(session, limit=BATCH) < BATCH:
                return
