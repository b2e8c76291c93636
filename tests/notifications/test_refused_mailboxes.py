"""Who registers an address that is none calls nobody out of bed."""

import pytest
from sqlalchemy import select

from app.adapters.mail.smtp import SmtpMail
from app.notifications import service
from app.notifications.errors import LetterRefused, MailboxRefused
from app.notifications.models import Notification, NotificationStatus
from app.notifications.ports import Letter
from app.platform.ids import new_id
from app.platform.metrics import LETTERS
from app.saga.models import Incident
from tests.notifications.world import make_world

pytestmark = pytest.mark.unaudited


@pytest.fixture
def world(db):
    with db.transaction() as session:
        return make_world(session)


def queue(db, template, subject_id, recipient="nobody@example.org"):
    with db.transaction() as session:
        return service.queue_letter(
            session, template, event_id=new_id(), subject_id=subject_id, recipient=recipient
        )


def failed():
    return LETTERS.labels(outcome="failed")._value.get()


def incidents(db):
    with db.reading() as session:
        return list(session.scalars(select(Incident.subject)))


@pytest.mark.parametrize(
    ("answer", "recipient"), [("550 no such person", "nobody@example.org"), ("", "a b@example.org")]
)
def test_a_letter_about_an_account_that_nobody_takes_is_counted_and_given_up(
    db, world, mail, smtp, links, answer, recipient
):
    letter_id = queue(db, "account_password_changed", world.customer.id, recipient)
    smtp.answer_recipients(answer)
    before = failed()

    service.deliver_due(db, mail, links)

    with db.reading() as session:
        letter = session.get_one(Notification, letter_id)
    assert letter.status is NotificationStatus.FAILED
    assert failed() == before + 1
    assert incidents(db) == []


def test_a_letter_about_an_order_that_nobody_takes_is_looked_at(db, world, mail, smtp, links):
    letter_id = queue(db, "order_confirmed", world.order.id)
    smtp.answer_recipients("550 no such person")

    service.deliver_due(db, mail, links)

    assert incidents(db) == [str(letter_id)]


def test_a_letter_about_an_account_that_the_shop_cannot_send_is_looked_at(db, world, links):
    letter_id = queue(db, "account_password_changed", world.customer.id)

    service.deliver_due(db, Unwelcome(), links)

    assert incidents(db) == [str(letter_id)]


class Unwelcome:
    """A mail server that takes nothing of this shop's, whoever it is for."""

    def send(self, letter: Letter) -> None:
        raise LetterRefused("The mail server answered 554 policy")


@pytest.mark.parametrize("recipient", ["no address", "ada@", ""])
def test_an_address_that_is_none_is_told_from_a_letter_that_cannot_be_sent(smtp, recipient):
    letter = Letter(new_id(), recipient, "Hello", "Hello", "<p>Hello</p>")

    with pytest.raises(MailboxRefused):
        SmtpMail(smtp.url, sender="shop@example.com").send(letter)
