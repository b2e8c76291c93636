"""Somebody with everything a person can have, about to go."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts import service
from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Product
from app.config import Settings
from app.notifications.models import Notification, NotificationStatus, OptOut
from app.orders.models import Order
from app.platform.db import Database
from app.platform.ids import decode, new_id
from app.reviews.models import Review
from app.tables import metadata
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import PASSWORD, Person, Street, paying, street
from tests.factories import ADDRESS

ERASE, EXPORT = "/v1/account/erase", "/v1/account/export"


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose people all own something."""
    return street(providers, queue, client)


@pytest.fixture
def ada(shop: Street) -> Person:
    """A customer with everything a person can have; what she bought has arrived."""
    person = shop.people["customer"]
    person.patch("/v1/account", {"name": "Ada Lovelace"})
    person.post("/v1/account/addresses", {"address": ADDRESS}, Idempotency_Key="k")
    prove(shop.wired.db, person)
    user_id = decode("usr", person.ids["user_id"])
    with shop.wired.db.transaction() as session:
        order = session.scalars(select(Order).where(Order.user_id == user_id)).one()
        product_id = session.scalars(select(Product.id).limit(1)).one()
        session.add(
            Review(
                product_id=product_id,
                user_id=user_id,
                order_id=order.id,
                rating=5,
                text="Dry feet",
                author="Ada L.",
            )
        )
        session.add(OptOut(recipient=email_of(person).upper(), topic="review_invitation"))
        session.add(letter(order, NotificationStatus.SENT))
        session.add(letter(order, NotificationStatus.QUEUED))
        service.ask_reset(session, email_of(person))
    arrive(shop.wired.db)
    return person


def letter(order: Order, status: NotificationStatus, **given: Any) -> Notification:
    """A letter about an order, to whoever is to read it."""
    values = {"channel": "email", "recipient": order.email, "template": "order_confirmed"}
    values |= {"subject_id": order.id, "facts": {"name": "Ada Lovelace"}}
    return Notification(event_id=new_id(), status=status, **values | given)


def prove(db: Database, person: Person) -> None:
    """Somebody has verified the address of their account."""
    with db.transaction() as session:
        session.execute(
            text("UPDATE users SET email_verified_at = shop_now() WHERE id = :id"),
            {"id": decode("usr", person.ids["user_id"])},
        )


def arrive(db: Database) -> None:
    """Everything ordered has been delivered."""
    with db.transaction() as session:
        session.execute(text("UPDATE orders SET state = 'delivered' WHERE state = 'confirmed'"))


def email_of(person: Person) -> str:
    """The address of somebody's account."""
    return str((person.get("/v1/account").json or {})["email"])


def exported(person: Person) -> dict[str, Any]:
    """What the shop tells somebody that it keeps about them."""
    return dict(person.get(EXPORT).json or {})


def erase(person: Person, password: str = PASSWORD) -> tuple[int, str]:
    """Ask to be erased; the status and the code of the answer."""
    answer = person.post(ERASE, {"password": password})
    return answer.status_code, (answer.json or {})["code"] if answer.get_data() else ""


def everything(db: Database) -> str:
    """Every row of every table, as text."""
    with db.reading() as session:
        parts = " UNION ALL ".join(
            f"SELECT '{name} ' || t::text FROM {name} t" for name in sorted(metadata.tables)
        )
        return "\n".join(session.execute(text(parts)).scalars())
