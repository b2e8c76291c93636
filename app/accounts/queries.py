"""Who is there."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.accounts.errors import (
    AddressNotFound,
    MerchantNotFound,
    NotOfMerchant,
    PersonNotFound,
    Unauthenticated,
)
from app.accounts.models import Address, ApiKey, MailedToken, Merchant, Role, User


def own_language(user_id: UUID, *, otherwise: str) -> ColumnElement[str]:
    """The language a person chose, as part of a statement; another one where none was chosen."""
    chosen = select(User.locale).where(User.id == user_id).scalar_subquery()
    return func.coalesce(chosen, otherwise)


def user_by_email(session: Session, email: str) -> User | None:
    """The person with this email, whatever its case."""
    return session.scalar(select(User).where(User.email == email))


def person(session: Session, user_id: UUID) -> User | None:
    """A person who is not erased."""
    return session.scalar(_present(user_id))


def signed_in(session: Session, user_id: UUID | None) -> User:
    """The person behind an access token, which may outlive them. Raises Unauthenticated."""
    user = person(session, user_id) if user_id else None
    if user is None:
        raise Unauthenticated("This account is not there any more.")
    return user


def lock_person(session: Session, user_id: UUID | None) -> User:
    """The same, locked until the transaction ends: whoever changes what hangs on a person takes
    this lock first. Raises Unauthenticated."""
    wanted = _present(user_id).with_for_update().execution_options(populate_existing=True)
    user = session.scalar(wanted) if user_id else None
    if user is None:
        raise Unauthenticated("This account is not there any more.")
    return user


def good_token(session: Session, token_id: UUID) -> MailedToken | None:
    """A mailed token that can be used now: somebody's, at the address it was sent to, in time and
    not used yet."""
    return session.scalar(
        select(MailedToken)
        .join(User, User.id == MailedToken.user_id)
        .where(
            MailedToken.id == token_id,
            MailedToken.used_at.is_(None),
            MailedToken.expires_at > func.shop_now(),
            MailedToken.email == User.email,
            User.erased_at.is_(None),
        )
    )


def addressee(session: Session, token_id: UUID) -> User | None:
    """Whom the letter of a mailed token goes to; None where there is nobody to write to, or the
    token is of no use any more."""
    token = good_token(session, token_id)
    return session.get(User, token.user_id) if token is not None else None


def addresses_of(session: Session, user_id: UUID) -> Sequence[Address]:
    """A person's address book, the oldest entry first."""
    return session.scalars(
        select(Address).where(Address.user_id == user_id).order_by(Address.id)
    ).all()


def address_of(session: Session, user_id: UUID, address_id: UUID) -> Address:
    """One entry of a person's own address book. Raises AddressNotFound."""
    found = session.scalar(
        select(Address).where(Address.id == address_id, Address.user_id == user_id)
    )
    if found is None:
        raise AddressNotFound("There is no such address.")
    return found


def api_keys_of(session: Session, merchant_id: UUID) -> Sequence[ApiKey]:
    """A merchant's keys that are not revoked, the newest first."""
    return session.scalars(
        select(ApiKey)
        .where(ApiKey.merchant_id == merchant_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    ).all()


def merchant(session: Session, merchant_id: UUID, *, lock: bool = False) -> Merchant:
    """One merchant, locked until the transaction ends if asked to. Raises MerchantNotFound."""
    found = session.get(Merchant, merchant_id, with_for_update=lock or None)
    if found is None:
        raise MerchantNotFound("There is no such merchant.")
    return found


def merchants(session: Session, *, after: UUID | None, limit: int) -> Sequence[Merchant]:
    """A page of all merchants, the newest first."""
    wanted = select(Merchant).order_by(Merchant.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(Merchant.id < after)
    return session.scalars(wanted).all()


def people_of(session: Session, merchant_id: UUID) -> Sequence[User]:
    """Who may sell for a merchant, the first to come first."""
    return session.scalars(
        select(User)
        .where(User.merchant_id == merchant_id, User.role == Role.MERCHANT)
        .order_by(User.id)
    ).all()


def person_of(session: Session, merchant_id: UUID, user_id: UUID) -> User:
    """One of a merchant's people. Raises PersonNotFound."""
    found = session.scalar(select(User).where(User.id == user_id, User.merchant_id == merchant_id))
    if found is None:
        raise PersonNotFound("Nobody of yours has this id.")
    return found


def lock_merchant_of(session: Session, merchant_id: UUID, acting: UUID | None) -> Merchant:
    """A merchant, locked until the transaction ends, for one of its people to change who or what
    acts for it. Raises MerchantNotFound, NotOfMerchant."""
    found = merchant(session, merchant_id, lock=True)
    belongs = select(User.id).where(
        User.id == acting,
        User.merchant_id == merchant_id,
        User.role == Role.MERCHANT,
        User.erased_at.is_(None),
    )
    if acting is None or session.scalar(belongs) is None:
        raise NotOfMerchant("You sell for this merchant no more.")
    return found


def _present(user_id: UUID | None) -> Select[User]:
    return select(User).where(User.id == user_id, User.erased_at.is_(None))
