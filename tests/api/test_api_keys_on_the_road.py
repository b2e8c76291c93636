"""A merchant's machine on the road of an order: one scope opens all of it, and nothing else
does."""

from typing import Any

import pytest

from app.web.auth import MACHINE, Scope
from tests.api.going_back import code, made, sent, settings, shop
from tests.api.people import Person, Street

__all__ = ["settings", "shop"]

ONE = {"lines": [{"line": 1, "qty": 1}], "reason": "size"}
ARRIVED = {"lines": [{"line": 1, "received": 1}]}


def _machine(shop: Street, *scopes: str) -> Person:
    answer = shop.people["merchant"].post(
        "/v1/merchant/api-keys", {"name": "Robot", "scopes": list(scopes)}
    )
    assert answer.status_code == 201, answer.json
    key = answer.json or {}
    return Person(shop.client, {"Authorization": f"Bearer {key['key']}"}, {"key_id": key["id"]})


def _done(shop: Street, answer: Any) -> dict[str, Any]:
    assert answer.status_code in (200, 202), answer.json
    shop.queue.drain()
    return dict(answer.json or {})


def test_a_machine_that_may_fulfil_ships_receives_and_refunds(shop: Street) -> None:
    machine, customer = _machine(shop, Scope.ORDERS_FULFIL), shop.people["customer"]
    order = f"/v1/orders/{customer.ids['order_id']}"

    parcel = _done(shop, machine.post(f"{order}/shipments", {}))
    label = machine.get(f"/v1/shipments/{parcel['id']}/label")
    _done(shop, machine.post(f"/v1/shipments/{parcel['id']}/delivered"))
    asked = _done(shop, customer.post(f"{order}/returns", ONE))
    waiting = machine.get("/v1/merchant/returns").json or {}
    _done(shop, machine.post(f"/v1/returns/{asked['id']}/approve"))
    _done(shop, machine.post(f"/v1/returns/{asked['id']}/receive", ARRIVED))
    refund = _done(shop, machine.post(f"{order}/refunds", {"amount": 490}))

    told = customer.get(order).json or {}
    assert (label.status_code, label.mimetype) == (200, "application/pdf")
    assert [each["id"] for each in waiting["data"]] == [asked["id"]]
    assert (told["state"], told["payment"]["refunded"]) == ("refunded", told["total"])
    assert refund["actor"] == f"merchant:{machine.ids['key_id']}"


ACTS: dict[str, tuple[str, str, Any]] = {
    "orders": ("GET", "/v1/merchant/orders", None),
    "order": ("GET", "/v1/merchant/orders/{order_id}", None),
    "ship": ("POST", "/v1/orders/{order_id}/shipments", {}),
    "label": ("GET", "/v1/shipments/{shipment_id}/label", None),
    "retry": ("POST", "/v1/shipments/{shipment_id}/retry", {}),
    "call-off": ("POST", "/v1/shipments/{shipment_id}/cancel", {}),
    "deliver": ("POST", "/v1/shipments/{shipment_id}/delivered", None),
    "refund": ("POST", "/v1/orders/{order_id}/refunds", {"amount": 1}),
    "returns": ("GET", "/v1/merchant/returns", None),
    "approve": ("POST", "/v1/returns/{return_id}/approve", None),
    "refuse": ("POST", "/v1/returns/{return_id}/refuse", {"reason": "worn"}),
    "receive": ("POST", "/v1/returns/{return_id}/receive", ARRIVED),
}


def test_every_other_scope_together_opens_none_of_it(
    shop: Street, subtests: pytest.Subtests
) -> None:
    machine = _machine(shop, *(MACHINE - {Scope.ORDERS_FULFIL}))
    order_id, customer = sent(shop), shop.people["customer"]
    asked = _done(shop, customer.post(f"/v1/orders/{order_id}/returns", ONE))
    order = customer.get(f"/v1/orders/{order_id}").json or {}
    ids = {"order_id": order_id, "return_id": asked["id"]}
    ids["shipment_id"] = order["shipments"][0]["id"]

    for what, (method, path, body) in ACTS.items():
        with subtests.test(what):
            answer = shop.client.open(
                path.format_map(ids), method=method, json=body, headers=machine.headers
            )
            shop.queue.drain()

            assert code(answer) == (403, "forbidden")
            assert answer.json["needs"] == [Scope.ORDERS_FULFIL]

    assert made(shop) == 1  # the return that was asked for, and still waits
    assert customer.get(f"/v1/orders/{order_id}").json == order
    assert customer.get(f"/v1/returns/{asked['id']}").json["state"] == "requested"
