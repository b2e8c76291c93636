"""What callers show to prove who they are: signed access and cart tokens, mailed tokens, random
refresh tokens and API keys.

Signed ones are JWTs by Ed25519 (RFC 7519, RFC 8037), mailed ones carry an HMAC (RFC 2104); their
keys come from SECRET_KEY by HKDF (RFC 5869), one a purpose, so that no token can be shown in
another's place.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.accounts.errors import CartTokenInvalid, TokenRefused, Unauthenticated
from app.accounts.models import Role, TokenPurpose, User
from app.platform import ids
from app.platform.clock import utc_now

ISSUER = "cartwright"
CART_TOKEN_DAYS = 365  # a guest comes back for the order, long after the cart is gone
_ALGORITHM = "EdDSA"
_MAILED = "cwm_"
_ID_BYTES, _MAC_BYTES = 16, 32
_KEY = "cw_"
_PREFIX_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another
_PREFIX_LENGTH = 10


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says about its bearer."""

    user_id: UUID
    role: Role
    merchant_id: UUID | None
    email: str


class Tokens:
    """Makes and reads access tokens, without asking the database."""

    def __init__(self, secret: str, *, access_seconds: int) -> None:
        self.access_seconds = access_seconds
        self._key = _derive(secret, "access token")

    def issue(self, user: User) -> str:
        """A token that lets this person in for `access_seconds`."""
        merchant = ids.encode("mer", user.merchant_id) if user.merchant_id else None
        return _sign(
            self._key,
            {
                "sub": ids.encode("usr", user.id),
                "role": user.role.value,
                "mer": merchant,
                "email": user.email,
            },
            seconds=self.access_seconds,
        )

    def read(self, token: str) -> AccessClaims:
        """Who bears this token. Raises Unauthenticated for anything not made here and in time."""
        try:
            claims = _verify(self._key, token)
            return AccessClaims(
                user_id=ids.decode("usr", claims["sub"]),
                role=Role(claims["role"]),
                merchant_id=ids.decode("mer", claims["mer"]) if claims["mer"] else None,
                email=claims["email"],
            )
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise Unauthenticated("The access token is expired or not valid.") from error


class CartTokens:
    """Makes and reads the tokens guests hold: good for one cart, its checkout and its order."""

    def __init__(self, secret: str, *, days: int = CART_TOKEN_DAYS) -> None:
        self._key = _derive(secret, "cart token")
        self._seconds = int(timedelta(days=days).total_seconds())

    def issue(self, cart_id: UUID) -> str:
        """A token for the guest of this cart; Redis is not asked when it comes back."""
        return _sign(self._key, {"sub": ids.encode("crt", cart_id)}, seconds=self._seconds)

    def read(self, token: str) -> UUID:
        """The cart this token is for. Raises CartTokenInvalid for anything not made here."""
        try:
            return ids.decode("crt", _verify(self._key, token)["sub"])
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise CartTokenInvalid("The cart token is expired or not valid.") from error


class MailedTokens:
    """Makes and reads the tokens that letters carry, from the id of their row and the shop's
    secret.

    So a letter can be written when it is delivered, however late, and nothing that opens an
    account lies in the database meanwhile: a copy of it is of no use without SECRET_KEY. What a
    token is good for, how long, and that it is good once, is said by its row alone.
    """

    def __init__(self, secret: str, *, storefront_url: str = "") -> None:
        self._key = _hkdf(secret, "mailed token")
        self._storefront = storefront_url.rstrip("/")

    def token(self, token_id: UUID) -> str:
        """What POST /v1/auth/verify and /v1/auth/reset take: `cwm_` and 64 characters."""
        packed = token_id.bytes + self._mac(token_id)
        return _MAILED + base64.urlsafe_b64encode(packed).decode()

    def link(self, token_id: UUID, purpose: TokenPurpose) -> str | None:
        """Where the storefront takes this token; None where no storefront is named.

        The token stands behind the `#`: browsers send that to no server, and no log keeps it.
        """
        if not self._storefront:
            return None
        return f"{self._storefront}/account/{purpose.value}#token={self.token(token_id)}"

    def read(self, token: str) -> UUID:
        """The row this token was made for. Raises TokenRefused for anything not made here."""
        try:
            packed = base64.b64decode(token.removeprefix(_MAILED), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise token_refused() from error
        identity, mac = packed[:_ID_BYTES], packed[_ID_BYTES:]
        if len(packed) != _ID_BYTES + _MAC_BYTES or not token.startswith(_MAILED):
            raise token_refused()
        token_id = UUID(bytes=identity)
        if not hmac.compare_digest(mac, self._mac(token_id)):
            raise token_refused()
        return token_id

    def _mac(self, token_id: UUID) -> bytes:
        return hmac.digest(self._key, token_id.bytes, hashlib.sha256)


def token_refused() -> TokenRefused:
    """The one answer to every mailed token that is not good, whatever is wrong with it."""
    return TokenRefused("This token is not good any more; ask for a new one.")


def new_api_key() -> tuple[str, str]:
    """The prefix of a new key, which names it, and the whole key: 256 random bits behind it."""
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(_PREFIX_LENGTH))
    return prefix, f"{_KEY}{prefix}_{secrets.token_urlsafe(32)}"


def is_api_key(token: str) -> bool:
    """Whether a bearer token says of itself that it is an API key."""
    return token.startswith(_KEY)


def prefix_of(api_key: str) -> str:
    """The part of an API key that names it; empty for what has another shape."""
    parts = api_key.split("_", 2)
    return parts[1] if len(parts) == 3 and len(parts[1]) == _PREFIX_LENGTH else ""


def new_refresh_token() -> str:
    """256 random bits behind a prefix that secret scanners and our own logs know."""
    return f"cwr_{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """What is kept of a refresh token or an API key: enough to know it again, useless to whoever
    reads it. 256 random bits cannot be guessed, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _derive(secret: str, purpose: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_hkdf(secret, purpose))


def _hkdf(secret: str, purpose: str) -> bytes:
    seed = HKDF(SHA256(), length=32, salt=None, info=f"cartwright {purpose}".encode())
    return seed.derive(secret.encode())


def _sign(key: Ed25519PrivateKey, claims: dict[str, Any], *, seconds: int) -> str:
    now = utc_now()
    times = {"iat": now, "exp": now + timedelta(seconds=seconds)}
    return jwt.encode({"iss": ISSUER, **claims, **times}, key, algorithm=_ALGORITHM)


def _verify(key: Ed25519PrivateKey, token: str) -> dict[str, Any]:
    return jwt.decode(
        token,
        key.public_key(),
        algorithms=[_ALGORITHM],
        issuer=ISSUER,
        options={"require": ["iss", "sub", "iat", "exp"]},
    )
