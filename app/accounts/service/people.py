"""People come, prove their address, and say what they are called."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.errors import AlreadyVerified, EmailTaken
from app.accounts.events import AccountRegistered, VerificationRequested
from app.accounts.models import Role, TokenPurpose, User
from app.accounts.service.mailed import VERIFY_SECONDS, use_token, write_token
from app.events.outbox import announce
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.metrics import ACCOUNTS


def register(session: ShopSession, *, email: str, password_hash: str, **about: Any) -> User:
    """Open a customer's account and have its address verified; `about` is name and locale.

    Raises EmailTaken; of two at once, one gets the account.
    """
    values = {"password_hash": password_hash, "role": Role.CUSTOMER}
    user = add_person(session, email=email, **values, **about)
    token_id = write_token(session, user, TokenPurpose.VERIFY, seconds=VERIFY_SECONDS)
    announce(session, AccountRegistered(user_id=user.id, token_id=token_id))
    session.afterwards(ACCOUNTS.labels(outcome="registered").inc)
    return user


def add_person(session: Session, *, email: str, **values: Any) -> User:
    """Write somebody new down. Raises EmailTaken."""
    user_id = session.scalar(
        insert(User)
        .values(id=new_id(), email=email, **values)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(User.id)
    )
    if user_id is None:
        raise EmailTaken("There is an account with this email.", fields=[_TAKEN])
    return session.scalars(select(User).where(User.id == user_id)).one()


def verify(session: ShopSession, token_id: UUID) -> User:
    """Take note that somebody reads what is sent to the account's address. Raises TokenRefused."""
    user = use_token(session, token_id, TokenPurpose.VERIFY)
    mark_verified(session, user)
    return user


def mark_verified(session: ShopSession, user: User) -> None:
    """The first proof of the address counts."""
    if user.email_verified_at is None:
        user.email_verified_at = session.scalar(
            update(User)
            .where(User.id == user.id)
            .values(email_verified_at=func.shop_now())
            .returning(User.email_verified_at)
        )
        session.afterwards(ACCOUNTS.labels(outcome="verified").inc)


def ask_verification(session: Session, user_id: UUID | None) -> None:
    """Send another letter that verifies the address. Raises AlreadyVerified."""
    user = queries.lock_person(session, user_id)
    if user.email_verified_at is not None:
        raise AlreadyVerified("This address is verified.")
    token_id = write_token(session, user, TokenPurpose.VERIFY, seconds=VERIFY_SECONDS)
    announce(session, VerificationRequested(user_id=user.id, token_id=token_id))


def change_profile(session: Session, user_id: UUID | None, change: dict[str, str]) -> User:
    """Change a person's own name or language."""
    user = queries.lock_person(session, user_id)
    for field in ("name", "locale"):
        if field in change:
            setattr(user, field, change[field])
    return user


_TAKEN = {"field": "email", "detail": "There is an account with this email."}
