"""Keeps the outbox and the inboxes from growing for ever."""

from app.events import service
from tasks import celery
from tasks.housekeeping import forget


@celery.task(name="outbox.prune")
def prune() -> None:
    """Forget events a week after they were published, once every consumer has passed them."""
    forget(service.prune)
    forget(service.forget_inbox)
