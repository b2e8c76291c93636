"""Calling an order off through the door: who may, what is answered, and what is refused."""

from typing import Any

import pytest

from tests.api.going_back import at_most, code, made, sent, settings, shop, statuses
from tests.api.people import Street

__all__ = ["settings", "shop"]

NOWHERE = "ord_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize("who", ["customer", "merchant", "ops"])
def test_both_sides_of_an_order_and_operations_may_call_it_off(shop: Street, who: str) -> None:
    order_id = shop.people["customer"].ids["order_id"]

    with at_most(shop, 6):
        answer = shop.people[who].post(f"/v1/orders/{order_id}/cancel", {"reason": "too late"})
    shop.queue.drain()

    assert answer.status_code == 202
    begun = answer.json
    assert begun["id"].startswith("can_")
    assert (begun["order_id"], begun["state"], begun["order_state"], begun["reason"]) == (
        order_id, "running", "confirmed", "too late",
    )  # fmt: skip
    order = shop.people["customer"].get(f"/v1/orders/{order_id}").json
    assert (order["state"], order["payment"]["status"]) == ("canceled", "voided")
    last = order["transitions"][-1]
    actor = f"{who}:{shop.people[who].ids['user_id']}"
    assert (last["to"], last["actor"], last["reason"]) == ("canceled", actor, f"{who}_request")


def test_a_guest_calls_its_order_off_by_the_token_of_its_cart(shop: Street) -> None:
    guest = shop.people["guest"]

    answer = guest.post(f"/v1/orders/{guest.ids['order_id']}/cancel")
    shop.queue.drain()

    assert answer.status_code == 202
    assert guest.get(f"/v1/orders/{guest.ids['order_id']}").json["state"] == "canceled"


def test_nobody_else_may_call_an_order_off(shop: Street) -> None:
    path = f"/v1/orders/{shop.people['customer'].ids['order_id']}/cancel"

    answers = statuses(shop, "POST", path, {}, but=("customer", "merchant", "ops"))

    assert answers == {"nobody": 401, "visitor": 404, "guest": 404, "stranger": 404, "rival": 404}
    assert made(shop) == 0


def test_every_refusal_has_its_code_and_changes_nothing(shop: Street) -> None:
    customer, guest = shop.people["customer"], shop.people["guest"]
    on_the_road = sent(shop)
    guest.post(f"/v1/orders/{guest.ids['order_id']}/cancel")
    shop.queue.drain()

    def asked(order_id: str, person: Any = customer) -> tuple[int, str]:
        return code(person.post(f"/v1/orders/{order_id}/cancel", {}))

    assert asked(on_the_road) == (409, "shipment_under_way")
    assert asked(guest.ids["order_id"], guest) == (409, "order_canceled")
    assert asked(NOWHERE) == (404, "order_not_found")
    assert made(shop) == 1


@pytest.mark.parametrize(
    "body", [{"reason": ""}, {"reason": 7}, {"reason": "x" * 501}, {"why": "so"}, []]
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(shop: Street, body: Any) -> None:
    customer = shop.people["customer"]

    answer = customer.post(f"/v1/orders/{customer.ids['order_id']}/cancel", body)

    assert answer.status_code == 422
    assert made(shop) == 0


def test_a_cancel_sent_again_under_its_key_is_answered_again(shop: Street) -> None:
    customer = shop.people["customer"]
    path = f"/v1/orders/{customer.ids['order_id']}/cancel"

    first = customer.post(path, {}, Idempotency_Key="k")
    shop.queue.drain()
    again = customer.post(path, {}, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json == again.json
    assert made(shop) == 1
