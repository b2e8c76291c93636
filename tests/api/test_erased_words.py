"""What people typed, what a card is known by, and the labels of parcels go with whom they name."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.cart.models import Cart
from app.notifications.models import NotificationStatus
from app.orders.models import Order
from app.payments.models import Payment
from app.platform.ids import decode, new_id
from app.reviews.models import Review
from app.shipping.models import Shipment
from tests.api.going_back import settings, shop
from tests.api.leaving import erase, everything, exported, letter
from tests.api.people import Person, Street

__all__ = ["settings", "shop"]

NAME = "Zuckmayer"  # that of nobody else on the street
WORDS = {"reason": f"{NAME} has moved"}
BACK = {"lines": [{"line": 1, "qty": 1, "reason": f"{NAME} has grown"}], **WORDS}


def _made(answer: Any, status: int = 202) -> dict[str, Any]:
    assert answer.status_code == status, answer.json
    return dict(answer.json)


@pytest.fixture
def carl(shop: Street) -> Person:
    """A customer who typed a name wherever there was room for one. One order is canceled; another
    was sent, partly refunded, asked back and kept."""
    carl, merchant = shop.people["customer"], shop.people["merchant"]
    _made(carl.post(f"/v1/orders/{carl.ids['order_id']}/cancel", WORDS))
    shop.queue.drain()
    order_id = shop.buyer(carl).ids["order_id"]
    parcel = _made(merchant.post(f"/v1/orders/{order_id}/shipments", {}))
    shop.queue.drain()
    carl.ids["shipment_id"] = parcel["id"]
    _made(merchant.post(f"/v1/shipments/{parcel['id']}/delivered"))
    refund = {"amount": 100, "reason": f"A present for {NAME}"}
    _made(merchant.post(f"/v1/orders/{order_id}/refunds", refund))
    asked = _made(carl.post(f"/v1/orders/{order_id}/returns", BACK))
    shop.queue.drain()
    _made(merchant.post(f"/v1/returns/{asked['id']}/refuse", {"reason": f"Worn by {NAME}"}))
    shop.queue.drain()
    _made(merchant.post(f"/v1/merchant/orders/{order_id}/invoice"), 200)
    return carl


def _order(shop: Street, person: Person) -> Order:
    with shop.wired.db.reading() as session:
        return session.get_one(Order, decode("ord", person.ids["order_id"]))


def test_no_word_that_somebody_typed_outlives_them(shop: Street, carl: Person) -> None:
    with shop.wired.db.transaction() as session:
        failed = letter(_order(shop, carl), NotificationStatus.FAILED)
        failed.last_error = f"550 <{NAME}@example.com> is not known here"
        session.add(failed)
    assert NAME in everything(shop.wired.db)

    answer = erase(carl)

    kept = [line for line in everything(shop.wired.db).splitlines() if NAME in line]
    assert answer == (204, "")
    assert kept == []


def test_why_an_order_was_called_off_is_told_to_the_world_in_a_word(
    shop: Street, carl: Person
) -> None:
    told = [line for line in everything(shop.wired.db).splitlines() if NAME in line]

    assert {line.split()[0] for line in told} == {
        "cancellations", "refunds", "return_items", "returns",
    }  # fmt: skip


def test_the_card_of_an_erased_person_is_not_named_any_more(shop: Street, carl: Person) -> None:
    theirs = select(Payment).join(Order, Order.id == Payment.order_id)
    theirs = theirs.where(Order.user_id == decode("usr", carl.ids["user_id"]))
    with shop.wired.db.reading() as session:
        before = [payment.request["payment_method"] for payment in session.scalars(theirs)]

    erase(carl)

    with shop.wired.db.reading() as session:
        requests = [payment.request for payment in session.scalars(theirs)]
    assert before == ["pm_card_visa"] * 2
    assert [request.get("payment_method") for request in requests] == [None] * 2
    assert all(request["amount"] for request in requests)


def test_everything_about_an_order_is_told(shop: Street, carl: Person) -> None:
    told = exported(carl)

    canceled, kept = told["orders"]
    assert [each["reason"] for each in canceled["cancellations"]] == [WORDS["reason"]]
    (asked,) = kept["returns"]
    assert asked["items"] == [
        {
            "line": 1, "sku_id": shop.sku_id, "qty": 1, "reason": f"{NAME} has grown",
            "received": None, "restock": 0,
        }
    ]  # fmt: skip
    assert asked["decision_reason"] == f"Worn by {NAME}"
    (refund,) = kept["refunds"]
    assert (refund["amount"], refund["items"]) == (100, [])
    (invoice,) = kept["invoices"]
    assert invoice["figures"]["buyer"]["address"]["city"] == "BERLIN"
    assert invoice["number"] == 1


def test_what_a_refund_was_for_the_coupon_used_and_a_moderators_word_are_told(
    shop: Street, carl: Person
) -> None:
    merchant, ops = shop.people["merchant"], shop.people["ops"]
    coupon = {"code": "TENTH", "kind": "percent", "rate_ppm": 100_000}
    coupon_id = _made(merchant.post("/v1/merchant/coupons", coupon), 201)["id"]
    assert carl.buy(coupon="TENTH").status_code == 202
    shop.queue.drain()
    checkout = carl.get(f"/v1/checkout/{carl.ids['checkout_id']}").json or {}
    path = f"/v1/orders/{checkout['order_id']}"
    _made(merchant.post(f"{path}/shipments", {}))
    shop.queue.drain()
    _made(merchant.post(f"{path}/refunds", {"lines": [{"line": 1, "qty": 1}], "reason": "torn"}))
    shop.queue.drain()
    said = {"rating": 1, "text": "Torn"}
    product_id = merchant.ids["product_id"]
    review = _made(carl.post(f"/v1/products/{product_id}/reviews", said), 201)
    _made(ops.post(f"/v1/ops/reviews/{review['id']}/reject", {"reason": "Rude."}), 200)

    told = exported(carl)

    (used,) = told["checkouts"][-1]["coupons_used"]
    assert (used["coupon_id"], used["amount"], used["status"]) == (coupon_id, 500, "used")
    assert [(item["line"], item["qty"]) for item in told["orders"][-1]["refunds"][0]["items"]] == [
        (1, 1)
    ]
    assert [each["moderation_reason"] for each in told["reviews"]] == ["Rude."]


def test_labels_go_with_whom_they_name(shop: Street, carl: Person) -> None:
    merchant, path = shop.people["merchant"], f"/v1/shipments/{carl.ids['shipment_id']}/label"
    key = f"labels/{carl.ids['shipment_id']}.pdf"
    before = merchant.get(path)
    there = shop.wired.files.get(key)

    erase(carl)
    at_once = merchant.get(path)
    shop.queue.drain()
    later = merchant.get(path)

    assert (before.status_code, before.data) == (200, there)
    for answer in (at_once, later):
        assert (answer.status_code, (answer.json or {})["code"]) == (404, "label_erased")
    folder = shop.wired.settings.files_url.removeprefix("file://")
    assert _names(folder) == []
    with shop.wired.db.reading() as session:
        parcel = session.get_one(Shipment, decode("shp", carl.ids["shipment_id"]))
    assert parcel.label_key is None
    assert parcel.tracking_number is not None


def _names(folder: str) -> list[str]:
    return [path.name for path in Path(folder).rglob("*") if path.is_file()]


def test_an_access_token_that_outlived_its_person_leaves_no_rows(
    shop: Street, carl: Person
) -> None:
    product_id = shop.people["merchant"].ids["product_id"]
    line = {"sku_id": shop.sku_id, "qty": 1}
    guest = shop.visitor()
    both = Person(shop.client, carl.headers | guest.headers)
    erase(carl)

    answers = [
        carl.post("/v1/cart", line),
        carl.post("/v1/cart", line, Idempotency_Key=str(new_id())),
        both.post("/v1/cart/merge"),
        carl.post(f"/v1/products/{product_id}/reviews", {"rating": 5, "text": "I am back"}),
    ]

    assert {(each.status_code, (each.json or {})["code"]) for each in answers} == {
        (401, "unauthenticated")
    }
    with shop.wired.db.reading() as session:
        user_id = decode("usr", carl.ids["user_id"])
        theirs = select(func.count()).where(Cart.user_id == user_id, Cart.status == "open")
        assert session.scalar(theirs) == 0
        assert session.scalar(select(func.count()).where(Review.user_id == user_id)) == 0


def test_nobody_stands_in_the_way_of_leaving_by_an_address_of_the_same_look(
    shop: Street, carl: Person
) -> None:
    theirs = decode("usr", carl.ids["user_id"])
    body = {"email": f"erased-{theirs}@erased.invalid", "password": "correct horse battery"}
    shop.client.post("/v1/auth/register", json=body)

    assert erase(carl) == (204, "")
