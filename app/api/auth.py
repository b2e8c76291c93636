"""Signing up, in, on and out; proving an address, and choosing another password."""

from contextlib import suppress
from typing import Any

from app.accounts import queries, service
from app.accounts.errors import (
    BadCredentials,
    CartTokenInvalid,
    RefreshRefused,
    WrongPassword,
)
from app.accounts.models import User
from app.accounts.service import SignedIn
from app.accounts.tokens import token_refused
from app.api.schemas.auth import (
    AcceptedSchema,
    CredentialsSchema,
    ForgottenSchema,
    MailedTokenSchema,
    PasswordChangeSchema,
    RefreshSchema,
    RegistrationSchema,
    ResetSchema,
    SessionSchema,
)
from app.web.auth import Scope, guest_cart_id, principal, public, requires
from app.web.blueprints import Blueprint
from app.web.languages import asked_language
from app.web.limits import (
    limit_logins,
    limit_mailed_tokens,
    limit_passwords,
    limit_registrations,
    limit_resets,
    limit_verifications,
)
from app.web.transactions import reading, transaction
from app.wiring import providers

auth = Blueprint("auth", __name__, url_prefix="/v1/auth", description="Accounts and sessions")


@auth.route("/register", methods=["POST"])
@limit_registrations
@requires(public)
@auth.arguments(RegistrationSchema)
@auth.response(200, SessionSchema)
@auth.alt_response(409, "CONFLICT")
def register(registration: dict[str, Any]) -> dict[str, Any]:
    """Open an account and sign in; a letter asks to verify the address.

    `email_taken` when there is one with this email. A guest's `X-Cart-Token` brings its cart along.
    """
    wired = providers()
    password_hash = wired.passwords.hash(registration.pop("password"))
    registration["email"] = registration["email"].strip()
    registration["locale"] = registration["locale"] or asked_language()
    with transaction() as session:
        user = service.register(session, password_hash=password_hash, **registration)
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
        signed_in = service.sign_in(session, user, days=wired.settings.refresh_token_days)
        if fresh:
            service.keep_hash(session, user, fresh)
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


@auth.route("/verify", methods=["POST"])
@limit_mailed_tokens
@requires(public)
@auth.arguments(MailedTokenSchema)
@auth.response(204)
def verify_email(shown: dict[str, str]) -> None:
    """Verify the address of an account by the token of its letter.

    `token_refused` for every token that is not good, whatever is wrong with it.
    """
    token_id = providers().mailed_tokens.read(shown["token"])
    with transaction() as session:
        service.verify(session, token_id)


@auth.route("/verify/resend", methods=["POST"])
@limit_verifications
@requires(Scope.ACCOUNT)
@auth.response(202, AcceptedSchema)
@auth.alt_response(409, "CONFLICT")
def resend_verification() -> dict[str, bool]:
    """Ask for another letter that verifies the address; `already_verified` where it is."""
    with transaction() as session:
        service.ask_verification(session, principal().user_id)
    return {"accepted": True}


@auth.route("/forgot", methods=["POST"])
@limit_resets
@requires(public)
@auth.arguments(ForgottenSchema)
@auth.response(202, AcceptedSchema)
def forgot_password(forgotten: dict[str, str]) -> dict[str, bool]:
    """Ask for a letter that lets somebody choose a new password within the hour.

    Whether there is an account with this address is told neither by the answer nor by its time.
    """
    with transaction() as session:
        service.ask_reset(session, forgotten["email"].strip())
    return {"accepted": True}


@auth.route("/reset", methods=["POST"])
@limit_mailed_tokens
@requires(public)
@auth.arguments(ResetSchema)
@auth.response(204)
def reset_password(chosen: dict[str, str]) -> None:
    """Choose a password by the token of a letter, forgotten or invited.

    It works once and ends every session; `token_refused` otherwise. Nobody is signed in by it.
    """
    wired = providers()
    token_id = wired.mailed_tokens.read(chosen["token"])
    with reading() as session:
        if queries.good_token(session, token_id) is None:
            raise token_refused()  # before the hash, which is costly
    password_hash = wired.passwords.hash(chosen["password"])
    with transaction() as session:
        service.reset_password(session, token_id, password_hash)


@auth.route("/password", methods=["POST"])
@limit_passwords
@requires(Scope.ACCOUNT)
@auth.arguments(PasswordChangeSchema)
@auth.response(200, SessionSchema)
def change_password(change: dict[str, str]) -> dict[str, Any]:
    """Choose another password, knowing the present one.

    Every other session ends; the answer is a new one. `wrong_password` where it is not known.
    """
    wired, caller = providers(), principal()
    with reading() as session:
        user = queries.signed_in(session, caller.user_id)
    if not wired.passwords.matches(change["current"], user.password_hash):
        raise WrongPassword("This is not the account's password.")
    fresh = wired.passwords.hash(change["new"])
    with transaction() as session:
        user = service.change_password(
            session, caller.user_id, proven_hash=user.password_hash, password_hash=fresh
        )
        signed_in = service.sign_in(session, user, days=wired.settings.refresh_token_days)
    return _session(signed_in)


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
