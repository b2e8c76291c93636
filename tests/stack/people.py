"""Who buys in the tests of the running shop, and what came of it."""

from dataclasses import dataclass, field
from typing import Any

from app.accounts.models import Role, User
from app.platform.ids import encode, new_id


@dataclass(frozen=True)
class Buyer:
    """Somebody with a filled cart, and what proves it is theirs."""

    cart_id: str
    headers: dict[str, str] = field(repr=False)
    email: str


@dataclass(frozen=True)
class Purchased:
    """What the books say became of one checkout."""

    state: str
    orders: int
    intents: list[str]
    failure: dict[str, Any] | None


def new_person() -> User:
    """Somebody who has signed in; not written yet."""
    identity = new_id()
    return User(
        id=identity,
        email=f"{encode('usr', identity)}@example.com",
        password_hash="!",
        role=Role.CUSTOMER,
    )


def columns_of(person: User) -> dict[str, Any]:
    """Their row."""
    return {
        "id": person.id,
        "email": person.email,
        "password_hash": person.password_hash,
        "role": person.role,
    }
