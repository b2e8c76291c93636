"""What letters say: a kind's words, in the language of whoever reads them."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.notifications import rendering
from app.notifications.errors import NothingToShow, UnknownTemplate
from app.notifications.letters import LETTERS, Kind
from app.notifications.links import Links
from app.notifications.models import Notification
from app.notifications.ports import Letter
from app.notifications.rendering import Rendered
from app.platform.ids import decode

_NO_LETTER = UUID(int=0)


def write(session: Session, notification: Notification, links: Links) -> Letter:
    """Write a queued letter from what the shop knows now.

    Raises Withheld where nobody is to read it any more, NotFound for a subject that is gone, and
    jinja2.TemplateError for a template that asks for what nobody gave.
    """
    kind = kind_of(notification.template)
    words = kind.about(session, _subject(kind, notification), links)
    url = links.unsubscribe(notification.id) if kind.topic else None
    said = rendering.render(kind.template, notification.locale, _with_ways_out(words, url))
    return Letter(
        id=notification.id,
        recipient=notification.recipient,
        subject=said.subject,
        text=said.text,
        html=said.html,
        language=said.speech.tag,
        unsubscribe_url=url,
    )


def preview(
    session: Session, template: str, *, locale: str, links: Links, subject: str | None = None
) -> Rendered:
    """How a letter looks, with made-up words or those of a real subject, named by its public id.

    Raises UnknownTemplate, and NothingToShow for a subject of another kind, one that is not there,
    or a letter that only its recipient may see.
    """
    kind = kind_of(template)
    words = kind.example if subject is None else kind.about(session, _named(kind, subject), links)
    url = links.unsubscribe(_NO_LETTER) if kind.topic else None
    return rendering.render(template, locale, _with_ways_out(words, url))


def kind_of(template: str) -> Kind:
    """What is known of a letter. Raises UnknownTemplate."""
    if template not in LETTERS:
        raise UnknownTemplate(f"There is no letter {template!r}.", known=sorted(LETTERS))
    return LETTERS[template]


def _subject(kind: Kind, notification: Notification) -> UUID:
    return UUID(notification.facts[kind.fact]) if kind.fact else notification.subject_id


def _named(kind: Kind, subject: str) -> UUID:
    if kind.prefix is None:
        raise NothingToShow("Only its recipient may see this letter; look at the example.")
    try:
        return decode(kind.prefix, subject)
    except ValueError as error:
        raise NothingToShow(f"This letter tells of ids that begin with {kind.prefix}_.") from error


def _with_ways_out(words: Any, unsubscribe_url: str | None) -> dict[str, Any]:
    return {**words, "unsubscribe_url": unsubscribe_url}
