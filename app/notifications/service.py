"""Queues letters with the event that causes them, and gives them away at least once.

Between the mail server's acceptance and our commit a crash repeats the letter, under the same
Message-ID: that window is all there is.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.notifications import messages
from app.notifications.errors import LetterRefused, MailAway
from app.notifications.models import Notification, NotificationStatus
from app.notifications.ports import Letter, MailSender
from app.platform.db import Database, ShopSession
from app.saga.incidents import open_incident

log = logging.getLogger(__name__)

EMAIL = "email"
INCIDENT = "letter_failed"
_CLAIM_SECONDS = 120  # longer than a mail server may take; after that another worker tries
_BACKOFF_SECONDS, _BACKOFF_SECONDS_MAX = 15, 3600
_ATTEMPTS_MAX = 30  # about a day


@dataclass(frozen=True)
class _Claim:
    """A letter this worker may send until others may; `attempts` fences the outcome."""

    id: UUID
    attempts: int


def queue_letter(
    session: ShopSession,
    template: str,
    *,
    event_id: UUID,
    subject_id: UUID,
    recipient: str,
    facts: Mapping[str, Any] | None = None,
) -> UUID | None:
    """Queue one letter about an event to one person; None where it is queued already."""
    queued = session.scalar(
        insert(Notification)
        .values(
            event_id=event_id,
            channel=EMAIL,
            recipient=recipient,
            template=template,
            subject_id=subject_id,
            facts=dict(facts or {}),
            attempts=0,
            status=NotificationStatus.QUEUED,
        )
        .on_conflict_do_nothing()
        .returning(Notification.id)
    )
    if queued is not None:
        session.nudge("notifications.deliver", id=queued)
    return queued


def deliver(notification_id: UUID, db: Database, mail: MailSender | None) -> bool:
    """Give one letter away if it is due; gives whether it left."""
    claims = _claim(db, mail, only=notification_id, limit=1)
    return mail is not None and bool(claims) and _send(claims[0], db, mail)


def deliver_due(db: Database, mail: MailSender | None, *, limit: int = 50) -> int:
    """Give away the oldest letters that are due; gives how many left.

    Each is claimed right before it is sent, so that a slow mail server holds no claim it does not
    use.
    """
    sent = 0
    for _ in range(limit):
        claims = _claim(db, mail, only=None, limit=1)
        if not claims or mail is None:
            break
        sent += _send(claims[0], db, mail)
    return sent


def masked(recipient: str) -> str:
    """A recipient as logs may show it: `a***@e***.com`."""
    name, _, domain = recipient.rpartition("@")
    host, _, ending = domain.rpartition(".")
    return f"{name[:1]}***@{host[:1]}***.{ending}" if host else f"{name[:1]}***@{domain[:1]}***"


def _claim(db: Database, mail: MailSender | None, *, only: UUID | None, limit: int) -> list[_Claim]:
    """Take letters nobody else is sending; without a mail server all of them wait."""
    if mail is None:
        return []
    due = (
        select(Notification.id)
        .where(
            Notification.status == NotificationStatus.QUEUED,
            Notification.next_at <= func.shop_now(),
        )
        .order_by(Notification.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if only is not None:
        due = due.where(Notification.id == only)
    with db.transaction() as session:
        rows = session.execute(
            update(Notification)
            .where(Notification.id.in_(due.scalar_subquery()))
            .values(
                attempts=Notification.attempts + 1,
                next_at=func.shop_now() + text(f"interval '{_CLAIM_SECONDS} seconds'"),
            )
            .returning(Notification.id, Notification.attempts)
        )
        return [_Claim(row.id, row.attempts) for row in rows]


def _send(claim: _Claim, db: Database, mail: MailSender) -> bool:
    letter: Letter | None = None
    try:
        letter = _write(claim, db)
        mail.send(letter)
    except MailAway as error:
        _failed(claim, db, error, is_final=claim.attempts >= _ATTEMPTS_MAX)
    except LetterRefused as error:
        _failed(claim, db, error, is_final=True)
    except Exception as error:
        log.exception("letter_not_written", extra={"notification_id": str(claim.id)})
        _failed(claim, db, error, is_final=claim.attempts >= _ATTEMPTS_MAX)
    else:
        with db.transaction() as session:
            _close(session, claim, status=NotificationStatus.SENT, sent_at=func.shop_now())
        log.info("letter_sent", extra={"recipient": masked(letter.recipient)})
        return True
    return False


def _write(claim: _Claim, db: Database) -> Letter:
    with db.reading() as session:
        return messages.write(session, session.get_one(Notification, claim.id))


def _failed(claim: _Claim, db: Database, error: Exception, *, is_final: bool) -> None:
    """Put it off, or give it up with an incident."""
    reason = f"{type(error).__name__}: {error}"[:500]
    log.warning("letter_failed", extra={"notification_id": str(claim.id)})
    with db.transaction() as session:
        if not is_final:
            seconds = min(_BACKOFF_SECONDS * 2 ** min(claim.attempts - 1, 20), _BACKOFF_SECONDS_MAX)
            later = func.shop_now() + text(f"interval '{seconds} seconds'")
            _close(session, claim, next_at=later, last_error=reason)
        elif _close(session, claim, status=NotificationStatus.FAILED, last_error=reason):
            open_incident(
                session,
                kind=INCIDENT,
                subject=str(claim.id),
                detail={"error": type(error).__name__},
            )


def _close(session: Session, claim: _Claim, **values: Any) -> bool:
    """Record an outcome, unless a later attempt has taken over."""
    closed = session.scalars(
        update(Notification)
        .where(
            Notification.id == claim.id,
            Notification.attempts == claim.attempts,
            Notification.status == NotificationStatus.QUEUED,
        )
        .values(**values)
        .returning(Notification.id)
    )
    return closed.first() is not None
