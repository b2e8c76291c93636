"""Tokens say who somebody is, and cannot be made up."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.accounts.errors import CartTokenInvalid, Unauthenticated
from app.accounts.models import Role, User
from app.accounts.tokens import CartTokens, Tokens, digest, new_refresh_token
from app.platform.ids import new_id

SECRET = "a secret for tests, longer than 32 characters"


def _somebody(role: Role = Role.MERCHANT) -> User:
    merchant_id = new_id() if role is Role.MERCHANT else None
    return User(id=new_id(), email="ada@example.com", role=role, merchant_id=merchant_id)


def test_an_access_token_brings_back_who_it_was_made_for() -> None:
    user = _somebody()

    claims = Tokens(SECRET, access_seconds=60).read(Tokens(SECRET, access_seconds=60).issue(user))

    assert claims.user_id == user.id
    assert claims.role is Role.MERCHANT
    assert claims.merchant_id == user.merchant_id
    assert claims.email == "ada@example.com"


def test_a_token_without_a_signature_is_refused() -> None:
    claims = jwt.decode(
        Tokens(SECRET, access_seconds=60).issue(_somebody()), options={"verify_signature": False}
    )

    forged = jwt.encode(claims, None, algorithm="none")

    with pytest.raises(Unauthenticated):
        Tokens(SECRET, access_seconds=60).read(forged)


def test_a_token_signed_by_another_key_is_refused() -> None:
    claims = jwt.decode(
        Tokens(SECRET, access_seconds=60).issue(_somebody()), options={"verify_signature": False}
    )

    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA")

    with pytest.raises(Unauthenticated):
        Tokens(SECRET, access_seconds=60).read(forged)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "x" * 10_000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        Tokens(SECRET, access_seconds=60).read(text)
    with pytest.raises(CartTokenInvalid):
        CartTokens(SECRET).read(text)


def test_a_cart_token_brings_back_its_cart() -> None:
    cart_id = new_id()

    assert CartTokens(SECRET).read(CartTokens(SECRET).issue(cart_id)) == cart_id


def test_refresh_tokens_are_long_and_never_the_same_and_only_their_digest_is_kept() -> None:
    first, second = new_refresh_token(), new_refresh_token()

    assert first != second
    assert len(first) >= 43
    assert first not in digest(first)
    assert digest(first) != digest(second)
