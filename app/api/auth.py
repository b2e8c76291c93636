"""Signing up, in, on and out."""

from contextlib import suppress
from typing import Any

from app.accounts import queries, service
from app.accounts.errors import BadCredentials, CartTokenInvalid, RefreshRefused
from app.accounts.models import User
from app.accounts.service import SignedIn
from app.api.schemas.auth import (
    CredentialsSchema,
    RefreshSchema,
    RegistrationSchema,
    SessionSchema,
)
from app.web.auth import guest_cart_id, public, requires
from app.web.blueprints import Blueprint
from app.web.limits import limit_logins, limit_registrations
from app.web.transactions import reading, transaction
from app.wiring import providers

auth = Blueprint("auth", __name__, url_prefix="/v1/auth", description="Accounts and sessions")


@auth.route("/register", methods=["POST"])
@limit_registrations
@requires(public)
@auth.arguments(RegistrationSchema)
@auth.response(200, SessionSchema)
@auth.alt_response(409, "CONFLICT")
def register(registration: dict[str, str]) -> dict[str, Any]:
    """Open an account and sign in.

    `email_taken` when there is one with this email. A guest's `X-Cart-Token` brings its cart along.
    """
    wired = providers()
    password_hash = wired.passwords.hash(registration["password"])
    with transaction() as session:
        user = service.register(
            session, email=registration["email"].strip(), password_hash=password_hash
        )
        signed_in = service.sign_in(session, user, days=wired.settings.refresh_token_days)
    _bring_cart_along(signed_in.user)
    return _session(signed_in)


@auth.route("/login", methods=["POST"])
@limit_logins
@requires(public)
@auth.arguments(CredentialsSchema)
@auth.response(200, SessionSchema)
@auth.alt_response(401, "UNAUTHORIZED")
def login(credentials: dict[str, str]) -> dict[str, Any]:
    """Sign in with email and password.

    `bad_credentials` does not say which of the two was wrong, and takes as long either way. A
    guest's `X-Cart-Token` brings its cart along.
    """
    wired = providers()
    with reading() as session:
        user = queries.user_by_email(session, credentials["email"])
    user = _proven(user, credentials["password"])
    outdated = wired.passwords.is_outdated(user.password_hash)
    fresh = wired.passwords.hash(credentials["password"]) if outdated else None
    with transaction() as session:
        if fresh:
            service.keep_hash(session, user.id, fresh)
        signed_in = service.sign_in(session, user, days=wired.settings.refresh_token_days)
    _bring_cart_along(signed_in.user)
    return _session(signed_in)


@auth.route("/refresh", methods=["POST"])
@requires(public)
@auth.arguments(RefreshSchema)
@auth.response(200, SessionSchema)
@auth.alt_response(401, "UNAUTHORIZED")
def refresh(shown: dict[str, str]) -> dict[str, Any]:
    """Change a refresh token for a new session; each works once.

    One that was used before ends every session that came from the same sign-in.
    """
    days = providers().settings.refresh_token_days
    with transaction() as session:  # what a reused token ends must be committed
        signed_in = service.refresh(session, shown["refresh_token"], days=days)
    if signed_in is None:
        raise RefreshRefused("The refresh token is not valid any more; sign in again.")
    return _session(signed_in)


@auth.route("/logout", methods=["POST"])
@requires(public)
@auth.arguments(RefreshSchema)
@auth.response(204)
def logout(shown: dict[str, str]) -> None:
    """End every session that came from the same sign-in; an unknown token ends nothing, and is not
    told."""
    with transaction() as session:
        service.sign_out(session, shown["refresh_token"])


def _proven(user: User | None, password: str) -> User:
    kept = user.password_hash if user else None
    if not providers().passwords.matches(password, kept) or user is None:
        raise BadCredentials("Email and password do not belong together.")
    return user


def _bring_cart_along(user: User) -> None:
    """A guest's cart whose token came with the sign-in becomes part of the person's own.

    Nothing about it keeps anybody from signing in: where it cannot be done now, the guest's cart
    stays, and `POST /v1/cart/merge` says why.
    """
    with suppress(CartTokenInvalid):
        guest = guest_cart_id()
        if guest is not None:
            with transaction() as session:
                providers().carts.merge_at_login(session, guest, user.id)


def _session(signed_in: SignedIn) -> dict[str, Any]:
    tokens = providers().tokens
    return {
        "access_token": tokens.issue(signed_in.user),
        "refresh_token": signed_in.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.access_seconds,
    }
