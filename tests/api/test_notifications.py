"""Letters through the door: how they look, how they are stopped, in which language they come."""

from collections.abc import Callable
from html import unescape
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import User
from app.adapters.queue.inline import InlineQueue
from app.checkout.models import Checkout
from app.config import Settings
from app.notifications import messages, service
from app.notifications.errors import UnknownTemplate
from app.notifications.languages import languages
from app.notifications.letters import LETTERS
from app.notifications.models import Notification, OptOut
from app.orders.models import Order
from app.platform.ids import decode, encode, new_id
from app.web.languages import asked_language
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.notifications.world import CUSTOMER, World, make_world
from tests.statements import statements

TEMPLATES, PREVIEW = "/v1/ops/notifications/templates", "/v1/ops/notifications/preview"
UNSUBSCRIBE, PREFERENCES = "/v1/notifications/unsubscribe", "/v1/account/notifications"
ALL_ON = {"low_stock": True, "review_invitation": True}


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose people all own something."""
    return street(providers, queue, client)


@pytest.fixture
def world(providers: Providers) -> World:
    """An order that went every road."""
    with providers.db.transaction() as session:
        return make_world(session, locale="de")


@pytest.fixture
def letter(providers: Providers) -> Callable[..., UUID]:
    """A letter that is queued, of a kind that can be stopped unless said otherwise."""

    def letter(template: str = "review_invitation", **given: Any) -> UUID:
        values = {"event_id": new_id(), "subject_id": new_id(), "recipient": CUSTOMER}
        with providers.db.transaction() as session:
            queued = service.queue_letter(session, template, **values | given)
        assert queued is not None
        return queued

    return letter


def _opted_out(shop: Providers) -> set[tuple[str, str]]:
    with shop.db.reading() as session:
        return {(row.recipient, row.topic) for row in session.scalars(select(OptOut))}


def test_operations_see_every_letter_there_is(shop: Street) -> None:
    answer = shop.people["ops"].get(TEMPLATES)

    assert answer.status_code == 200
    rows = {row["template"]: row for row in (answer.json or {})["data"]}
    assert set(rows) == set(LETTERS)
    assert rows["low_stock"]["topic"] == "low_stock"
    assert rows["order_shipped"]["topic"] is None
    assert set(rows["order_shipped"]["locales"]) >= {"en", "de"}


def test_nobody_else_sees_them(shop: Street) -> None:
    for who in ("nobody", "guest", "customer", "merchant"):
        for path in (TEMPLATES, f"{PREVIEW}?template=order_confirmed"):
            answer = shop.people[who].get(path)

            assert answer.status_code == (401 if who == "nobody" else 403), (who, path)


def test_every_letter_can_be_looked_at_with_made_up_words(shop: Street) -> None:
    for template, language in product(LETTERS, languages()):
        for form, kind in (("html", "text/html"), ("text", "text/plain")):
            answer = shop.people["ops"].get(
                f"{PREVIEW}?template={template}&locale={language}&format={form}"
            )

            assert answer.status_code == 200, answer.json
            assert answer.mimetype == kind
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert "script-src" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.unaudited
def test_a_letter_can_be_looked_at_with_the_words_of_a_real_subject(
    shop: Street, world: World
) -> None:
    said = {}
    for template, kind in LETTERS.items():
        subject = world.ids().get(kind.prefix or "", "usr_01h455vb4pex5vsknk084sn02q")
        path = f"{PREVIEW}?template={template}&locale=de&format=text&subject={subject}"
        said[template] = shop.people["ops"].get(path)

    for_its_reader_alone = {name for name, kind in LETTERS.items() if kind.prefix is None}
    assert {name for name, answer in said.items() if answer.status_code == 404} == (
        for_its_reader_alone
    )
    assert {answer.status_code for answer in said.values()} == {200, 404}
    assert "JD0001" in said["order_shipped"].text
    assert "1.200,00" in said["return_refunded"].text


def test_what_cannot_be_shown_is_refused(shop: Street) -> None:
    refused = {
        "": (422, "validation_failed"),
        "template=nothing": (422, "validation_failed"),
        "template=order_shipped&locale=klingon!": (422, "validation_failed"),
        "template=order_shipped&format=pdf": (422, "validation_failed"),
        "template=order_shipped&subject=ord_01h455vb4pex5vsknk084sn02q": (404, "subject_not_found"),
        "template=order_shipped&subject=shp_01h455vb4pex5vsknk084sn02q": (404, "subject_not_found"),
        "template=order_shipped&subject=%27%3B--": (404, "subject_not_found"),
        "template=order_shipped&more=1": (422, "validation_failed"),
    }

    for query, refusal in refused.items():
        answer = shop.people["ops"].get(f"{PREVIEW}?{query}")

        assert (answer.status_code, (answer.json or {})["code"]) == refusal, query
        assert answer.mimetype == "application/problem+json"


def test_a_letter_there_is_not_is_refused_with_those_there_are(providers: Providers) -> None:
    with providers.db.reading() as session, pytest.raises(UnknownTemplate) as refused:
        messages.preview(session, "nothing", locale="en", links=providers.links)

    assert refused.value.code == "template_not_found"
    assert set(refused.value.facts["known"]) == set(LETTERS)


def test_looking_at_the_page_changes_nothing_and_its_button_stops_the_letters(
    providers: Providers, client: FlaskClient, letter: Callable[..., UUID]
) -> None:
    path = f"{UNSUBSCRIBE}?token={providers.links.token(letter(locale='de'))}"

    page = client.get(path)
    before = _opted_out(providers)
    done = client.post(path, data={"List-Unsubscribe": "One-Click"})

    assert page.status_code == 200
    assert 'lang="de"' in page.text
    assert f'action="{path}"' in unescape(page.text)
    assert CUSTOMER not in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert before == set()
    assert (done.status_code, done.mimetype) == (200, "text/html")
    assert _opted_out(providers) == {(CUSTOMER, "review_invitation")}


def test_the_link_in_the_header_stops_the_letters_by_itself_however_often(
    providers: Providers, client: FlaskClient, letter: Callable[..., UUID]
) -> None:
    url = providers.links.unsubscribe(letter())

    answers = [client.post(url, data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert _opted_out(providers) == {(CUSTOMER, "review_invitation")}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_not_good_stops_nothing(
    providers: Providers, client: FlaskClient, letter: Callable[..., UUID], method: str
) -> None:
    needed, known = providers.links.token(letter("order_confirmed")), letter()
    forged = f"{encode('ntf', known)}.{'A' * 22}"
    missing = providers.links.token(new_id())

    answers = [
        client.open(f"{UNSUBSCRIBE}?token={token}", method=method)
        for token in (needed, forged, missing, "x")
    ]

    assert [(a.status_code, (a.json or {})["code"]) for a in answers] == [
        (404, "link_not_good")
    ] * 4
    assert _opted_out(providers) == set()


def test_a_person_chooses_which_letters_to_get(shop: Street) -> None:
    customer = shop.people["customer"]

    first = customer.get(PREFERENCES).json
    changed = _put(customer, {"review_invitation": False})
    seen = customer.get(PREFERENCES).json
    back = _put(customer, {"review_invitation": True})

    assert first == ALL_ON
    assert changed.json == seen == {**ALL_ON, "review_invitation": False}
    assert back.json == ALL_ON


def test_what_one_person_chose_concerns_nobody_else(shop: Street) -> None:
    _put(shop.people["customer"], dict.fromkeys(ALL_ON, False))

    assert shop.people["merchant"].get(PREFERENCES).json == ALL_ON


def test_other_choices_are_refused(shop: Street) -> None:
    refused: list[tuple[str, Any, int]] = [
        ("nobody", {"low_stock": False}, 401),
        ("guest", {"low_stock": False}, 403),
        ("customer", {"order_shipped": False}, 422),
        ("customer", {"low_stock": "maybe"}, 422),
        ("customer", [], 422),
    ]

    for who, body, status in refused:
        assert _put(shop.people[who], body).status_code == status, (who, body)

    assert _opted_out(shop.wired) == set()


def test_choosing_under_a_key_happens_once(shop: Street) -> None:
    customer = shop.people["customer"]

    first = _put(customer, {"low_stock": False}, key="k")
    _put(customer, {"low_stock": True})
    again = _put(customer, {"low_stock": False}, key="k")

    assert again.json == first.json
    assert customer.get(PREFERENCES).json == ALL_ON


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("en;q=0.5, de", "de"),
        ("tlh-nothing, de;q=0.1", "de"),
        ("*", None),
        ("\x7f;;;q=q", None),
        ("x-" * 5_000, None),
        ("", None),
    ],
    ids=["region", "weights", "unknown-first", "any", "nonsense", "endless", "none"],
)
def test_the_first_wish_that_is_a_language_is_heard(header: str, tag: str | None) -> None:
    with Flask("door").test_request_context(headers={"Accept-Language": header}):
        assert asked_language() == tag


@pytest.mark.parametrize(("header", "locale"), [("de-AT,en;q=0.8", "de-AT"), ("*", "en")])
def test_the_letters_of_an_order_speak_the_language_of_the_request(
    shop: Street, header: str, locale: str
) -> None:
    visitor = shop.people["visitor"]
    visitor.headers["Accept-Language"] = header

    visitor.buy()
    shop.queue.drain()

    with shop.wired.db.reading() as session:
        checkout = session.get_one(Checkout, decode("chk", visitor.ids["checkout_id"]))
        order = session.get_one(Order, checkout.order_id)
    assert (checkout.locale, order.locale) == (locale, locale)


@pytest.mark.parametrize(("chosen", "locale"), [("en", "en"), (None, "de")])
def test_the_language_of_an_account_goes_before_that_of_a_request(
    shop: Street, chosen: str | None, locale: str
) -> None:
    customer = shop.people["customer"]
    with shop.wired.db.transaction() as session:
        session.get_one(User, decode("usr", customer.ids["user_id"])).locale = chosen
    customer.headers["Accept-Language"] = "de"

    customer.buy()

    with shop.wired.db.reading() as session:
        checkout = session.get_one(Checkout, decode("chk", customer.ids["checkout_id"]))
    assert checkout.locale == locale


def test_the_calls_stay_within_their_budgets(shop: Street) -> None:
    budgets: list[tuple[str, str, Any, int]] = [
        ("GET", TEMPLATES, None, 0),
        ("GET", f"{PREVIEW}?template=order_confirmed", None, 0),
        ("GET", PREFERENCES, None, 2),
        ("PUT", PREFERENCES, {"low_stock": False}, 3),
    ]
    headers = shop.people["ops"].headers

    for method, path, body, most in budgets:
        with statements(shop.wired.db) as sql:
            answer = shop.client.open(path, method=method, json=body, headers=headers)

        assert answer.status_code == 200
        assert len(sql) <= most, "\n".join(sql)


def test_stopping_letters_costs_little(
    providers: Providers, client: FlaskClient, letter: Callable[..., UUID]
) -> None:
    url = providers.links.unsubscribe(letter())

    with statements(providers.db) as sql:
        client.post(url)

    assert len(sql) <= 3, "\n".join(sql)


def test_a_letter_keeps_the_language_it_was_queued_in(
    providers: Providers, letter: Callable[..., UUID]
) -> None:
    queued = letter(locale="de-AT"), letter(locale="not a language")

    with providers.db.reading() as session:
        found = [session.get_one(Notification, each).locale for each in queued]
    assert found == ["de-AT", "en"]


def _put(person: Person, body: Any, *, key: str | None = None) -> Any:
    headers = person.headers | ({"Idempotency-Key": key} if key else {})
    return person.client.put(PREFERENCES, json=body, headers=headers)
