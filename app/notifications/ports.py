"""What letters need from outside: someone who carries them."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Letter:
    """One message to one person, ready to send. `id` becomes the Message-ID, so that a repeat is
    recognised."""

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str


class MailSender(Protocol):
    """Hands letters to a mail server."""

    def send(self, letter: Letter) -> None:
        """Give it away; accepted once this returns.

        Raises MailAway where trying again may help, and LetterRefused where it will not.
        """
