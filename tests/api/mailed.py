"""Reads the tokens that letters would carry: the tests' own mailbox."""

from sqlalchemy import select

from app.accounts.models import MailedToken, TokenPurpose
from app.wiring import Providers


def mailed(wired: Providers, purpose: TokenPurpose, email: str = "ada@example.com") -> str:
    """The token of the last letter of this purpose to this address."""
    wanted = select(MailedToken.id).where(
        MailedToken.purpose == purpose, MailedToken.email == email
    )
    with wired.db.reading() as session:
        token_id = session.scalars(wanted.order_by(MailedToken.id.desc()).limit(1)).one()
    return wired.mailed_tokens.token(token_id)
