"""An address that somebody typed gives no power over the mailbox behind it."""

import json
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.accounts import service
from app.accounts.models import MailedToken, User
from app.notifications.models import Notification, NotificationStatus, OptOut
from app.orders.models import Order
from app.platform.db import Database
from app.platform.ids import decode, new_id
from tests.api.leaving import (
    ada,
    arrive,
    email_of,
    erase,
    everything,
    exported,
    letter,
    prove,
    settings,
    shop,
)
from tests.api.people import PASSWORD, Person, Street
from tests.factories import make_user

__all__ = ["ada", "settings", "shop"]

pytestmark = pytest.mark.unaudited(
    "order_unlike_parcels", "order_sent_unpaid", "state_not_journaled"
)

VICTIM = "victim@example.com"


def _row(recipient: str, **given: Any) -> Notification:
    values = {"channel": "email", "event_id": new_id(), "subject_id": new_id()}
    values |= {"template": "low_stock", "facts": {"kept": "words"}}
    return Notification(recipient=recipient, **values | given)


def _letters(db: Database, recipient: str) -> list[tuple[str, NotificationStatus, Any]]:
    with db.reading() as session:
        found = session.scalars(
            select(Notification)
            .where(Notification.recipient == recipient)
            .order_by(Notification.template)
        )
        return [(each.template, each.status, each.facts) for each in found]


def _buy_in_the_name_of(shop: Street, person: Person, email: str) -> None:
    """An order that is confirmed to an address which the buyer does not have."""
    answer = person.buy(email=email)
    assert answer.status_code == 202, answer.json
    shop.queue.drain()
    arrive(shop.wired.db)
    person.cart(shop.sku_id)


@pytest.fixture
def victim(shop: Street) -> User:
    """Somebody with letters, a wish about letters and a token to choose a password by."""
    with shop.wired.db.transaction() as session:
        user = make_user(session, email=VICTIM)
        guests = session.scalars(select(Order).where(Order.user_id.is_(None)).limit(1)).one()
        session.add(_row(VICTIM, template="account_reset", subject_id=user.id))
        session.add(
            letter(guests, NotificationStatus.QUEUED, recipient=VICTIM, facts={"kept": "words"})
        )
        session.add(OptOut(recipient=VICTIM, topic="review_invitation"))
        service.ask_reset(session, VICTIM)
    return user


def test_letters_to_an_address_typed_into_a_purchase_are_not_told_to_who_typed_it(
    shop: Street, ada: Person, victim: User
) -> None:
    _buy_in_the_name_of(shop, ada, VICTIM)

    told = exported(ada)

    assert "account_reset" not in json.dumps(told["letters"])
    assert [each for each in told["letters"] if each["recipient"] == VICTIM] == []
    assert VICTIM not in json.dumps(told["opt_outs"])


def test_who_typed_an_address_into_a_purchase_silences_nobody_by_leaving(
    shop: Street, ada: Person, victim: User
) -> None:
    _buy_in_the_name_of(shop, ada, VICTIM)
    before = _letters(shop.wired.db, VICTIM)

    answer = erase(ada)

    assert answer == (204, "")
    assert before == [
        ("account_reset", NotificationStatus.QUEUED, {"kept": "words"}),
        ("order_confirmed", NotificationStatus.QUEUED, {"kept": "words"}),
    ]
    assert _letters(shop.wired.db, VICTIM) == before
    with shop.wired.db.reading() as session:
        assert session.scalars(select(OptOut.topic).where(OptOut.recipient == VICTIM)).all()
        assert session.scalars(select(MailedToken.id).where(MailedToken.email == VICTIM)).all()


def test_two_letters_of_one_event_do_not_stand_in_the_way(shop: Street, ada: Person) -> None:
    event_id, mine = new_id(), email_of(ada)
    _buy_in_the_name_of(shop, ada, VICTIM)
    with shop.wired.db.transaction() as session:
        session.add_all(_row(to, event_id=event_id) for to in (VICTIM, mine))

    assert erase(ada) == (204, "")
    assert len(_letters(shop.wired.db, VICTIM)) == 1
    assert _letters(shop.wired.db, mine) == []


def test_an_address_nobody_has_proven_opens_no_letters_to_sellers(
    shop: Street, ada: Person
) -> None:
    support = "support@barn.example"
    body = {"email": support, "password": PASSWORD}
    registered = shop.client.post("/v1/auth/register", json=body).json or {}
    stranger = Person(shop.client, {"Authorization": f"Bearer {registered['access_token']}"})
    with shop.wired.db.transaction() as session:
        session.add(_row(support))
        session.add(OptOut(recipient=support, topic="low_stock"))

    told, answer = exported(stranger), erase(stranger)

    assert (told["letters"], told["opt_outs"], answer) == ([], [], (204, ""))
    assert _letters(shop.wired.db, support) == [
        ("low_stock", NotificationStatus.QUEUED, {"kept": "words"})
    ]
    with shop.wired.db.reading() as session:
        assert session.scalars(select(OptOut.topic)).all().count("low_stock") == 1


def test_letters_are_found_whatever_the_case_of_their_address(shop: Street, ada: Person) -> None:
    mine = email_of(ada)
    with shop.wired.db.transaction() as session:
        order = session.get_one(Order, decode("ord", ada.ids["order_id"]))
        session.add(_row(mine.title()))
        session.add(letter(order, NotificationStatus.QUEUED, recipient="ADA@example.COM"))
        session.add(OptOut(recipient=mine.title(), topic="low_stock"))

    told = exported(ada)
    answer = erase(ada)

    recipients = {each["recipient"] for each in told["letters"]}
    assert {mine.title(), "ADA@example.COM"} <= recipients
    assert {each["topic"] for each in told["opt_outs"]} == {"low_stock", "review_invitation"}
    assert answer == (204, "")
    kept = everything(shop.wired.db).lower()
    assert mine.lower() not in kept
    assert _letters(shop.wired.db, "ADA@example.COM") == []


def test_what_a_merchant_is_told_of_a_customers_return_is_the_merchants(
    shop: Street, ada: Person
) -> None:
    merchant = shop.people["merchant"]
    seller = email_of(merchant)
    with shop.wired.db.transaction() as session:
        order = session.get_one(Order, decode("ord", ada.ids["order_id"]))
        session.add(
            letter(order, NotificationStatus.SENT, template="return_to_decide", recipient=seller)
        )

    to_ada, to_merchant = exported(ada)["letters"], exported(merchant)["letters"]
    answer = erase(ada)

    assert answer == (204, "")
    assert seller not in json.dumps(to_ada)
    assert [each["template"] for each in to_merchant] == ["return_to_decide"]
    assert [row[0] for row in _letters(shop.wired.db, seller)] == ["return_to_decide"]


def test_a_useless_token_for_ones_own_address_goes_too(shop: Street, ada: Person) -> None:
    mine = email_of(ada)
    with shop.wired.db.transaction() as session:
        session.add_all(
            MailedToken(user_id=None, purpose="reset", email=to, expires_at=_far())
            for to in (mine.upper(), VICTIM)
        )

    erase(ada)

    with shop.wired.db.reading() as session:
        assert session.scalars(select(MailedToken.email)).all() == [VICTIM]


def _far() -> Any:
    return func.shop_now() + text("interval '1 hour'")


def test_a_proven_address_is_its_owners(shop: Street) -> None:
    support = "support@barn.example"
    body = {"email": support, "password": PASSWORD}
    registered = shop.client.post("/v1/auth/register", json=body).json or {}
    owner = Person(shop.client, {"Authorization": f"Bearer {registered['access_token']}"})
    owner.ids["user_id"] = str((owner.get("/v1/account").json or {})["id"])
    prove(shop.wired.db, owner)
    with shop.wired.db.transaction() as session:
        session.add(_row(support))
        session.add(OptOut(recipient=support, topic="low_stock"))

    told, answer = exported(owner), erase(owner)

    assert [each["template"] for each in told["letters"]] == ["low_stock"]
    assert [each["topic"] for each in told["opt_outs"]] == ["low_stock"]
    assert answer == (204, "")
    assert support not in everything(shop.wired.db)
