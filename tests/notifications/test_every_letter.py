"""Each letter, in each language, from the event that causes it to the reader's mailbox."""

import re
from collections import Counter
from html import escape
from html.parser import HTMLParser

import pytest
from sqlalchemy import delete, select, update

from app.accounts.models import TokenPurpose
from app.events.models import ConsumerCursor, ConsumerInbox
from app.events.outbox import announce
from app.notifications import messages, service
from app.notifications.languages import languages
from app.notifications.letters import LETTERS
from app.notifications.models import Notification, NotificationStatus
from app.orders.models import Order
from app.orders.states import Decision
from app.platform.ids import encode
from tests.notifications.conftest import STOREFRONT
from tests.notifications.world import (
    BARN,
    CUSTOMER,
    FACTS,
    INVITED,
    SELLER,
    TRACKING_URL,
    WEAVERS,
    make_world,
)

pytestmark = pytest.mark.unaudited

LATER = 8 * 24 * 3600  # invitations wait for a week
TO = {"low_stock": SELLER, "return_to_decide": SELLER, "account_invited": INVITED}
# Whose customer the reader is; an account is nobody's, and a parcel or a return is one merchant's.
NOBODYS = {"account_welcome", "account_verify", "account_reset", "account_password_changed"}
OF_ALL = {
    "order_confirmed", "order_delivered", "order_canceled", "order_refunded", "review_invitation",
}  # fmt: skip


class Outline(HTMLParser):
    """What a screen reader goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def world(db):
    with db.transaction() as session:
        return make_world(session)


@pytest.fixture
def tell(db, react):
    """Announce facts and let the consumer hear them."""

    def tell(*facts):
        with db.transaction() as session:
            announce(session, *facts)
        return react()

    return tell


@pytest.fixture
def everything(db, tell, mail, links, clock, arrived):
    """Every letter there is, by its template, as it arrives."""

    def everything(language):
        with db.transaction() as session:
            world = make_world(session, locale=language)
        # The delivery is what invites to a review.
        facts = [fact(world) for name, fact in FACTS.items() if name != "review_invitation"]
        tell(*dict.fromkeys(facts))
        tell()
        service.deliver_due(db, mail, links)
        clock.advance(LATER)
        service.deliver_due(db, mail, links)
        with db.reading() as session:
            rows = session.scalars(select(Notification)).all()
        names = {f"<{encode('ntf', row.id)}@example.com>": row.template for row in rows}
        found = {names[read.message["Message-ID"]]: read for read in arrived()}
        assert set(found) == set(LETTERS)
        return found

    return everything


@pytest.fixture
def letter(db, tell, mail, links, clock, arrived):
    """The letter a fact causes, as it arrives; there is exactly one."""

    def letter(template, *, locale="en", **given):
        with db.transaction() as session:
            world = make_world(session, locale=locale, **given)
        tell(FACTS[template](world))
        clock.advance(LATER if template == "review_invitation" else 0)
        service.deliver_due(db, mail, links)
        (read,) = arrived()
        assert read.message["To"] == TO.get(template, CUSTOMER)
        return world, read

    return letter


@pytest.mark.parametrize("language", languages())
def test_every_letter_arrives_in_the_readers_language(everything, language):
    for template, read in everything(language).items():
        outline = Outline()
        outline.feed(read.html)
        tags = dict(outline.tags)
        subject = read.message["Subject"]
        assert read.message["To"] == TO.get(template, CUSTOMER)
        assert read.message["Content-Language"] == language
        assert read.message["Auto-Submitted"] == "auto-generated"
        assert subject
        assert f"<title>{escape(subject)}</title>" in read.html
        assert tags["html"]["lang"] == language
        assert ("meta", {"name": "color-scheme", "content": "light dark"}) in outline.tags
        assert [attrs for tag, attrs in outline.tags if tag == "img" and "alt" not in attrs] == []
        for words in (read.text, read.html):
            assert not re.search(r"None|Undefined|\{\{|\{%|%\(", words), template
        assert not re.search(r"\A\s|\n\n\n|[ \t]\n", read.text), template


@pytest.mark.parametrize("language", languages())
def test_every_letter_names_the_merchants_it_comes_from(everything, language):
    for template, read in everything(language).items():
        named = {name for name in (BARN, WEAVERS) if name in read.text}
        shown = {name for name in (BARN, WEAVERS) if escape(name) in read.html}
        if template in NOBODYS:
            assert named == shown == set(), template
        elif template in OF_ALL:
            assert named == shown == {BARN, WEAVERS}, template
        else:
            mine = WEAVERS if template == "account_invited" else BARN
            assert mine in named & shown, template


def test_only_letters_that_can_be_stopped_say_how(everything):
    for template, read in everything("en").items():
        url = (read.message["List-Unsubscribe"] or "").strip("<>")
        if LETTERS[template].topic is None:
            assert not url
            assert "unsubscribe" not in read.text + read.html
        else:
            assert read.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert url.startswith("https://api.example.com/v1/notifications/unsubscribe?token=")
            assert url in read.text
            assert url in read.html


def test_a_letter_says_something_else_in_each_language(db, links):
    with db.reading() as session:
        for template in LETTERS:
            said = [
                messages.preview(session, template, locale=language, links=links)
                for language in languages()
            ]
            for part in ("subject", "text", "html"):
                assert len({getattr(letter, part) for letter in said}) == len(said), template


def test_the_example_of_a_letter_has_the_words_of_a_real_one(db, world, links):
    purposes = {"account_reset": TokenPurpose.RESET, "account_invited": TokenPurpose.INVITE}
    ids = {
        "ord": world.order.id, "shp": world.shipment.id, "ref": world.refund.id,
        "ret": world.back.id, "sku": world.sku_id, "usr": world.customer.id,
    }  # fmt: skip

    with db.reading() as session:
        for template, kind in LETTERS.items():
            token = world.tokens[purposes.get(template, TokenPurpose.VERIFY)]
            words = kind.about(session, ids.get(kind.prefix, token.id), links)
            assert set(words) == set(kind.example), template


def test_a_fact_heard_twice_writes_one_letter(db, world, tell):
    tell(*(fact(world) for fact in FACTS.values()))

    with db.transaction() as session:
        session.execute(delete(ConsumerInbox))
        session.execute(update(ConsumerCursor).values(position=0))
    heard = tell()

    with db.reading() as session:
        rows = session.scalars(select(Notification)).all()
    assert heard >= len(FACTS)
    once = Counter((row.event_id, row.recipient) for row in rows)
    assert set(once.values()) == {1}
    assert {row.template for row in rows} == set(LETTERS)


def test_a_parcel_tells_what_is_inside_how_to_follow_it_and_what_is_still_to_come(letter):
    world, read = letter("order_shipped")

    inside, to_come = read.text.split("Still to come")
    assert BARN in inside
    assert "JD0001" in inside
    assert TRACKING_URL in inside
    assert "1 × Boot <1> (B-1)" in inside
    assert "Boot <2>" not in inside
    assert "2 × Boot <2> (B-2)" in to_come
    assert WEAVERS in to_come
    assert TRACKING_URL.replace("&", "&amp;") in read.html
    assert f"{STOREFRONT}/orders/{encode('ord', world.order.id)}" in read.text


@pytest.mark.parametrize(("language", "amount"), [("en", "€17.28"), ("de", "17,28\xa0€")])
def test_a_refund_tells_its_amount_and_its_lines(letter, language, amount):
    world, read = letter("order_refunded", locale=language)

    assert amount in read.text
    assert amount in read.html
    assert "1 × Boot <2> (B-2)" in read.text
    assert world.order.number in read.message["Subject"]


def test_the_refund_of_a_return_is_told_by_the_return_alone(db, world, tell):
    repaid = FACTS["order_refunded"](world).__class__(world.order.id, world.repaid.id)

    tell(repaid, FACTS["return_refunded"](world))

    with db.reading() as session:
        rows = session.scalars(select(Notification)).all()
    assert [row.template for row in rows] == ["return_refunded"]


def test_who_asks_for_a_return_hears_of_it_and_so_does_who_decides(db, world, tell):
    tell(FACTS["return_requested"](world))

    with db.reading() as session:
        rows = session.scalars(select(Notification)).all()
    assert {(row.template, row.recipient) for row in rows} == {
        ("return_requested", CUSTOMER), ("return_to_decide", SELLER),
    }  # fmt: skip
    assert {row.subject_id for row in rows} == {world.order.id}


def test_who_decides_on_a_return_reads_why_goods_come_back_and_not_from_whom(everything):
    read = everything("en")["return_to_decide"]

    assert "1 × Boot <1> (B-1)" in read.text
    assert "too small" in read.text
    assert CUSTOMER not in read.text + read.html


@pytest.mark.parametrize(
    ("decision", "words"),
    [(Decision.APPROVED, "has not received"), (None, "has not decided in time")],
)
def test_a_return_that_expired_says_what_did_not_happen(
    db, world, tell, mail, links, arrived, decision, words
):
    with db.transaction() as session:
        session.merge(world.back).decision = decision
    tell(FACTS["return_expired"](world))

    service.deliver_due(db, mail, links)

    (read,) = arrived()
    assert words in read.text.replace("\n", " ")


def test_a_return_that_is_called_off_says_that_the_goods_stay(letter):
    world, read = letter("return_canceled", locale="de")

    assert "Sie behalten diese Ware" in read.text
    assert encode("ret", world.back.id) in read.text


def test_an_approved_return_says_where_to_send_it(letter):
    world, read = letter("return_approved")

    assert encode("ret", world.back.id) in read.text
    assert "Harbour Street 3" in read.text
    assert "20457 Hamburg" in read.text
    assert "too small" in read.text


def test_a_refused_return_says_why_without_markup(letter):
    _, read = letter("return_refused")

    assert "They were <worn>." in read.text
    assert "They were &lt;worn&gt;." in read.html
    assert BARN in read.text


def test_a_refunded_return_tells_what_goes_back(letter):
    _, read = letter("return_refunded", locale="de")

    assert "1.200,00\xa0€" in read.text
    assert BARN in read.text


def test_a_merchant_is_told_what_runs_low(letter):
    _, read = letter("low_stock")

    assert "3 units" in read.text
    assert BARN in read.text
    assert "You asked to be told at: 5" in read.text


def test_a_letter_with_a_token_carries_it_though_no_row_does(db, letter, links):
    world, read = letter("account_reset")

    token_id = world.tokens[TokenPurpose.RESET].id
    assert links.tokens.link(token_id, TokenPurpose.RESET) in read.text
    with db.reading() as session:
        row = session.scalars(select(Notification)).one()
    assert row.facts == {"token_id": str(token_id)}


def test_a_token_that_is_of_no_use_any_more_is_not_sent(db, world, tell, mail, links, arrived):
    tell(FACTS["account_reset"](world))
    with db.transaction() as session:
        token = session.merge(world.tokens[TokenPurpose.RESET])
        token.expires_at = token.created_at

    service.deliver_due(db, mail, links)

    with db.reading() as session:
        row = session.scalars(select(Notification)).one()
    assert (row.status, row.last_error) == (NotificationStatus.WITHHELD, "token_not_good")
    assert arrived() == []


def test_nobody_is_written_to_where_nobody_asked(db, world, tell):
    with db.transaction() as session:
        session.merge(world.tokens[TokenPurpose.RESET]).user_id = None

    tell(FACTS["account_reset"](world))

    with db.reading() as session:
        assert session.scalars(select(Notification)).all() == []


def test_a_canceled_order_says_what_becomes_of_the_money(letter):
    _, read = letter("order_canceled")

    assert "What was collected goes back" in read.text


def test_letters_about_an_order_belong_to_its_story(db, world, tell):
    tell(*(FACTS[name](world) for name in ("order_shipped", "order_refunded", "return_approved")))

    with db.reading() as session:
        rows = session.scalars(select(Notification)).all()
        assert {row.subject_id for row in rows} == {session.scalars(select(Order.id)).one()}
    assert len(rows) == 3
