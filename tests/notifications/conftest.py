"""A mail server that keeps what it is given, the addresses letters lead to, and who reacts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from app.accounts.tokens import MailedTokens
from app.adapters.mail.smtp import SmtpMail
from app.adapters.streams.redis_streams import RedisStreams
from app.events.consumer import Consumer
from app.events.relay import Relay
from app.notifications import reactions
from app.notifications.links import Links
from app.platform.db import Database
from app.platform.queue import Nudge
from app.saga import incidents
from tests.postbox import Postbox, postbox

SECRET = "a secret for tests, longer than 32 characters"
STOREFRONT = "https://shop.example.com"


@pytest.fixture
def smtp() -> Iterator[Postbox]:
    """Running on a free port for this test."""
    with postbox() as box:
        yield box


@pytest.fixture
def links() -> Links:
    """Of a shop with pages of its own."""
    tokens = MailedTokens(SECRET, storefront_url=STOREFRONT)
    return Links(
        SECRET, public_url="https://api.example.com", storefront_url=STOREFRONT, tokens=tokens
    )


class Basket:
    """A queue that only remembers what it was given."""

    def __init__(self) -> None:
        self.nudges: list[Nudge] = []

    def send(self, nudges: Sequence[Nudge]) -> None:
        self.nudges += nudges


@pytest.fixture
def basket() -> Basket:
    """Where nudges go."""
    return Basket()


@pytest.fixture
def react(db: Database, redis_url: str, basket: Basket) -> Callable[[], int]:
    """Let the relay and the notifications consumer do what there is to do."""

    def run() -> int:
        bus = RedisStreams(redis_url)
        Relay(db, bus).publish_all()
        options: dict[str, Any] = {"db": db, "bus": bus, "queue": basket, "incidents": incidents}
        return Consumer(reactions.CONSUMER, **options).catch_up()

    return run


@pytest.fixture
def mail(smtp: Postbox) -> SmtpMail:
    """The way to the mail server of this test."""
    return SmtpMail(smtp.url, sender="Blue Barn <shop@example.com>")


@dataclass(frozen=True)
class Read:
    """One letter as it arrived."""

    message: EmailMessage
    text: str
    html: str


@pytest.fixture
def arrived(smtp: Postbox) -> Callable[[], list[Read]]:
    """The letters that arrived, read."""

    def read() -> list[Read]:
        found = []
        for envelope in smtp.caught:
            message = message_from_bytes(bytes(envelope.content or b""), policy=default)
            assert isinstance(message, EmailMessage)
            parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
            text = parts["text/plain"].replace("\r\n", "\n")
            found.append(Read(message, text, parts["text/html"].replace("\r\n", "\n")))
        return found

    return read
