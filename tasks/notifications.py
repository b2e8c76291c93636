"""Gives queued letters away: each by its own nudge, the rest by the sweep."""

from uuid import UUID

from app.notifications import service
from app.wiring import providers
from tasks import celery


@celery.task(name="notifications.deliver")
def deliver(notification_id: str) -> None:
    """Nudge one letter. Doubled or late it is a no-op; lost, the sweep finds it."""
    wired = providers()
    service.deliver(UUID(notification_id), wired.db, wired.mail, wired.links)


@celery.task(name="notifications.sweep")
def sweep() -> None:
    """Give away what is due: nudges that were lost, and letters put off."""
    wired = providers()
    service.deliver_due(wired.db, wired.mail, wired.links)
