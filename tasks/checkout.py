"""Nudges for purchases: one task a step, named after it, so that Flower shows the purchase; and the
sweep."""

from typing import Any
from uuid import UUID

from app.checkout.saga import PURCHASE
from app.saga import engine
from app.saga.sweep import sweep
from app.wiring import providers
from tasks import celery


def _nudge(task: Any, step: str, checkout_id: str) -> str:
    """Do the step if the row waits for it; where it is neither done nor behind, the chain is
    cut."""
    saga_id, ports = UUID(checkout_id), providers()
    first = step == PURCHASE.steps[0].name
    if not first and engine.is_behind(PURCHASE, step, saga_id, ports):
        return checkout_id
    engine.run(PURCHASE, step, [saga_id], ports)
    if task.request.chain and not engine.is_behind(PURCHASE, step, saga_id, ports):
        task.request.chain = None
    return checkout_id


@celery.task(name="checkout.reserve", bind=True)
def reserve(self: Any, checkout_id: str) -> str:
    """Hold the units, and go on as far as it goes."""
    return _nudge(self, "reserve", checkout_id)


@celery.task(name="checkout.price", bind=True)
def price(self: Any, checkout_id: str) -> str:
    """Freeze the totals and write the order."""
    return _nudge(self, "price", checkout_id)


@celery.task(name="checkout.authorize", bind=True)
def authorize(self: Any, checkout_id: str) -> str:
    """Hold the money."""
    return _nudge(self, "authorize", checkout_id)


@celery.task(name="checkout.confirm", bind=True)
def confirm(self: Any, checkout_id: str) -> str:
    """Confirm the order."""
    return _nudge(self, "confirm", checkout_id)


@celery.task(name="checkout.undo")
def undo(checkout_id: str) -> str:
    """Walk a turned purchase back to its end."""
    engine.undo(PURCHASE, [UUID(checkout_id)], providers())
    return checkout_id


@celery.task(name="checkout.sweep_stalled")
def sweep_stalled() -> int:
    """Nudge every saga that waits and that nobody works on."""
    ports = providers()
    with ports.db.transaction(ports.queue) as session:
        return sweep(session)
