"""Tokens that travel by mail: written down before their letter, used once."""

from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import MailedToken, TokenPurpose, User
from app.accounts.tokens import token_refused
from app.platform.ids import new_id

VERIFY_SECONDS = 7 * 86_400
RESET_SECONDS = 3_600
INVITE_SECONDS = 7 * 86_400


def write_token(session: Session, user: User, purpose: TokenPurpose, *, seconds: int) -> UUID:
    """Write down a token for a person's address; gives the id its letter is made from."""
    return _write(session, purpose, email=user.email, user_id=user.id, seconds=seconds)


def write_reset(session: Session, email: str) -> UUID:
    """Write down that a new password is wanted for an address, whether or not anybody has it: the
    same statement, taking the same time."""
    whose = select(User.id).where(User.email == email).scalar_subquery()
    return _write(session, TokenPurpose.RESET, email=email, user_id=whose, seconds=RESET_SECONDS)


def use_token(session: Session, token_id: UUID, *purposes: TokenPurpose) -> User:
    """Use a token up for one of these purposes; gives whose it was, locked, and voids the others
    of that person for the same purposes.

    The person is locked first, so that two tokens used at once do not wait for each other. Raises
    TokenRefused.
    """
    token = queries.good_token(session, token_id)
    if token is None or token.user_id is None or token.purpose not in purposes:
        raise token_refused()
    user = queries.lock_person(session, token.user_id)
    used = session.scalar(
        update(MailedToken)
        .where(
            MailedToken.id == token_id,
            MailedToken.used_at.is_(None),
            MailedToken.email == user.email,
        )
        .values(used_at=func.shop_now())
        .returning(MailedToken.id)
    )
    if used is None:
        raise token_refused()
    void_tokens(session, user.id, *purposes)
    return user


def void_tokens(session: Session, user_id: UUID, *purposes: TokenPurpose) -> None:
    """Make a person's unused tokens of these purposes useless."""
    session.execute(
        update(MailedToken)
        .where(
            MailedToken.user_id == user_id,
            MailedToken.purpose.in_(purposes),
            MailedToken.used_at.is_(None),
        )
        .values(used_at=func.shop_now())
    )


def forget_old_mailed_tokens(session: Session, *, limit: int = 5_000) -> int:
    """Delete mailed tokens past their life, some at a time; gives how many."""
    old = select(MailedToken.id).where(MailedToken.expires_at <= func.shop_now()).limit(limit)
    gone = session.execute(
        delete(MailedToken).where(MailedToken.id.in_(old)).returning(MailedToken.id)
    )
    return len(gone.all())


def _write(
    session: Session, purpose: TokenPurpose, *, email: str, user_id: object, seconds: int
) -> UUID:
    token_id = new_id()
    session.add(
        MailedToken(
            id=token_id,
            user_id=user_id,
            purpose=purpose,
            email=email,
            expires_at=func.shop_now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
        )
    )
    session.flush()  # before the event that tells of it
    return token_id
