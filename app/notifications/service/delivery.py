"""Gives queued letters away at least once.

Between the mail server's acceptance and our commit a crash repeats the letter, under the same
Message-ID: that window is all there is.
"""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.notifications import messages
from app.notifications.errors import LetterRefused, MailAway, MailboxRefused, Withheld
from app.notifications.links import Links
from app.notifications.masking import masked
from app.notifications.models import Notification, NotificationStatus
from app.notifications.ports import Letter, MailSender
from app.notifications.queries import reason_to_withhold
from app.platform.db import Database
from app.platform.metrics import LETTERS
from app.saga.incidents import open_incident

log = logging.getLogger(__name__)

INCIDENT = "letter_failed"
_CLAIM_SECONDS = 120  # longer than a mail server may take; after that another worker tries
_BACKOFF_SECONDS, _BACKOFF_SECONDS_MAX = 15, 3600
_ATTEMPTS_MAX = 30  # about a day
_ANYBODYS = "account_"  # letters that whoever names an address makes the shop write


@dataclass(frozen=True)
class _Claim:
    """A letter this worker may send until others may; `attempts` fences the outcome."""

    id: UUID
    attempts: int


def deliver(notification_id: UUID, db: Database, mail: MailSender | None, links: Links) -> bool:
    """Give one letter away if it is due; gives whether it left."""
    claims = _claim(db, mail, only=notification_id, limit=1)
    return mail is not None and bool(claims) and _send(claims[0], db, mail, links)


def deliver_due(db: Database, mail: MailSender | None, links: Links, *, limit: int = 50) -> int:
    """Give away the oldest letters that are due; gives how many left.

    Each is claimed right before it is sent, so that a slow mail server holds no claim it does not
    use.
    """
    sent = 0
    for _ in range(limit):
        claims = _claim(db, mail, only=None, limit=1)
        if not claims or mail is None:
            break
        sent += _send(claims[0], db, mail, links)
    return sent


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
    chosen = due.cte("due")  # chosen once: a subquery may be run anew, and claim more than it may
    with db.transaction() as session:
        rows = session.execute(
            update(Notification)
            .where(Notification.id == chosen.c.id)
            .values(
                attempts=Notification.attempts + 1,
                next_at=func.shop_now() + text(f"interval '{_CLAIM_SECONDS} seconds'"),
            )
            .returning(Notification.id, Notification.attempts)
        )
        return [_Claim(row.id, row.attempts) for row in rows]


def _send(claim: _Claim, db: Database, mail: MailSender, links: Links) -> bool:
    try:
        letter = _write(claim, db, links)
        mail.send(letter)
    except Withheld as reason:
        _withheld(claim, db, reason.detail)
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
        LETTERS.labels(outcome="sent").inc()
        log.info("letter_sent", extra={"recipient": masked(letter.recipient)})
        return True
    return False


def _write(claim: _Claim, db: Database, links: Links) -> Letter:
    """Write it if it is still wanted: what was queued may have been opted out of meanwhile."""
    with db.reading() as session:
        queued = session.get_one(Notification, claim.id)
        topic = messages.kind_of(queued.template).topic
        reason = reason_to_withhold(session, queued.recipient, topic)
        if reason is not None:
            raise Withheld(reason)
        return messages.write(session, queued, links)


def _withheld(claim: _Claim, db: Database, reason: str) -> None:
    with db.transaction() as session:
        _close(session, claim, status=NotificationStatus.WITHHELD, last_error=reason)
    LETTERS.labels(outcome="withheld").inc()
    log.info("letter_withheld", extra={"notification_id": str(claim.id), "reason": reason})


def _failed(claim: _Claim, db: Database, error: Exception, *, is_final: bool) -> None:
    """Put it off, or give it up with an incident; without, where anybody could have caused it by
    registering an address that is none."""
    reason = f"{type(error).__name__}: {error}"[:500]
    log.warning("letter_failed", extra={"notification_id": str(claim.id)})
    with db.transaction() as session:
        if not is_final:
            seconds = min(_BACKOFF_SECONDS * 2 ** min(claim.attempts - 1, 20), _BACKOFF_SECONDS_MAX)
            later = func.shop_now() + text(f"interval '{seconds} seconds'")
            _close(session, claim, next_at=later, last_error=reason)
            return
        template = _close(session, claim, status=NotificationStatus.FAILED, last_error=reason)
        if template is None:
            return
        session.afterwards(LETTERS.labels(outcome="failed").inc)
        if not (template.startswith(_ANYBODYS) and isinstance(error, MailboxRefused)):
            told = {"error": type(error).__name__}
            open_incident(session, kind=INCIDENT, subject=str(claim.id), detail=told)


def _close(session: Session, claim: _Claim, **values: Any) -> str | None:
    """Record an outcome, unless a later attempt has taken over; gives which letter it was."""
    closed = session.scalars(
        update(Notification)
        .where(
            Notification.id == claim.id,
            Notification.attempts == claim.attempts,
            Notification.status == NotificationStatus.QUEUED,
        )
        .values(**values)
        .returning(Notification.template)
    )
    return closed.first()
