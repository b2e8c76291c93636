"""People come, sign in, stay signed in and leave."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Exists, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from app.accounts.errors import EmailTaken
from app.accounts.models import RefreshToken, Role, User
from app.accounts.tokens import digest, new_refresh_token
from app.platform.ids import new_id


@dataclass(frozen=True)
class SignedIn:
    """Someone who proved who they are, and the refresh token that keeps it so."""

    user: User
    refresh_token: str


def register(session: Session, *, email: str, password_hash: str) -> User:
    """Open a customer's account. Raises EmailTaken; of two at once, one gets the account."""
    user_id = session.scalar(
        insert(User)
        .values(id=new_id(), email=email, password_hash=password_hash, role=Role.CUSTOMER)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(User.id)
    )
    if user_id is None:
        raise EmailTaken("There is an account with this email.", fields=[_TAKEN])
    return session.get_one(User, user_id)


def sign_in(session: Session, user: User, *, days: int) -> SignedIn:
    """Start a family of refresh tokens for someone whose password was right."""
    return SignedIn(user, _add_link(session, user.id, new_id(), days=days))


def keep_hash(session: Session, user_id: UUID, password_hash: str) -> None:
    """Keep a password's hash made anew at today's cost."""
    session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))


def refresh(session: Session, token: str, *, days: int) -> SignedIn | None:
    """Use a refresh token up and give the next; None where it is not good.

    One that was used before is in two hands: its whole family ends, and the caller must commit
    that. Of two that use the same one at once, one wins, and then the other ends the family.
    """
    link = session.execute(
        update(RefreshToken)
        .where(
            RefreshToken.token_hash == digest(token),
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > func.shop_now(),
            ~_family_ended(),
        )
        .values(used_at=func.shop_now())
        .returning(RefreshToken.user_id, RefreshToken.family)
    ).first()
    if link is None:
        _end_if_used_before(session, token)
        return None
    user = session.get_one(User, link.user_id)
    return SignedIn(user, _add_link(session, user.id, link.family, days=days))


def sign_out(session: Session, token: str) -> None:
    """End the family of this refresh token; an unknown one is already as good as ended."""
    family = session.scalar(
        select(RefreshToken.family).where(RefreshToken.token_hash == digest(token))
    )
    if family is not None:
        _end_family(session, family)


def forget_old_tokens(session: Session, *, limit: int = 5_000) -> int:
    """Delete refresh tokens past their life, some at a time; gives how many."""
    old = select(RefreshToken.id).where(RefreshToken.expires_at <= func.shop_now()).limit(limit)
    gone = session.execute(
        delete(RefreshToken).where(RefreshToken.id.in_(old)).returning(RefreshToken.id)
    )
    return len(gone.all())


_TAKEN = {"field": "email", "detail": "There is an account with this email."}


def _add_link(session: Session, user_id: UUID, family: UUID, *, days: int) -> str:
    token = new_refresh_token()
    session.add(
        RefreshToken(
            user_id=user_id,
            family=family,
            token_hash=digest(token),
            expires_at=func.shop_now() + func.make_interval(0, 0, 0, days),
        )
    )
    session.flush()
    return token


def _family_ended() -> Exists:
    """A link added while the family was being ended carries no mark of its own, so any mark
    counts."""
    other = aliased(RefreshToken)
    return exists().where(other.family == RefreshToken.family, other.revoked_at.is_not(None))


def _end_if_used_before(session: Session, token: str) -> None:
    family = session.scalar(
        select(RefreshToken.family).where(
            RefreshToken.token_hash == digest(token), RefreshToken.used_at.is_not(None)
        )
    )
    if family is not None:
        _end_family(session, family)


def _end_family(session: Session, family: UUID) -> None:
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=func.shop_now())
    )
