"""Applies what payment providers told, when nudged and by the clock."""

from app.payments import service
from app.wiring import providers
from tasks import celery


@celery.task(name="payments.apply_event")
def apply_event(event_id: str) -> None:
    """Nudge one event. Late, doubled or lost, its row decides; the sweep nudges again."""
    wired = providers()
    service.apply_event(wired.db, wired.queue, wired.payments, event_id)


@celery.task(name="payments.apply_events")
def apply_events() -> None:
    """Apply every event that waits and is due, by the clock: lost nudges, early birds."""
    wired = providers()
    service.apply_due(wired.db, wired.queue, wired.payments)
