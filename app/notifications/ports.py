"""What letters need from outside: someone who carries them, and the tokens some of them bring."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.accounts.models import TokenPurpose


@dataclass(frozen=True)
class Letter:
    """One message to one person, ready to send. `id` becomes the Message-ID, so that a repeat is
    recognised.

    `language` is a BCP 47 tag; `unsubscribe_url` is set where nobody's order or account needs it.
    """

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str
    language: str = "en"
    unsubscribe_url: str | None = None


class MailSender(Protocol):
    """Hands letters to a mail server."""

    def send(self, letter: Letter) -> None:
        """Give it away; accepted once this returns.

        Raises MailAway where trying again may help, and LetterRefused where it will not.
        """


class AccountTokens(Protocol):
    """Makes the tokens that letters about accounts carry, when they are written."""

    def token(self, token_id: UUID) -> str:
        """What opens the account, or confirms its address."""

    def link(self, token_id: UUID, purpose: TokenPurpose) -> str | None:
        """Where the storefront takes it; None where no storefront is named."""
