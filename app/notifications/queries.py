"""What can be asked of letters: who wants which, and to whom those about merchants go."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.queries import people_of
from app.accounts.settings import settings_of
from app.notifications.errors import LinkNotGood
from app.notifications.letters import LETTERS, Topic
from app.notifications.models import Notification, OptOut

_NOWHERE = ".invalid"  # RFC 2606: what an erased person's address ends in; no mail server has it


def reason_to_withhold(session: Session, recipient: str, topic: Topic | None) -> str | None:
    """Why a letter is not to reach this address: `erased` or `opted_out`; None where it may."""
    if recipient.lower().endswith(_NOWHERE):
        return "erased"
    if topic is not None and topic in opted_out(session, recipient):
        return "opted_out"
    return None


def opted_out(session: Session, recipient: str) -> set[Topic]:
    """The kinds of letters this address does not want."""
    found = session.scalars(select(OptOut.topic).where(OptOut.recipient == recipient))
    return {Topic(topic) for topic in found if topic in set(Topic)}


def readers_of(session: Session, merchant_id: UUID) -> list[tuple[str, str]]:
    """Who reads letters to a merchant, with their languages: its people, or else the address it
    named for support; nobody where it has neither."""
    people = [user for user in people_of(session, merchant_id) if user.erased_at is None]
    if people:
        return [(user.email, user.locale or "en") for user in people]
    support = settings_of(session, merchant_id).support_email
    return [(support, "en")] if support else []


def letter_of_a_kind(session: Session, notification_id: UUID) -> Notification:
    """A letter of a kind that can be stopped. Raises LinkNotGood."""
    letter = session.get(Notification, notification_id)
    kind = LETTERS.get(letter.template) if letter else None
    if letter is None or kind is None or kind.topic is None:
        raise LinkNotGood("This link is not good any more.")
    return letter
