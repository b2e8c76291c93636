"""Who is there."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import User


def user_by_email(session: Session, email: str) -> User | None:
    """The person with this email, whatever its case."""
    return session.scalar(select(User).where(User.email == email))


def user_by_id(session: Session, user_id: UUID) -> User | None:
    """The person with this id."""
    return session.get(User, user_id)
