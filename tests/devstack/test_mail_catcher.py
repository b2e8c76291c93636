"""Mail of a local shop is caught, shown harmlessly, and never counted twice."""

import http.client
import json
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest


@dataclass
class Catcher:
    """A running catcher; `ask` makes one HTTP request."""

    smtp_port: int
    http_port: int

    def send(self, mail: EmailMessage | bytes, to: str = "ada@example.org") -> None:
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
            smtp.sendmail("shop@example.org", [to], raw)

    def ask(self, path: str, method: str = "GET", host: str = "127.0.0.1") -> "Answer":
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port)
        try:
            connection.request(method, path, headers={"Host": host})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()

    def messages(self) -> list[dict[str, object]]:
        answer: list[dict[str, object]] = json.loads(self.ask("/api/messages").body)
        return answer


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    with started(tmp_path_factory.mktemp("mail")) as process:
        yield listening(process)
        process.terminate()


@pytest.fixture
def catcher(running: Catcher) -> Catcher:
    running.ask("/api/messages", "DELETE")
    return running


def test_a_mail_is_caught_with_its_text_and_html(catcher):
    catcher.send(letter(subject="Order R-1 confirmed", text="Thank you", html="<b>Thank you</b>"))

    (caught,) = catcher.messages()

    assert caught | {"id": 0, "received_at": ""} == {
        "id": 0,
        "message_id": "<one@shop>",
        "from": "shop@example.org",
        "to": ["ada@example.org"],
        "subject": "Order R-1 confirmed",
        "text": "Thank you\n",
        "html": "<b>Thank you</b>\n",
        "received_at": "",
    }
    assert str(caught["received_at"]).endswith("+00:00")


def test_a_mail_sent_again_is_kept_once(catcher):
    catcher.send(letter(message_id="<same@shop>"))
    catcher.send(letter(message_id="<same@shop>"))
    catcher.send(letter(message_id="<other@shop>"))

    assert [mail["message_id"] for mail in catcher.messages()] == ["<other@shop>", "<same@shop>"]


def test_mails_without_a_message_id_are_all_kept(catcher):
    for _ in range(2):
        catcher.send(b"Subject: nameless\r\n\r\nhello\r\n")

    assert len(catcher.messages()) == 2


def test_the_newest_mail_comes_first(catcher):
    for name in ("first", "second"):
        catcher.send(letter(subject=name, message_id=f"<{name}@shop>"))

    assert [mail["subject"] for mail in catcher.messages()] == ["second", "first"]


def test_all_mails_can_be_forgotten(catcher):
    catcher.send(letter())

    answer = catcher.ask("/api/messages", "DELETE")

    assert (answer.status, answer.body) == (204, "")
    assert catcher.messages() == []


def test_umlauts_arrive_as_they_were_written(catcher):
    catcher.send(letter(subject="Bestellung für Zoë", text="Grüße ✓"))

    (caught,) = catcher.messages()

    assert (caught["subject"], caught["text"]) == ("Bestellung für Zoë", "Grüße ✓\n")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no header at all",
        b'Subject: x\r\nContent-Type: text/plain; charset="nonsense"\r\n\r\n\xff\xfe\r\n',
        b"Content-Type: multipart/mixed; boundary=gone\r\n\r\nnothing\r\n",
        b"Message-ID: <\xff>\r\nSubject: =?utf-8?q?=FF?=\r\n\r\n\x00\r\n",
        b"Subject: =?x?x?x?=\r\nFrom: <<>>,\r\nTo: \xc3\xa4@\xc3\xb6\r\n\r\nx\r\n",
    ],
)
def test_a_broken_mail_is_caught_and_shown_all_the_same(catcher, raw):
    catcher.send(raw)

    (caught,) = catcher.messages()

    assert catcher.ask("/").status == 200
    assert catcher.ask(f"/messages/{caught['id']}").status == 200
    assert catcher.ask(f"/messages/{caught['id']}/html").status == 200


def test_the_pages_escape_every_word_of_a_mail(catcher):
    evil = "<script>alert(1)</script>"
    catcher.send(letter(subject=evil, text=evil, message_id=f'<"{evil}"@shop>'), to='"<i>"@b.org')
    number = catcher.messages()[0]["id"]

    pages = catcher.ask("/").body + catcher.ask(f"/messages/{number}").body

    assert "<script" not in pages
    assert "<i>" not in pages
    assert pages.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_the_html_part_is_shown_in_a_sandbox_that_runs_and_loads_nothing(catcher):
    catcher.send(letter(html="<img src=http://tracker.example/x><script>alert(1)</script>"))
    number = catcher.messages()[0]["id"]

    page, part = catcher.ask(f"/messages/{number}"), catcher.ask(f"/messages/{number}/html")

    assert page.body.count("<iframe") == page.body.count("<iframe sandbox referrerpolicy") == 1
    assert f'src="/messages/{number}/html"></iframe>' in page.body
    assert part.headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    )
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_a_mail_can_be_read_as_it_was_sent(catcher):
    catcher.send(letter(html="<b>x</b>"))
    number = catcher.messages()[0]["id"]

    raw = catcher.ask(f"/messages/{number}/raw")

    assert raw.headers["Content-Type"].startswith("text/plain")
    assert "Message-ID: <one@shop>" in raw.body


def test_attachments_are_named(catcher):
    mail = letter()
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="<label>.pdf")
    catcher.send(mail)
    number = catcher.messages()[0]["id"]

    assert "&lt;label&gt;.pdf, 5 bytes" in catcher.ask(f"/messages/{number}").body


@pytest.mark.parametrize(
    "path", ["/messages/999999999", "/messages/x", "/nothing", "/messages/1/js"]
)
def test_what_is_not_there_is_404(catcher, path):
    assert catcher.ask(path).status == 404


def test_a_page_under_a_foreign_name_is_refused(catcher):
    catcher.send(letter())

    answer = catcher.ask("/api/messages", host="evil.example:8025")

    assert answer.status == 421
    assert "Thank you" not in answer.body


def test_mails_outlive_a_restart_and_sigterm_ends_the_catcher(tmp_path):
    with started(tmp_path) as first:
        listening(first).send(letter())
        first.terminate()
        code = first.wait()

    with started(tmp_path) as second:
        mails = listening(second).messages()
        second.send_signal(signal.SIGINT)

    assert code == 0
    assert [mail["message_id"] for mail in mails] == ["<one@shop>"]


def test_a_taken_port_is_one_clear_line(running, tmp_path):
    process = started(tmp_path, http_port=running.http_port)

    _, complaint = process.communicate()

    assert process.returncode == 1
    assert complaint.startswith("mail: cannot listen: ")
    assert complaint.count("\n") == 1


def letter(
    *,
    subject: str = "Hello",
    text: str = "Thank you",
    html: str = "",
    message_id: str = "<one@shop>",
) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"] = "shop@example.org"
    mail["Message-ID"] = message_id
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def started(folder: Path, http_port: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "devstack.mail", "--data", str(folder)]
    command += ["--http-port", str(http_port), "--smtp-port", "0"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def listening(process: subprocess.Popen[str]) -> Catcher:
    assert process.stdout is not None
    return Catcher(**json.loads(process.stdout.readline()))
