"""What is kept about a person is told to them, and taken away when they go."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text

from app.accounts.models import Role, User
from app.events.models import OutboxEvent
from app.notifications.models import Notification, NotificationStatus
from app.operations import audit, export
from app.orders.models import Order
from app.platform.db import Database
from app.platform.ids import decode
from tests.api.leaving import ERASE, ada, email_of, erase, everything, settings, shop
from tests.api.people import PASSWORD, Person, Street
from tests.api.snapshots import rows
from tests.factories import ADDRESS, make_user
from tests.statements import statements

__all__ = ["ada", "settings", "shop"]

pytestmark = pytest.mark.unaudited(
    "order_unlike_parcels", "order_sent_unpaid", "state_not_journaled"
)

KEPT_WORDS = ("Lovelace", "St James", "+4930123456")


def test_a_person_is_told_everything_that_is_kept(shop: Street, ada: Person) -> None:
    answer = ada.get("/v1/account/export")

    told: dict[str, Any] = answer.json or {}
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="account.json"'
    assert told["account"]["name"] == "Ada Lovelace"
    assert [each["address"]["name"] for each in told["addresses"]] == ["Ada Lovelace"]
    assert [each["id"] for each in told["orders"]] == [ada.ids["order_id"]]
    order = told["orders"][0]
    assert order["items"][0]["sku_id"] == shop.sku_id
    assert order["payments"][0]["amount"] == order["total"]
    assert [each["text"] for each in told["reviews"]] == ["Dry feet"]
    assert [each["order_id"] for each in told["checkouts"]] == [ada.ids["order_id"]]
    assert len(told["carts"]) == 2
    assert sorted(each["status"] for each in told["letters"])[-2:] == ["queued", "sent"]
    assert {each["purpose"] for each in told["mailed_tokens"]} == {"reset"}
    assert [each["topic"] for each in told["opt_outs"]] == ["review_invitation"]


def test_nobody_elses_things_are_told(shop: Street, ada: Person) -> None:
    told = json.dumps(shop.people["merchant"].get("/v1/account/export").json)

    assert ada.ids["order_id"] not in told
    assert "Lovelace" not in told


@pytest.mark.parametrize("word", ["password", "hash", "token_hash", "pm_card"])
def test_an_export_tells_no_secret(ada: Person, word: str) -> None:
    assert word not in ada.get("/v1/account/export").get_data(as_text=True)


def test_an_export_of_any_length_is_read_a_page_at_a_time(ada: Person, shop: Street) -> None:
    ada.client.put("/v1/account/notifications", json={"low_stock": False}, headers=ada.headers)
    whole = ada.get("/v1/account/export").json
    with shop.wired.db.reading() as session:
        user = session.get_one(User, decode("usr", ada.ids["user_id"]))

    with statements(shop.wired.db) as seen:
        told = json.loads("".join(export.document(shop.wired.db, user, page_rows=1)))

    assert told == whole
    assert len(told["opt_outs"]) == 2
    assert len([sql for sql in seen if "FROM carts" in sql]) == len(told["carts"]) + 1


def test_of_an_erased_person_nothing_is_left_that_names_them(shop: Street, ada: Person) -> None:
    email = email_of(ada)
    bought = [each["email"] for each in (ada.get("/v1/account/export").json or {})["orders"]]
    assert any(word in everything(shop.wired.db) for word in KEPT_WORDS)
    _forget_the_guest(shop.wired.db)
    before = audit.of_database(shop.wired.db).breaches

    answer = erase(ada)

    kept = everything(shop.wired.db)
    assert answer == (204, "")
    assert [word for word in (*KEPT_WORDS, "Ada L.", email, *bought) if word in kept] == []
    assert audit.of_database(shop.wired.db).breaches == before


def _forget_the_guest(db: Database) -> None:
    """The guest of this street lives at the same address; what is theirs is not the account's."""
    with db.transaction() as session:
        for table in ("orders", "checkouts"):
            session.execute(
                text(
                    f"UPDATE {table} SET address = '{{}}', email = 'guest@example.org'"
                    " WHERE user_id IS NULL"
                )
            )
        session.execute(
            text(
                "UPDATE notifications SET recipient = 'guest@example.org' WHERE subject_id IN"
                " (SELECT id FROM orders WHERE user_id IS NULL)"
            )
        )
        session.execute(text("DELETE FROM idempotency_keys WHERE scope LIKE 'guest:%'"))


def test_an_erased_persons_order_keeps_its_figures_and_where_it_was_taxed(
    shop: Street, ada: Person
) -> None:
    order_id = decode("ord", ada.ids["order_id"])
    with shop.wired.db.reading() as session:
        before = session.get_one(Order, order_id)

    erase(ada)

    with shop.wired.db.reading() as session:
        after = session.get_one(Order, order_id)
    for figure in ("number", "total", "tax", "shipping", "currency", "state", "user_id"):
        assert getattr(after, figure) == getattr(before, figure)
    assert after.address == before.address | {
        "name": "", "line1": "", "line2": "", "city": "", "phone": "",
    }  # fmt: skip
    assert (after.address["country"], after.address["postal_code"]) == ("DE", "10117")
    assert after.email.endswith("@erased.invalid")


def test_that_a_person_is_gone_is_told_once(shop: Street, ada: Person) -> None:
    erase(ada)

    with shop.wired.db.reading() as session:
        told = session.scalars(select(OutboxEvent).where(OutboxEvent.type == "account.erased"))
        assert [(event.topic, event.payload["data"]) for event in told] == [
            ("accounts", {"user_id": str(decode("usr", ada.ids["user_id"]))})
        ]


def test_an_erased_person_can_do_nothing_any_more(shop: Street, ada: Person) -> None:
    email = email_of(ada)

    erase(ada)

    login = shop.client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    again = shop.client.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    assert login.status_code == 401
    assert again.status_code == 200
    assert [ada.get(path).status_code for path in ("/v1/account", "/v1/account/export")] == [
        401
    ] * 2
    assert erase(ada) == (401, "unauthenticated")
    assert ada.post("/v1/account/addresses", {"address": ADDRESS}).status_code == 401


def test_a_purchase_by_an_access_token_that_outlived_its_person_is_refused(
    shop: Street, ada: Person
) -> None:
    erase(ada)
    before = rows(shop.wired.db)

    answer = ada.buy()

    assert (answer.status_code, (answer.json or {})["code"]) == (404, "cart_not_found")
    assert rows(shop.wired.db) == before


def test_letters_that_waited_for_an_erased_person_are_not_sent(shop: Street, ada: Person) -> None:
    erase(ada)

    with shop.wired.db.reading() as session:
        theirs = session.scalars(
            select(Notification).where(Notification.recipient.like("erased-%"))
        ).all()
    assert {letter.status for letter in theirs} == {
        NotificationStatus.SENT, NotificationStatus.WITHHELD,
    }  # fmt: skip
    assert all(letter.facts == {} for letter in theirs)


@pytest.mark.parametrize("state", ["confirmed", "shipped"])
def test_nobody_is_erased_while_something_is_on_its_way(
    shop: Street, ada: Person, state: str
) -> None:
    with shop.wired.db.transaction() as session:
        session.execute(text(f"UPDATE orders SET state = '{state}' WHERE user_id IS NOT NULL"))
    before = rows(shop.wired.db)

    answer = ada.post(ERASE, {"password": PASSWORD})

    assert (answer.status_code, (answer.json or {})["code"]) == (409, "orders_under_way")
    assert len((answer.json or {})["orders"]) == 1
    assert rows(shop.wired.db) == before


def test_nobody_is_erased_while_buying(shop: Street, ada: Person) -> None:
    ada.buy()

    assert erase(ada) == (409, "orders_under_way")


def test_only_who_knows_the_password_erases(shop: Street, ada: Person) -> None:
    before = rows(shop.wired.db)

    assert erase(ada, "guessed") == (403, "wrong_password")
    assert rows(shop.wired.db) == before


def test_the_last_of_a_merchants_people_stays(shop: Street) -> None:
    boss = shop.people["merchant"]
    merchant_id = decode("mer", str((boss.get("/v1/account").json or {})["merchant_id"]))
    alone = erase(boss)
    with shop.wired.db.transaction() as session:
        make_user(session, role=Role.MERCHANT, merchant_id=merchant_id)

    assert alone == (409, "last_of_merchant")
    assert erase(boss) == (204, "")
