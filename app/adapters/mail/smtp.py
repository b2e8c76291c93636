"""Letters over SMTP: one connection a letter, STARTTLS where it is offered.

Sources: RFC 5321 (a 4xx answer is temporary, a 5xx final), RFC 5322 §3.6.4 (Message-ID), RFC 8314,
RFC 3834 (Auto-Submitted), RFC 8058 (one-click unsubscribe), RFC 3282 (Content-Language).
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import parseaddr
from functools import cached_property
from urllib.parse import SplitResult, unquote, urlsplit

from app.notifications.errors import LetterRefused, MailAway, MailboxRefused
from app.notifications.ports import Letter
from app.platform.clock import utc_now
from app.platform.ids import encode
from app.platform.seams import calling_out

_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ANSWER_SECONDS = 10.0


class _Whole(UnstructuredHeader):
    """A header that is never folded: an address cut in two leads nowhere in some mail programs."""

    name: str

    def fold(self, *, policy: "EmailPolicy[EmailMessage]") -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> "EmailPolicy[EmailMessage]":
    headers = HeaderRegistry()
    headers.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]  # it adds BaseHeader
    return SMTP.clone(header_factory=headers)


_POLICY = _policy()


class SmtpMail:
    """Sends through `smtp://user:password@host:port`, or `smtps://` for TLS from the first byte.

    A password never travels in the clear, except to this machine itself. Raises ValueError for an
    address or a sender that is none.
    """

    def __init__(self, url: str, *, sender: str, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._server = urlsplit(url)
        if self._server.scheme not in _PORTS or not self._server.hostname:
            raise ValueError("MAIL_URL must be smtp://host:port or smtps://host:port")
        self._port = self._server.port or _PORTS[self._server.scheme]
        self._from = _mailbox(*parseaddr(sender))
        self._answer_seconds = answer_seconds

    def send(self, letter: Letter) -> None:
        """Offer a letter to the server. Raises MailAway, LetterRefused."""
        message = self._message(letter)
        with calling_out("mail.send"), _plain_errors(), self._connection() as server:
            server.send_message(
                message, from_addr=self._from.addr_spec, to_addrs=[letter.recipient]
            )

    def _message(self, letter: Letter) -> EmailMessage:
        """Headers that hold a line break, or an address that is none, never leave this machine."""
        message = EmailMessage(policy=_POLICY)
        try:
            message["From"] = self._from
            message["To"] = _recipient(letter.recipient)
            message["Subject"] = letter.subject
            message["Date"] = utc_now()
            message["Message-ID"] = f"<{encode('ntf', letter.id)}@{self._from.domain}>"
            message["Auto-Submitted"] = "auto-generated"
            if letter.unsubscribe_url:
                message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            message.set_content(letter.text)
            message.add_alternative(letter.html, subtype="html")
            message["Content-Language"] = letter.language  # last, or it would move into a part
        except (ValueError, MessageError) as error:
            raise LetterRefused(f"The letter cannot be written: {error}") from error
        return message

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        host = self._server.hostname or ""
        if self._server.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._port, timeout=self._answer_seconds, context=self._tls
            )
        else:
            server = smtplib.SMTP(host, self._port, timeout=self._answer_seconds)
        with server:
            server.ehlo_or_helo_if_needed()
            is_private = self._server.scheme == "smtps"
            if not is_private and server.has_extn("starttls"):
                server.starttls(context=self._tls)
                is_private = True
            _sign_in(server, self._server, is_private=is_private or host in _LOOPBACK)
            yield server

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once and only where it is needed: reading the trusted roots takes tens of
        milliseconds."""
        return ssl.create_default_context()


def _sign_in(server: smtplib.SMTP, url: SplitResult, *, is_private: bool) -> None:
    if not url.username:
        return
    if not is_private or not server.has_extn("auth"):
        raise MailAway("The mail server offers no private way to sign in; the password stays here.")
    server.login(unquote(url.username), unquote(url.password or ""))


def _recipient(address: str) -> Address:
    """Whom a letter goes to. Raises MailboxRefused for what is no address."""
    try:
        return _mailbox("", address)
    except ValueError as error:
        raise MailboxRefused(f"The letter cannot be written: {error}") from error


def _mailbox(name: str, address: str) -> Address:
    """An address with one person and one host. Raises ValueError for anything else."""
    try:
        mailbox = Address(display_name=name, addr_spec=address)
    except (ValueError, MessageError, IndexError) as error:
        raise ValueError("not a mail address") from error
    if not mailbox.username or not mailbox.domain:
        raise ValueError("not a mail address")
    return mailbox


@contextmanager
def _plain_errors() -> Iterator[None]:
    """SMTP's words become ours; a 5xx for this recipient or this letter is final."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        raise _refusal(code, reason, MailboxRefused) from None
    except smtplib.SMTPSenderRefused as error:
        raise MailAway(f"The mail server refuses our sender: {error.smtp_code}") from None
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise MailboxRefused(f"The mail server cannot carry this letter: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailAway(f"The mail server does not answer: {type(error).__name__}") from error


def _refusal(
    code: int, reason: bytes | str, final: type[LetterRefused] = LetterRefused
) -> MailAway | LetterRefused:
    words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    kind = final if code >= 500 else MailAway
    return kind(f"The mail server answered {code} {words[:200]}")
