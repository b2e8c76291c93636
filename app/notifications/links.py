"""Where letters lead: to the storefront, and out of letters nobody needs.

A link out names its letter and no address, and is signed: whoever holds the letter may stop its
kind, without signing in (RFC 8058). It never lapses, as the letter does not.
"""

import base64
import hmac
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.notifications.errors import LinkNotGood
from app.notifications.ports import AccountTokens
from app.platform.ids import decode, encode

UNSUBSCRIBE_PATH = "/v1/notifications/unsubscribe"
_MAC_BYTES = 16


class Links:
    """Makes the addresses that stand in letters, and reads those that come back."""

    def __init__(
        self, secret: str, *, public_url: str, storefront_url: str, tokens: AccountTokens
    ) -> None:
        self.tokens = tokens
        self._public, self._storefront = public_url.rstrip("/"), storefront_url.rstrip("/")
        derived = HKDF(SHA256(), length=32, salt=None, info=b"cartwright link out of letters")
        self._key = derived.derive(secret.encode())

    def order(self, order_id: UUID) -> str | None:
        """Where an order is looked at; None while no storefront is named."""
        return f"{self._storefront}/orders/{encode('ord', order_id)}" if self._storefront else None

    def unsubscribe(self, notification_id: UUID) -> str:
        """Where the reader of this letter stops letters of its kind."""
        return f"{self._public}{UNSUBSCRIBE_PATH}?token={self.token(notification_id)}"

    def token(self, notification_id: UUID) -> str:
        """What proves that somebody has this letter."""
        name = encode("ntf", notification_id)
        return f"{name}.{self._mac(name)}"

    def letter_of(self, token: str) -> UUID:
        """The letter a token was made for. Raises LinkNotGood for anything not made here."""
        name, _, mac = token.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(name).encode()):
            raise LinkNotGood("This link is not good.")
        return decode("ntf", name)

    def _mac(self, name: str) -> str:
        mac = hmac.digest(self._key, name.encode(), sha256)[:_MAC_BYTES]
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")
