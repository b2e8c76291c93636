"""People sign in, stay signed in and leave."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Exists, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from app.accounts.errors import BadCredentials
from app.accounts.models import RefreshToken, User
from app.accounts.tokens import digest, new_refresh_token
from app.platform.ids import new_id


@dataclass(frozen=True)
class SignedIn:
    """Someone who proved who they are, and the refresh token that keeps it so."""

    user: User
    refresh_token: str


def sign_in(session: Session, user: User, *, days: int) -> SignedIn:
    """Start a family of refresh tokens for someone whose password was right.

    Raises BadCredentials where the password was changed, or the person erased, since it was
    checked: checking takes long, and no session may begin behind the one that ended them all.
    """
    still = select(User.id).where(User.id == user.id, User.password_hash == user.password_hash)
    if session.scalar(still.with_for_update(read=True, key_share=True)) is None:
        raise BadCredentials("Email and password do not belong together.")
    return SignedIn(user, _add_link(session, user.id, new_id(), days=days))


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


def end_sessions(session: Session, user_id: UUID) -> None:
    """End every family of a person's refresh tokens; access tokens live out their minutes."""
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=func.shop_now())
    )


def forget_old_tokens(session: Session, *, limit: int = 5_000) -> int:
    """Delete refresh tokens past their life, some at a time; gives how many."""
    old = select(RefreshToken.id).where(RefreshToken.expires_at <= func.shop_now()).limit(limit)
    gone = session.execute(
        delete(RefreshToken).where(RefreshToken.id.in_(old)).returning(RefreshToken.id)
    )
    return len(gone.all())


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
