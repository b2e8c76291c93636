"""What callers show to prove who they are: signed access tokens, signed cart tokens, random refresh
tokens.

Signed ones are JWTs by Ed25519 (RFC 7519, RFC 8037); their keys come from SECRET_KEY by HKDF
(RFC 5869), one a purpose, so that no token can be shown in another's place.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.accounts.errors import CartTokenInvalid, Unauthenticated
from app.accounts.models import Role, User
from app.platform import ids
from app.platform.clock import utc_now

ISSUER = "cartwright"
CART_TOKEN_DAYS = 365  # a guest comes back for the order, long after the cart is gone
_ALGORITHM = "EdDSA"


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


def new_refresh_token() -> str:
    """256 random bits behind a prefix that secret scanners and our own logs know."""
    return f"cwr_{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """What is kept of a refresh token: enough to know it again, useless to whoever reads it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _derive(secret: str, purpose: str) -> Ed25519PrivateKey:
    seed = HKDF(SHA256(), length=32, salt=None, info=f"cartwright {purpose}".encode())
    return Ed25519PrivateKey.from_private_bytes(seed.derive(secret.encode()))


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
