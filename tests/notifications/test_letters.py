"""Letters: queued with the event that causes them, given away at least once under a fixed id."""

import logging
import threading
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select, text

from app.adapters.mail.smtp import SmtpMail
from app.events.models import OutboxEvent
from app.events.outbox import announce
from app.notifications import service
from app.notifications.models import Notification, NotificationStatus
from app.orders.events import OrderConfirmed
from app.orders.models import OrderItem
from app.orders.states import OrderState
from app.platform import seams
from app.platform.ids import encode, new_id
from app.saga.models import Incident
from devstack.servers.ports import free_port
from tests.factories import make_merchant, make_order, make_sku, make_user

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong",
    "order_not_paid_once",
    "order_unlike_checkout",
    "saga_unlike_journal",
    "state_not_journaled",
    "units_of_order_not_held",
)

ADDRESS = {
    "name": "Ada <b>Lovelace</b>",
    "line1": "12 St James's Square",
    "line2": None,
    "city": "Berlin",
    "region": "",
    "postal_code": "10117",
    "country": "DE",
    "phone": "+4930123456",
}


class PowerCut(BaseException):
    """The process died here."""


@pytest.fixture
def confirm(db):
    """Confirm an order of two lines by two merchants; a guest's unless told otherwise."""

    def make(*, email="ada@example.org", by_customer=False):
        with db.transaction() as session:
            merchants = (
                make_merchant(session, name="Blue Barn"),
                make_merchant(session, name="Müller & Söhne"),
            )
            skus = [make_sku(session, merchant=merchant) for merchant in merchants]
            user = make_user(session, email=email) if by_customer else None
            order = make_order(
                session,
                number=f"C-{new_id().hex[-8:]}",
                state=OrderState.CONFIRMED,
                email=email,
                user_id=user.id if user else None,
                currency="EUR",
                items_total=123456,
                shipping=490,
                discount=1000,
                tax=19000,
                tax_included=19000,
                total=122946,
                address=ADDRESS,
            )
            lines = zip(skus, (120000, 1728), (1, 2), strict=True)
            for line, (sku, price, qty) in enumerate(lines, start=1):
                session.add(
                    OrderItem(
                        order_id=order.id, line=line, sku_id=sku.id, merchant_id=sku.merchant_id,
                        name=f"Boot <{line}>", code=f"B-{line}", qty=qty, price_snapshot=price,
                    )
                )  # fmt: skip
            announce(session, OrderConfirmed(order.id, order.number, order.checkout_id))
            session.flush()
            return order

    return make


def letters(db):
    with db.reading() as session:
        rows = session.scalars(select(Notification).order_by(Notification.id)).all()
        session.expunge_all()
        return rows


def read(envelope):
    message = message_from_bytes(envelope.content, policy=default)
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    return message, parts["text/plain"].replace("\r\n", "\n"), parts["text/html"]


@pytest.mark.parametrize("by_customer", [False, True])
def test_a_confirmed_order_queues_one_letter_and_nudges_its_delivery(
    db, confirm, react, basket, by_customer
):
    order = confirm(by_customer=by_customer)

    react()

    (letter,) = letters(db)
    assert (letter.recipient, letter.subject_id) == ("ada@example.org", order.id)
    assert (letter.channel, letter.template) == ("email", "order_confirmed")
    assert [(nudge.tasks, nudge.id) for nudge in basket.nudges] == [
        (("notifications.deliver",), str(letter.id))
    ]


def test_an_event_heard_twice_queues_one_letter(db, confirm, react):
    confirm()
    react()
    with db.transaction() as session:
        event = session.scalars(select(OutboxEvent)).one()
        again = service.queue_letter(
            session,
            "order_confirmed",
            event_id=event.id,
            subject_id=new_id(),
            recipient="ada@example.org",
        )

    assert again is None
    assert len(letters(db)) == 1


def test_the_letter_says_what_was_bought_from_whom_and_where_it_goes(
    db, confirm, react, mail, smtp, links
):
    order = confirm()
    react()

    left = service.deliver(letters(db)[0].id, db, mail, links)

    message, text, html = read(smtp.caught[0])
    assert left
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == f"Your order {order.number} is confirmed"
    assert message["Message-ID"] == f"<{encode('ntf', letters(db)[0].id)}@example.com>"
    for words in (text, html):
        assert order.number in words
        assert "€1,200.00" in words
        assert "€17.28" in words
        assert "€34.56" in words
        assert "€4.90" in words
        assert "-€10.00" in words
        assert "€190.00" in words
        assert "€1,229.46" in words
        assert "Blue Barn" in words
        assert "10117 Berlin" in words
    assert "Müller & Söhne" in text
    assert "2 × Boot <2> (B-2)" in text


def test_what_a_shopper_typed_is_no_markup_in_the_letter(db, confirm, react, mail, smtp, links):
    confirm()
    react()

    service.deliver_due(db, mail, links)

    _message, text, html = read(smtp.caught[0])
    assert "Ada <b>Lovelace</b>" in text
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt;" in html
    assert "<b>Lovelace" not in html
    assert "Müller &amp; Söhne" in html


def test_a_letter_that_left_is_not_sent_again(db, confirm, react, mail, smtp, links):
    confirm()
    react()

    counts = service.deliver_due(db, mail, links), service.deliver_due(db, mail, links)
    again = service.deliver(letters(db)[0].id, db, mail, links)

    (letter,) = letters(db)
    assert (counts, again) == ((1, 0), False)
    assert letter.status is NotificationStatus.SENT
    assert letter.sent_at is not None
    assert len(smtp.caught) == 1


def test_workers_at_once_send_each_letter_once(db, confirm, react, mail, smtp, links):
    for number in range(6):
        confirm(email=f"ada{number}@example.org")
    react()
    workers = [
        threading.Thread(target=service.deliver_due, args=(db, mail, links)) for _ in range(3)
    ]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(envelope.rcpt_tos[0] for envelope in smtp.caught) == [
        f"ada{number}@example.org" for number in range(6)
    ]


def test_a_letter_is_claimed_alone_however_postgresql_goes_about_it(
    db, database_url, confirm, react, mail, smtp, links
):
    for number in range(6):
        confirm(email=f"ada{number}@example.org")
    react()
    name = database_url.rsplit("/", 1)[1]
    with db.glance() as connection:
        for way in ("hashjoin", "mergejoin", "hashagg", "material", "sort"):
            connection.execute(text(f"ALTER DATABASE {name} SET enable_{way} = off"))
    db.dispose()  # new connections plan anew

    sent = service.deliver_due(db, mail, links)

    assert (sent, len(smtp.caught)) == (6, 6)


def test_a_worker_that_died_after_the_server_took_the_letter_repeats_it_under_its_id(
    db, confirm, react, mail, smtp, clock, links
):
    confirm()
    react()

    def cut(name):
        if name == "mail.send:after":
            seams.listen(None)
            raise PowerCut

    seams.listen(cut)
    with pytest.raises(PowerCut):
        service.deliver_due(db, mail, links)
    at_once = service.deliver_due(db, mail, links)
    clock.advance(300)
    later = service.deliver_due(db, mail, links)

    assert (at_once, later) == (0, 1)
    assert len({read(envelope)[0]["Message-ID"] for envelope in smtp.caught}) == 1
    assert len(smtp.caught) == 2


def test_a_server_that_is_away_puts_the_letter_off(db, confirm, react, mail, smtp, clock, links):
    confirm()
    react()
    nowhere = SmtpMail(f"smtp://127.0.0.1:{free_port()}", sender="shop@example.com")

    away = service.deliver_due(db, nowhere, links)
    too_soon = service.deliver_due(db, mail, links)
    clock.advance(20)
    later = service.deliver_due(db, mail, links)

    assert (away, too_soon, later) == (0, 0, 1)
    assert letters(db)[0].attempts == 2


def test_a_letter_nobody_takes_is_given_up_with_an_incident(db, confirm, react, mail, smtp, links):
    confirm()
    react()
    smtp.answer_recipients("550 no such person")

    service.deliver_due(db, mail, links)

    (letter,) = letters(db)
    assert letter.status is NotificationStatus.FAILED
    assert "550" in letter.last_error
    with db.reading() as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.kind, incident.subject) == ("letter_failed", str(letter.id))
        assert "ada" not in str(incident.detail)


def test_one_letter_nobody_takes_does_not_hold_up_the_next(db, confirm, react, mail, smtp, links):
    confirm(email="broken\u2028address")
    confirm(email="grace@example.org")
    react()

    service.deliver_due(db, mail, links)

    assert [envelope.rcpt_tos for envelope in smtp.caught] == [["grace@example.org"]]


def test_letters_wait_while_no_mail_server_is_named(db, confirm, react, links):
    confirm()
    react()

    left = service.deliver_due(db, None, links)

    (letter,) = letters(db)
    assert left == 0
    assert (letter.status, letter.attempts) == (NotificationStatus.QUEUED, 0)


def test_logs_never_show_a_whole_recipient(db, confirm, react, mail, smtp, caplog, links):
    confirm()
    react()
    with caplog.at_level(logging.DEBUG):
        service.deliver_due(db, mail, links)

    ours = [record for record in caplog.records if record.name.startswith("app.")]
    everything = " ".join(str(vars(record)) for record in ours)
    assert "ada@example.org" not in everything
    assert "a***@e***.org" in everything


def test_amounts_are_written_with_the_places_of_their_currency(
    db, confirm, react, mail, smtp, links
):
    order = confirm()
    with db.transaction() as session:
        session.get_one(type(order), order.id).currency = "JPY"
    react()

    service.deliver_due(db, mail, links)

    assert "¥122,946" in read(smtp.caught[0])[1]
