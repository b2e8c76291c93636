"""The one page letters lead to: out of those of a kind."""

from sqlalchemy.orm import Session

from app.notifications.languages import speech
from app.notifications.letters import LETTERS
from app.notifications.links import UNSUBSCRIBE_PATH, Links
from app.notifications.masking import masked
from app.notifications.models import Notification
from app.notifications.queries import opted_out
from app.notifications.rendering import environment


def unsubscribe(session: Session, letter: Notification, links: Links) -> str:
    """Whether letters of this one's kind still come, and the button that stops them. In the
    letter's language; the address is masked, for links are passed on."""
    topic = LETTERS[letter.template].topic
    page = environment(speech(letter.locale), "html").get_template("unsubscribe.html")
    return page.render(
        recipient=masked(letter.recipient),
        topic=topic,
        is_out=topic in opted_out(session, letter.recipient),
        action=f"{UNSUBSCRIBE_PATH}?token={links.token(letter.id)}",
    )
