"""Queues letters with the event that causes them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from app.notifications.letters import LETTERS
from app.notifications.models import Notification, NotificationStatus
from app.notifications.queries import reason_to_withhold
from app.platform.db import ShopSession
from app.platform.languages import known_tag

EMAIL = "email"
_AT_ONCE = timedelta(0)


def queue_letter(
    session: ShopSession,
    template: str,
    *,
    event_id: UUID,
    subject_id: UUID,
    recipient: str,
    locale: str = "en",
    facts: Mapping[str, Any] | None = None,
    wait: timedelta = _AT_ONCE,
) -> UUID | None:
    """Queue one letter about an event to one person; None where it is queued already.

    `wait` puts it off. One that the person does not want, or that goes to somebody who was erased,
    is written down as withheld. Raises KeyError for a letter that there is not.
    """
    reason = reason_to_withhold(session, recipient, LETTERS[template].topic)
    status = NotificationStatus.WITHHELD if reason else NotificationStatus.QUEUED
    queued = session.scalar(
        insert(Notification)
        .values(
            event_id=event_id,
            channel=EMAIL,
            recipient=recipient,
            template=template,
            locale=known_tag(locale) or "en",
            subject_id=subject_id,
            facts=dict(facts or {}),
            attempts=0,
            status=status,
            last_error=reason,
            next_at=func.shop_now() + wait,
        )
        .on_conflict_do_nothing()
        .returning(Notification.id)
    )
    if queued is not None and not reason and not wait:
        session.nudge("notifications.deliver", id=queued)
    return queued
