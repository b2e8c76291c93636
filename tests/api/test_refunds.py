"""Refunds through the door: who may, what is answered, and what is refused."""

from typing import Any

import pytest

from tests.api.going_back import at_most, code, made, sent, settings, shop, statuses
from tests.api.people import Street

__all__ = ["settings", "shop"]

NOWHERE = "ord_01h455vb4pex5vsknk084sn02q"


def test_a_merchant_gives_the_money_of_its_units_back(shop: Street) -> None:
    order_id = sent(shop)
    merchant = shop.people["merchant"]
    body = {"lines": [{"line": 1, "qty": 1}], "reason": "arrived broken", "restock": True}

    with at_most(shop, 15):
        answer = merchant.post(f"/v1/orders/{order_id}/refunds", body)
    shop.queue.drain()

    assert answer.status_code == 202
    begun = answer.json
    assert (begun["state"], begun["amount"], begun["released"]) == ("running", 5_000, 0)
    assert begun["lines"] == [
        {
            "line": 1, "sku_id": shop.sku_id, "qty": 1, "unshipped": 0, "amount": 5_000,
            "restock": True,
        }
    ]  # fmt: skip
    assert begun["actor"] == f"merchant:{merchant.ids['user_id']}"
    assert answer.headers["Location"] == f"/v1/refunds/{begun['id']}"
    with at_most(shop, 3):
        seen = shop.people["customer"].get(answer.headers["Location"]).json
    assert (seen["state"], seen["reason"], seen["order_id"]) == (
        "confirmed", "arrived broken", order_id,
    )  # fmt: skip


def test_operations_give_all_of_it_back(shop: Street) -> None:
    order_id = sent(shop, "guest")

    answer = shop.people["ops"].post(f"/v1/orders/{order_id}/refunds", {})
    shop.queue.drain()

    assert (answer.status_code, answer.json["amount"]) == (202, 5_490)
    assert shop.people["guest"].get(f"/v1/orders/{order_id}").json["state"] == "refunded"


def test_only_who_sells_or_operates_may_give_money_back(shop: Street) -> None:
    path = f"/v1/orders/{sent(shop)}/refunds"

    answers = statuses(shop, "POST", path, {"amount": 1}, but=("merchant", "ops"))

    assert answers == {
        "nobody": 401, "visitor": 403, "guest": 403, "customer": 403, "stranger": 403, "rival": 404,
    }  # fmt: skip
    assert made(shop) == 0


def test_refunds_are_seen_by_both_sides_of_the_order_and_by_no_other(shop: Street) -> None:
    order_id = sent(shop)
    refund = shop.people["merchant"].post(f"/v1/orders/{order_id}/refunds", {"amount": 100}).json
    both = ("customer", "merchant", "ops")

    for path in (f"/v1/orders/{order_id}/refunds", f"/v1/refunds/{refund['id']}"):
        assert statuses(shop, "GET", path, but=both) == {
            "nobody": 401, "visitor": 404, "guest": 404, "stranger": 404, "rival": 404,
        }  # fmt: skip
    with at_most(shop, 4):
        shop.people["merchant"].get(f"/v1/orders/{order_id}/refunds")
    for name in both:
        shown = shop.people[name].get(f"/v1/orders/{order_id}/refunds").json["data"]
        assert [each["id"] for each in shown] == [refund["id"]]
    shop.queue.drain()


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": "100"},
        {"amount": 10**13},
        {"lines": []},
        {"lines": [{"line": 1}]},
        {"lines": [{"line": 1, "qty": 0}]},
        {"lines": [{"line": 0, "qty": 1}]},
        {"lines": [{"line": 1, "qty": 1}, {"line": 1, "qty": 1}]},
        {"lines": {"1": 1}},
        {"amount": 1, "reason": ""},
        {"amount": 1, "reason": "x" * 501},
        {"amount": 1, "restock": "yes"},
        {"amount": 1, "order": "another"},
        [],
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(shop: Street, body: Any) -> None:
    order_id = sent(shop)

    answer = shop.people["merchant"].post(f"/v1/orders/{order_id}/refunds", body)

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert made(shop) == 0


def test_every_refusal_has_its_code_and_changes_nothing(shop: Street) -> None:
    order_id, held = sent(shop), shop.people["guest"].ids["order_id"]
    merchant = shop.people["merchant"]

    def asked(body: dict[str, Any], order: str = order_id) -> tuple[int, str]:
        return code(merchant.post(f"/v1/orders/{order}/refunds", body))

    assert asked({"amount": 5_491}) == (409, "refund_exceeds_captured")
    assert asked({"amount": 1, "lines": [{"line": 1, "qty": 1}]}) == (422, "refund_ambiguous")
    assert asked({"amount": 1, "restock": True}) == (422, "refund_ambiguous")
    assert asked({"lines": [{"line": 2, "qty": 1}]}) == (422, "unknown_line")
    assert asked({"lines": [{"line": 1, "qty": 2}]}) == (409, "too_many_units")
    assert asked({}, held) == (409, "cancel_instead")
    assert asked({"amount": 1}, NOWHERE) == (404, "order_not_found")
    assert code(merchant.get("/v1/refunds/ref_01h455vb4pex5vsknk084sn02q")) == (
        404, "refund_not_found",
    )  # fmt: skip
    assert made(shop) == 0


def test_more_than_was_taken_is_refused_with_what_is_left(shop: Street) -> None:
    order_id = sent(shop)

    answer = shop.people["ops"].post(f"/v1/orders/{order_id}/refunds", {"amount": 6_000})

    assert answer.status_code == 409
    assert (answer.json["refundable"], answer.json["currency"]) == (5_490, "EUR")


def test_a_refund_asked_for_again_under_its_key_is_made_once(shop: Street) -> None:
    path = f"/v1/orders/{sent(shop)}/refunds"
    merchant = shop.people["merchant"]

    first = merchant.post(path, {"amount": 100}, Idempotency_Key="k")
    shop.queue.drain()
    again = merchant.post(path, {"amount": 100}, Idempotency_Key="k")
    other = merchant.post(path, {"amount": 200}, Idempotency_Key="k")

    assert (first.json["id"], again.status_code) == (again.json["id"], 202)
    assert other.status_code == 422
    assert made(shop) == 1
