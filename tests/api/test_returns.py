"""Returns through the door: who may, what is answered, and what is refused."""

from typing import Any

import pytest

from app.platform.ids import encode, new_id
from tests.api.asking import paid_back_elsewhere
from tests.api.going_back import at_most, code, made, sent, settings, shop, statuses
from tests.api.people import Street

__all__ = ["settings", "shop"]

ONE = {"lines": [{"line": 1, "qty": 1, "reason": "too small"}], "reason": "size"}
ARRIVED = {"lines": [{"line": 1, "received": 1}]}


def _asked(shop: Street, who: str = "customer") -> dict[str, Any]:
    answer = shop.people[who].post(f"/v1/orders/{sent(shop, who)}/returns", ONE)
    assert answer.status_code == 202, answer.json
    shop.queue.drain()
    return dict(answer.json)


@pytest.mark.parametrize("who", ["customer", "guest"])
def test_the_whole_way_of_goods_back(shop: Street, who: str) -> None:
    order_id, buyer, merchant = sent(shop, who), shop.people[who], shop.people["merchant"]

    with at_most(shop, 17):
        asked = buyer.post(f"/v1/orders/{order_id}/returns", ONE)
    shop.queue.drain()
    path = asked.headers["Location"]
    with at_most(shop, 13):
        approved = merchant.post(f"{path}/approve")
    shop.queue.drain()
    with at_most(shop, 15):
        received = merchant.post(f"{path}/receive", ARRIVED)
    shop.queue.drain()
    with at_most(shop, 3):
        done = buyer.get(path).json

    answers = (asked, approved, received)
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.json["state"] for answer in answers] == ["requested", "approved", "received"]
    assert path == f"/v1/returns/{asked.json['id']}"
    assert (done["state"], done["order_id"], done["reason"]) == ("refunded", order_id, "size")
    assert done["lines"] == [
        {
            "line": 1, "sku_id": shop.sku_id, "qty": 1, "reason": "too small", "received": 1,
            "restock": 1,
        }
    ]  # fmt: skip
    assert buyer.get(f"/v1/refunds/{done['refund_id']}").json["amount"] == 5_000


def test_a_merchant_asks_for_its_customer(shop: Street) -> None:
    order_id = sent(shop)

    answer = shop.people["merchant"].post(f"/v1/orders/{order_id}/returns", ONE)
    shop.queue.drain()

    assert answer.status_code == 202
    shown = shop.people["customer"].get(f"/v1/orders/{order_id}/returns").json["data"]
    assert [each["id"] for each in shown] == [answer.json["id"]]


def test_a_refusal_says_why(shop: Street) -> None:
    asked = _asked(shop)

    shop.people["merchant"].post(f"/v1/returns/{asked['id']}/refuse", {"reason": "worn"})
    shop.queue.drain()

    seen = shop.people["customer"].get(f"/v1/returns/{asked['id']}").json
    assert (seen["state"], seen["decision_reason"]) == ("refused", "worn")


def test_a_customer_calls_it_off_and_a_merchant_does_not(shop: Street) -> None:
    asked = _asked(shop)
    path = f"/v1/returns/{asked['id']}/cancel"

    merchant = shop.people["merchant"].post(path)
    customer = shop.people["customer"].post(path)
    shop.queue.drain()
    again = shop.people["customer"].post(path)

    assert code(merchant) == (403, "customers_choice")
    assert (customer.status_code, customer.json["state"]) == (202, "canceled")
    assert code(again) == (409, "return_out_of_turn")


def test_a_merchant_lists_what_comes_back_to_it(shop: Street) -> None:
    first, second = _asked(shop), _asked(shop, "guest")
    merchant, rival = shop.people["merchant"], shop.people["rival"]

    with at_most(shop, 2):
        page = merchant.get("/v1/merchant/returns?limit=1").json
    rest = merchant.get(f"/v1/merchant/returns?limit=1&after={page['next']}").json

    assert [each["id"] for each in page["data"] + rest["data"]] == [second["id"], first["id"]]
    assert rest["next"] is None
    assert rival.get("/v1/merchant/returns").json["data"] == []


def test_nobody_else_sees_or_touches_a_return(shop: Street) -> None:
    asked = _asked(shop)
    both = ("customer", "merchant", "ops")
    path, strangers = f"/v1/returns/{asked['id']}", {"visitor": 404, "guest": 404, "stranger": 404}

    assert statuses(shop, "GET", path, but=both) == {"nobody": 401, "rival": 404} | strangers
    assert statuses(shop, "GET", f"/v1/orders/{asked['order_id']}/returns", but=both) == {
        "nobody": 401, "rival": 404,
    } | strangers  # fmt: skip
    assert statuses(shop, "POST", f"{path}/cancel", but=both) == {
        "nobody": 401, "rival": 404,
    } | strangers  # fmt: skip
    acts = {"approve": None, "refuse": {"reason": "no"}, "receive": ARRIVED, "retry": None}
    for act, body in acts.items():
        answers = statuses(shop, "POST", f"{path}/{act}", body, but=("merchant", "ops"))
        assert answers == {
            "nobody": 401, "visitor": 403, "guest": 403, "customer": 403, "stranger": 403,
            "rival": 404,
        }  # fmt: skip
    assert shop.people["customer"].get(path).json["state"] == "requested"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lines": []},
        {"lines": [{"line": 1}]},
        {"lines": [{"line": 1, "qty": 0}]},
        {"lines": [{"line": 1, "qty": 1}, {"line": 1, "qty": 1}]},
        {"lines": [{"line": 1, "qty": 1, "reason": 7}]},
        {"lines": [{"line": 2, "qty": 1}]},
        {"lines": [{"line": 1, "qty": 1}], "merchant": "another"},
        [],
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(shop: Street, body: Any) -> None:
    order_id = sent(shop)

    answer = shop.people["customer"].post(f"/v1/orders/{order_id}/returns", body)

    assert answer.status_code == 422
    assert made(shop) == 0


@pytest.mark.parametrize(
    ("act", "body", "refusal"),
    [
        ("refuse", {}, (422, "validation_failed")),
        ("receive", {}, (422, "validation_failed")),
        ("receive", {"lines": [{"line": 1, "received": -1}]}, (422, "validation_failed")),
        ("receive", ARRIVED | {"warehouse_id": "whs_1"}, (422, "validation_failed")),
        ("receive", {"lines": [{"line": 1, "received": 2}]}, (422, "received_units_wrong")),
        ("receive", {"lines": [{"line": 1, "received": 0}]}, (422, "received_units_wrong")),
        ("receive", {"lines": [{"line": 9, "received": 1}]}, (422, "unknown_line")),
        ("approve", None, (409, "return_out_of_turn")),
    ],
)
def test_bad_decisions_and_arrivals_are_refused_and_change_nothing(
    shop: Street, act: str, body: Any, refusal: tuple[int, str]
) -> None:
    asked = _asked(shop)
    merchant = shop.people["merchant"]
    merchant.post(f"/v1/returns/{asked['id']}/approve")
    shop.queue.drain()

    answer = merchant.post(f"/v1/returns/{asked['id']}/{act}", body)

    assert code(answer) == refusal
    assert merchant.get(f"/v1/returns/{asked['id']}").json["state"] == "approved"


def test_a_return_nobody_knows_is_not_found(shop: Street) -> None:
    merchant, customer = shop.people["merchant"], shop.people["customer"]
    path = f"/v1/returns/{encode('ret', new_id())}"

    answers = [
        customer.get(path),
        customer.post(f"{path}/cancel"),
        merchant.post(f"{path}/approve"),
        merchant.post(f"{path}/refuse", {"reason": "worn"}),
        merchant.post(f"{path}/receive", ARRIVED),
        merchant.post(f"{path}/retry"),
    ]

    assert {code(answer) for answer in answers} == {(404, "return_not_found")}


def test_goods_go_to_a_warehouse_of_the_merchant_alone(shop: Street) -> None:
    asked = _asked(shop)
    merchant, foreign = shop.people["merchant"], shop.people["rival"].ids["warehouse_id"]
    merchant.post(f"/v1/returns/{asked['id']}/approve")

    answer = merchant.post(
        f"/v1/returns/{asked['id']}/receive", ARRIVED | {"warehouse_id": foreign}
    )
    shop.queue.drain()

    assert code(answer) == (404, "warehouse_not_found")


def test_acts_sent_again_under_their_key_are_answered_again(shop: Street) -> None:
    order_id, customer = sent(shop), shop.people["customer"]
    merchant = shop.people["merchant"]

    asked = [
        customer.post(f"/v1/orders/{order_id}/returns", ONE, Idempotency_Key="a") for _ in range(2)
    ]
    path = f"/v1/returns/{asked[0].json['id']}"
    approved = [merchant.post(f"{path}/approve", Idempotency_Key="b") for _ in range(2)]
    received = [merchant.post(f"{path}/receive", ARRIVED, Idempotency_Key="c") for _ in range(2)]
    shop.queue.drain()

    for first, again in (asked, approved, received):
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.json == again.json
    assert made(shop) == 2  # the return and its refund


def test_the_money_of_a_return_is_given_once_more_where_that_failed(shop: Street) -> None:
    asked, customer = _asked(shop), shop.people["customer"]
    merchant, path = shop.people["merchant"], f"/v1/returns/{asked['id']}"
    merchant.post(f"{path}/approve")
    early = merchant.post(f"{path}/retry")
    paid_back_elsewhere(shop, asked["order_id"])
    merchant.post(f"{path}/receive", ARRIVED)
    shop.queue.drain()
    failed = customer.get(path).json

    again = [merchant.post(f"{path}/retry", Idempotency_Key="d") for _ in range(2)]

    assert code(early) == (409, "return_out_of_turn")
    assert failed["state"] == "refund_failed"
    assert [answer.status_code for answer in again] == [202, 202]
    assert again[0].json == again[1].json
    assert again[0].json["state"] == "received"
    assert again[0].json["refund_id"] != failed["refund_id"]
    assert code(merchant.post(f"{path}/retry")) == (409, "return_out_of_turn")
    assert made(shop) == 3  # the return and its two refunds
