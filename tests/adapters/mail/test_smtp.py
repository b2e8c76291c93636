"""Letters over SMTP, against a real server."""

from email import message_from_bytes
from email.policy import default

import pytest

from app.adapters.mail.smtp import SmtpMail
from app.notifications.errors import LetterRefused, MailAway
from app.notifications.ports import Letter
from app.platform.ids import encode, new_id
from app.platform.seams import CallInsideTransaction, transaction_open
from devstack.servers.ports import free_port

SENDER = "Blue Barn <shop@example.com>"


def make_letter(**given):
    values = {
        "id": new_id(),
        "recipient": "ada@example.org",
        "subject": "Your order № 7 is confirmed",
        "text": "Grüße\n.\nA dot stood alone",
        "html": "<p>Grüße</p>",
    }
    return Letter(**values | given)


def test_a_letter_arrives_with_both_parts_and_a_message_id_of_its_own(smtp):
    letter = make_letter()

    SmtpMail(smtp.url, sender=SENDER).send(letter)

    (caught,) = smtp.caught
    message = message_from_bytes(caught.content, policy=default)
    assert caught.rcpt_tos == ["ada@example.org"]
    assert caught.mail_from == "shop@example.com"
    assert message["From"] == SENDER
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == letter.subject
    assert message["Message-ID"] == f"<{encode('ntf', letter.id)}@example.com>"
    assert message["Date"] is not None
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert parts["text/plain"].replace("\r\n", "\n") == letter.text + "\n"
    assert parts["text/html"].strip() == letter.html


def test_the_same_letter_twice_carries_the_same_message_id(smtp):
    letter, mail = make_letter(), SmtpMail(smtp.url, sender=SENDER)

    mail.send(letter)
    mail.send(letter)

    assert len({message_from_bytes(each.content)["Message-ID"] for each in smtp.caught}) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "Hello\r\nBcc: everyone@example.net"},
        {"subject": "Hello\nX-Evil: 1"},
        {"recipient": "ada@example.org\r\nBcc: everyone@example.net"},
        {"recipient": "ada@example.org>\r\nRCPT TO:<everyone@example.net"},
        {"recipient": "ada@example.org, everyone@example.net"},
        {"recipient": "ada@example.org;everyone@example.net"},
        {"recipient": "no address"},
        {"recipient": "ada@"},
        {"recipient": ""},
    ],
)
def test_no_header_can_be_injected_and_no_second_recipient(smtp, given):
    with pytest.raises(LetterRefused):
        SmtpMail(smtp.url, sender=SENDER).send(make_letter(**given))

    assert smtp.caught == []


def test_a_final_no_to_the_recipient_is_a_refusal(smtp):
    smtp.answer_recipients("550 no such person")

    with pytest.raises(LetterRefused):
        SmtpMail(smtp.url, sender=SENDER).send(make_letter())


def test_a_no_for_now_is_worth_another_try(smtp):
    smtp.answer_recipients("451 come back later")

    with pytest.raises(MailAway):
        SmtpMail(smtp.url, sender=SENDER).send(make_letter())


def test_a_server_that_is_not_there_is_worth_another_try():
    mail = SmtpMail(f"smtp://127.0.0.1:{free_port()}", sender=SENDER)

    with pytest.raises(MailAway):
        mail.send(make_letter())


def test_a_password_the_server_does_not_ask_for_keeps_the_letter_here(smtp):
    mail = SmtpMail(smtp.url.replace("//", "//user:p%40ss@"), sender=SENDER)

    with pytest.raises(MailAway):
        mail.send(make_letter())


def test_nothing_is_sent_while_rows_are_locked(smtp):
    with transaction_open(), pytest.raises(CallInsideTransaction):
        SmtpMail(smtp.url, sender=SENDER).send(make_letter())


@pytest.mark.parametrize("url", ["", "mail.example.com", "http://mail.example.com", "smtp://"])
def test_an_address_that_is_no_mail_server_stops_the_boot(url):
    with pytest.raises(ValueError, match="MAIL_URL"):
        SmtpMail(url, sender=SENDER)


def test_a_sender_that_is_none_stops_the_boot():
    with pytest.raises(ValueError, match="not a mail address"):
        SmtpMail("smtp://127.0.0.1", sender="nobody")


def test_a_letter_that_can_be_stopped_says_how_in_one_click(smtp):
    url = "https://api.example.com/v1/notifications/unsubscribe?token=ntf_1.x"
    letter = make_letter(unsubscribe_url=url, language="de-AT")

    SmtpMail(smtp.url, sender=SENDER).send(letter)

    message = message_from_bytes(smtp.caught[0].content, policy=default)
    assert message["List-Unsubscribe"] == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Content-Language"] == "de-AT"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_letter_that_is_needed_says_nothing_of_that(smtp):
    SmtpMail(smtp.url, sender=SENDER).send(make_letter())

    message = message_from_bytes(smtp.caught[0].content, policy=default)
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
