"""Who is there."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import User


def user_by_email(session: Session, email: str) -> User | None:
    """The person with this email, whatever its case."""
    return session.scalar(select(User).where(User.email == email))
