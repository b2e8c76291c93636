"""Words of letters about accounts. Tokens are made as the letter is written and kept nowhere."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.accounts.models import Merchant
from app.accounts.queries import addressee, good_token, person
from app.notifications.errors import NothingToShow, Withheld
from app.notifications.letters.kinds import Words
from app.notifications.links import Links


def with_token(session: Session, token_id: UUID, links: Links) -> Words:
    """A token that confirms an address or chooses a password. Raises Withheld once it is no
    good."""
    token = good_token(session, token_id)
    if token is None:
        raise Withheld("token_not_good")
    return {
        "link": links.tokens.link(token_id, token.purpose),
        "token": links.tokens.token(token_id),
        "expires_at": token.expires_at,
        "merchants": [],
    }


def invited(session: Session, token_id: UUID, links: Links) -> Words:
    """The same, with whom the person is to sell for."""
    words = with_token(session, token_id, links)
    user = addressee(session, token_id)
    merchant = session.get(Merchant, user.merchant_id) if user and user.merchant_id else None
    if merchant is None:
        raise Withheld("not_invited")
    return words | {"merchant": merchant.name, "merchants": [merchant.name]}


def plain(session: Session, user_id: UUID, _links: Links) -> Words:
    """Nothing but that it happened."""
    if person(session, user_id) is None:
        raise NothingToShow("There is no such person.")
    return {"merchants": []}
