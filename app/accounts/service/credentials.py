"""Passwords are forgotten, chosen anew and changed; whatever the old one opened is shut."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.errors import WrongPassword
from app.accounts.events import PasswordChanged, PasswordResetRequested
from app.accounts.models import TokenPurpose, User
from app.accounts.service.mailed import use_token, void_tokens, write_reset
from app.accounts.service.people import mark_verified
from app.accounts.service.sessions import end_sessions
from app.events.outbox import announce
from app.platform.db import ShopSession

_CHOOSING = (TokenPurpose.RESET, TokenPurpose.INVITE)


def ask_reset(session: Session, email: str) -> None:
    """Have a letter sent that lets somebody choose a new password.

    An address nobody has costs the same statements: the reader of the event finds out.
    """
    announce(session, PasswordResetRequested(token_id=write_reset(session, email)))


def reset_password(session: ShopSession, token_id: UUID, password_hash: str) -> User:
    """Choose a password by a mailed token: every session ends, every other such token is void, and
    the address is proven. Raises TokenRefused."""
    user = use_token(session, token_id, *_CHOOSING)
    mark_verified(session, user)
    void_tokens(session, user.id, TokenPurpose.VERIFY)
    _shut(session, user, password_hash)
    return user


def change_password(
    session: Session, user_id: UUID | None, *, proven_hash: str, password_hash: str
) -> User:
    """Choose another password, knowing the one behind `proven_hash`; every session ends.

    Raises WrongPassword where it was changed since it was checked.
    """
    user = queries.lock_person(session, user_id)
    if user.password_hash != proven_hash:
        raise WrongPassword("This is not the account's password.")
    void_tokens(session, user.id, *_CHOOSING)
    _shut(session, user, password_hash)
    return user


def keep_hash(session: Session, user: User, password_hash: str) -> None:
    """Keep a password's hash made anew at today's cost, unless another password was chosen
    meanwhile."""
    session.execute(
        update(User)
        .where(User.id == user.id, User.password_hash == user.password_hash)
        .values(password_hash=password_hash)
        .execution_options(synchronize_session=False)
    )


def _shut(session: Session, user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    session.flush()  # a session begun right after is begun with the new one
    end_sessions(session, user.id)
    announce(session, PasswordChanged(user_id=user.id))
