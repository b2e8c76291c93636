"""Nudges for purchases, and the sweep over sagas of every kind."""

from app.checkout.saga import PURCHASE
from app.saga.sweep import sweep
from app.wiring import providers
from tasks import celery
from tasks.steps import declare

declare(PURCHASE)


@celery.task(name="checkout.sweep_stalled")
def sweep_stalled() -> int:
    """Nudge every saga that waits and that nobody works on."""
    ports = providers()
    with ports.db.transaction(ports.queue) as session:
        return sweep(session)
