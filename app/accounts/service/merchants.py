"""Merchants come, are suspended and go on; their people are invited and leave."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.errors import LastOfMerchant, SlugTaken
from app.accounts.events import AccountInvited
from app.accounts.models import Merchant, MerchantStatus, Role, TokenPurpose, User
from app.accounts.passwords import UNUSABLE
from app.accounts.service.mailed import INVITE_SECONDS, void_tokens, write_token
from app.accounts.service.people import add_person
from app.accounts.service.sessions import end_sessions
from app.events.outbox import announce
from app.platform.ids import new_id


def open_merchant(session: Session, *, name: str, slug: str, currency: str) -> Merchant:
    """Let somebody sell, in one currency. Raises SlugTaken."""
    merchant_id = session.scalar(
        insert(Merchant)
        .values(
            id=new_id(),
            name=name,
            slug=slug,
            currency=currency,
            settings={},
            status=MerchantStatus.ACTIVE,
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(Merchant.id)
    )
    if merchant_id is None:
        taken = {"field": "slug", "detail": "Another merchant has it."}
        raise SlugTaken(f"Another merchant has the slug {slug!r}.", fields=[taken])
    return session.scalars(select(Merchant).where(Merchant.id == merchant_id)).one()


def suspend(session: Session, merchant_id: UUID) -> Merchant:
    """Stop selling: nothing of the merchant is found, put into a cart or bought, and its keys open
    nothing. What was ordered before goes on. A cached page may show it for a minute."""
    return _become(session, merchant_id, MerchantStatus.SUSPENDED)


def activate(session: Session, merchant_id: UUID) -> Merchant:
    """Sell again."""
    return _become(session, merchant_id, MerchantStatus.ACTIVE)


def invite(session: Session, merchant_id: UUID, *, email: str, name: str = "") -> User:
    """Let somebody new sell for a merchant: no password opens the account until the one is chosen
    by the letter. Raises EmailTaken, also where the address is a customer's."""
    values = {"password_hash": UNUSABLE, "role": Role.MERCHANT, "merchant_id": merchant_id}
    user = add_person(session, email=email, name=name, **values)
    token_id = write_token(session, user, TokenPurpose.INVITE, seconds=INVITE_SECONDS)
    announce(session, AccountInvited(user_id=user.id, merchant_id=merchant_id, token_id=token_id))
    return user


def invite_colleague(
    session: Session, merchant_id: UUID, *, invited_by: UUID | None, email: str, name: str = ""
) -> User:
    """The same, asked by one of its people. Raises NotOfMerchant, EmailTaken."""
    queries.lock_merchant_of(session, merchant_id, invited_by)
    return invite(session, merchant_id, email=email, name=name)


def remove_person(
    session: Session, merchant_id: UUID, user_id: UUID, *, removed_by: UUID | None
) -> None:
    """Let somebody sell for this merchant no more: a customer from now on, signed out everywhere.

    An access token given before lives out its minutes, but lets nobody in any more. Raises
    NotOfMerchant, PersonNotFound, LastOfMerchant.
    """
    queries.lock_merchant_of(session, merchant_id, removed_by)  # two may not remove each other
    user = queries.person_of(session, merchant_id, user_id)
    refuse_last(session, user)
    user.role, user.merchant_id = Role.CUSTOMER, None
    void_tokens(session, user.id, TokenPurpose.INVITE)
    end_sessions(session, user.id)


def refuse_last(session: Session, user: User) -> None:
    """Raise LastOfMerchant where nobody else sells for this person's merchant, which the caller
    holds locked."""
    if user.merchant_id is not None and len(queries.people_of(session, user.merchant_id)) == 1:
        raise LastOfMerchant("Nobody else sells for this merchant; invite somebody first.")


def _become(session: Session, merchant_id: UUID, status: MerchantStatus) -> Merchant:
    merchant = queries.merchant(session, merchant_id, lock=True)
    merchant.status = status
    return merchant
