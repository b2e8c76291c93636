"""Letters: how they look, for operations; which to get, for whoever gets them."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app.accounts.queries import signed_in
from app.api.schemas.notifications import (
    LinkArgs,
    PreferencesChangeSchema,
    PreferencesSchema,
    PreviewArgs,
    TemplatesSchema,
)
from app.notifications import messages, pages, service
from app.notifications.languages import languages
from app.notifications.letters import LETTERS, Topic
from app.notifications.queries import letter_of_a_kind, opted_out
from app.web.auth import Scope, principal, public, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.transactions import reading, transaction
from app.wiring import providers

notifications = Blueprint(
    "notifications", __name__, url_prefix="/v1", description="Letters and who wants them"
)

_HTML, _TEXT = "text/html", "text/plain"
_TEXT_BODY = {"type": "string"}
# A letter brings its own styles and nothing else; what stands in it can run nothing here.
_LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; sandbox"
)
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)


@notifications.route("/ops/notifications/templates", methods=["GET"])
@requires(Scope.OPS)
@notifications.response(200, TemplatesSchema)
def list_letter_templates() -> dict[str, Any]:
    """Every letter there is, and the languages it is written in."""
    return {
        "data": [
            {
                "template": kind.template,
                "topic": kind.topic,
                "subject_prefix": kind.prefix,
                "locales": languages(),
            }
            for kind in LETTERS.values()
        ]
    }


@notifications.route("/ops/notifications/preview", methods=["GET"])
@requires(Scope.OPS)
@notifications.arguments(PreviewArgs, location="query")
@notifications.response(200, _TEXT_BODY, content_type=_HTML, description="The letter.")
@notifications.alt_response(404, "NOT_FOUND")
@notifications.doc(responses={200: {"content": {_TEXT: {"schema": _TEXT_BODY}}}})
def preview_letter(wanted: dict[str, Any]) -> Response:
    """How a letter looks: with made-up words, or with those of a real subject.

    As text its subject stands in the first line, as HTML in the title. Nothing is sent.
    """
    with reading() as session:
        said = messages.preview(
            session,
            wanted["template"],
            locale=wanted["locale"],
            links=providers().links,
            subject=wanted["subject"],
        )
    if wanted["format"] == "text":
        return _answer(f"Subject: {said.subject}\n\n{said.text}", _TEXT, _LETTER_POLICY)
    return _answer(said.html, _HTML, _LETTER_POLICY)


@notifications.route("/notifications/unsubscribe", methods=["GET"])
@requires(public)
@notifications.arguments(LinkArgs, location="query")
@notifications.response(200, _TEXT_BODY, content_type=_HTML, description="A page.")
@notifications.alt_response(404, "NOT_FOUND")
def show_unsubscribe_page(link: dict[str, str]) -> Response:
    """Ask whoever followed the link of a letter; looking changes nothing."""
    links = providers().links
    with reading() as session:
        letter = letter_of_a_kind(session, links.letter_of(link["token"]))
        return _answer(pages.unsubscribe(session, letter, links), _HTML, _PAGE_POLICY)


@notifications.route("/notifications/unsubscribe", methods=["POST"])
@requires(public)
@notifications.arguments(LinkArgs, location="query")
@notifications.response(200, _TEXT_BODY, content_type=_HTML, description="It is done.")
@notifications.alt_response(404, "NOT_FOUND")
def unsubscribe(link: dict[str, str]) -> Response:
    """Stop letters of the kind that brought this link, in one click and without signing in.

    As RFC 8058 has it: mail programs send it by themselves. Again, it changes nothing.
    """
    links = providers().links
    with transaction() as session:
        letter = service.stop(session, links.letter_of(link["token"]))
        return _answer(pages.unsubscribe(session, letter, links), _HTML, _PAGE_POLICY)


@notifications.route("/account/notifications", methods=["GET"])
@requires(Scope.ACCOUNT)
@notifications.response(200, PreferencesSchema)
def get_preferences() -> dict[str, bool]:
    """Which letters come to one's own address, among those that can be stopped."""
    with reading() as session:
        return _preferences(session, signed_in(session, principal().user_id).email)


@notifications.route("/account/notifications", methods=["PUT"])
@requires(Scope.ACCOUNT)
@idempotent
@notifications.arguments(PreferencesChangeSchema)
@notifications.response(200, PreferencesSchema)
def set_preferences(wanted: dict[str, bool]) -> dict[str, bool]:
    """Choose them."""
    with transaction() as session:
        email = signed_in(session, principal().user_id).email
        service.choose(session, email, {Topic(name): is_on for name, is_on in wanted.items()})
        return _preferences(session, email)


def _preferences(session: Session, email: str) -> dict[str, bool]:
    unwanted = opted_out(session, email)
    return {topic.value: topic not in unwanted for topic in Topic}


def _answer(body: str, kind: str, policy: str) -> Response:
    response = Response(body, content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    return response
