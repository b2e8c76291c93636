"""People choose which letters they get; only among those that nobody's order or account needs."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Text, delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.notifications.letters import LETTERS, Topic
from app.notifications.models import Notification, OptOut
from app.notifications.queries import letter_of_a_kind
from app.platform.rows import unnested


def stop(session: Session, notification_id: UUID) -> Notification:
    """Stop letters of this one's kind for its recipient; doing it again changes nothing.

    Raises LinkNotGood for a letter that is not kept, or that cannot be stopped.
    """
    letter = letter_of_a_kind(session, notification_id)
    topic = LETTERS[letter.template].topic
    if topic is not None:
        choose(session, letter.recipient, {topic: False})
    return letter


def choose(session: Session, recipient: str, wanted: Mapping[Topic, bool]) -> None:
    """Write down which of these kinds a person wants; the others stay as they are."""
    unwanted = [topic for topic, is_wanted in wanted.items() if not is_wanted]
    back = [topic for topic, is_wanted in wanted.items() if is_wanted]
    if back:
        session.execute(delete(OptOut).where(OptOut.recipient == recipient, OptOut.topic.in_(back)))
    if unwanted:
        given = unnested("given", {"topic": (Text(), [topic.value for topic in unwanted])})
        rows = insert(OptOut).from_select(
            ["recipient", "topic"], select(literal(recipient), given.c.topic)
        )
        session.execute(rows.on_conflict_do_nothing())
