"""Whole roads of one order, and every refusal along them, through the door."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.platform.ids import encode
from tests.factories import ADDRESS
from tests.road.market import Market

ALL = {"boot": 4, "sock": 1, "lamp": 1}  # boots lie in two warehouses


def test_two_merchants_ship_in_parts_and_the_money_is_taken_to_the_cent(market: Market) -> None:
    order = market.buy(ALL)
    taken = []

    for seller in ("alder", "birch", "alder"):
        assert market.ship(seller, order).status_code == 202
        market.work()
        taken.append(market.payment(order).captured)
    for shipment in market.order(order)["shipments"]:
        market.post("ops", f"/v1/shipments/{shipment['id']}/delivered")

    told = market.order(order)
    assert taken == sorted(set(taken))
    assert taken[-1] == told["total"] == market.hold(order).captured
    assert (told["state"], told["payment"]["status"]) == ("delivered", "captured")
    assert [move["to"] for move in told["transitions"]] == [
        "created", "confirmed", "shipped", "delivered",
    ]  # fmt: skip
    assert all(market.stock(name)[1] == 0 for name in ALL)


def test_where_the_provider_takes_money_once_the_first_parcel_takes_all_of_it(
    market: Market,
) -> None:
    market.psp.emulator.fault(kind="multicapture_off", operation="payment_intents.create")
    order = market.buy(ALL)

    market.ship("birch", order)
    market.work()
    after_one = market.payment(order).captured
    for _ in range(2):
        market.ship("alder", order)
        market.work()

    assert after_one == market.payment(order).captured == market.order(order)["total"]
    assert market.order(order)["state"] == "shipped"


def test_an_order_is_refunded_in_parts_until_nothing_is_left_to_give_back(market: Market) -> None:
    order = market.buy({"boot": 2, "lamp": 1})
    for seller in ("alder", "birch"):
        market.ship(seller, order)
        market.work()
    before = market.stock("boot")[0]

    market.refund("alder", order, {"boot": 1}, restock=True)
    market.work()
    half = market.order(order)
    market.refund("ops", order, amount=1)
    market.work()
    market.refund("ops", order)
    market.work()

    told = market.order(order)
    assert (half["state"], half["payment"]["refunded"]) == ("shipped", 4_999)
    assert market.stock("boot")[0] == before + 1
    assert told["state"] == "refunded"
    assert told["payment"]["refunded"] == told["total"] == market.hold(order).refunded
    assert market.refund("ops", order, amount=1).status_code == 409


def test_a_canceled_order_gives_back_its_units_and_lets_the_money_go(market: Market) -> None:
    before = {name: market.stock(name) for name in ALL}
    order = market.buy(ALL)

    answer = _cancel(market, "customer", order)
    market.work()

    assert answer.status_code == 202
    assert market.order(order)["state"] == "canceled"
    assert market.payment(order).status == "voided"
    assert market.hold(order).status == "canceled"
    assert {name: market.stock(name) for name in ALL} == before


def test_a_return_is_asked_for_approved_received_and_refunded(market: Market) -> None:
    order = market.buy({"boot": 2})
    market.ship("alder", order)
    market.work()
    before = market.stock("boot")[0]

    asked = _ask(market, order, {"boot": 2})
    path = f"/v1/returns/{asked.json['id']}"
    states = [market.get("customer", path)["state"]]
    market.post("alder", f"{path}/approve")
    market.work()
    states.append(market.get("customer", path)["state"])
    market.post("alder", f"{path}/receive", {"lines": [{"line": 1, "received": 2, "restock": 1}]})
    market.work()
    states.append(market.get("customer", path)["state"])

    assert states == ["requested", "approved", "refunded"]
    assert market.stock("boot")[0] == before + 1  # the other one is written off
    assert market.payment(order).refunded == 2 * 4_999


def test_a_refused_return_leaves_everything_where_it_was(market: Market) -> None:
    order = market.buy({"boot": 1})
    market.ship("alder", order)
    market.work()
    asked = _ask(market, order, {"boot": 1})
    path = f"/v1/returns/{asked.json['id']}"

    market.post("alder", f"{path}/refuse", {"reason": "worn"})
    market.work()

    told = market.get("customer", path)
    assert (told["state"], told["decision_reason"]) == ("refused", "worn")
    assert market.payment(order).refunded == 0
    assert market.post("alder", f"{path}/approve").status_code == 409


def test_units_refunded_before_they_were_sent_never_leave_and_are_never_paid(
    market: Market,
) -> None:
    order = market.buy({"boot": 3, "sock": 3})

    market.refund("alder", order, {"sock": 2})
    market.work()
    market.ship("alder", order)
    market.work()

    told = market.order(order)
    assert told["state"] == "shipped"
    assert market.released(order) == 666
    assert told["payment"]["captured"] == told["total"] - 666
    assert [item["qty"] for item in told["shipments"][0]["items"]] == [3, 1]


def test_a_hold_that_lapsed_after_the_first_parcel_lets_no_unpaid_unit_leave(
    market: Market,
) -> None:
    order = market.buy({"boot": 4, "sock": 2})
    market.ship("alder", order, {"boot": 3})
    market.work()
    asked = market.ship("alder", order, {"sock": 1})  # about to be paid when the hold lapses
    market.queue.waiting.clear()

    market.pass_time(8 * 24 * 3600)
    market.settle()
    late = market.ship("alder", order)

    parcels = {each["id"]: each for each in market.order(order)["shipments"]}
    assert parcels[asked.json["id"]]["state"] == "needs_attention"
    assert (late.status_code, late.json["code"]) == (409, "order_not_shippable")
    assert market.stock("sock")[1] == 2
    assert market.payment(order).captured == market.hold(order).captured


def test_a_return_nobody_received_in_time_is_over_and_the_units_may_be_asked_back_again(
    market: Market,
) -> None:
    order = market.buy({"boot": 1})
    market.ship("alder", order)
    market.work()
    path = f"/v1/returns/{_ask(market, order, {'boot': 1}).json['id']}"
    market.post("alder", f"{path}/approve")
    market.work()

    market.pass_time(61 * 24 * 3600)
    market.sweep()
    late = market.post("alder", f"{path}/receive", {"lines": [{"line": 1, "received": 1}]})
    again = _ask(market, order, {"boot": 1})

    assert market.get("customer", path)["state"] == "expired"
    assert (late.status_code, late.json["code"]) == (409, "return_out_of_turn")
    assert again.status_code == 202
    assert market.payment(order).refunded == 0


Orders = Mapping[str, str]
Refused = tuple[int, str, Callable[[Market, Orders], Any]]
# Four orders: "open" of two merchants, "sent", "repaid" before anything of it was sent, and
# "repaying", whose money the provider has not given back yet.
REFUSALS: dict[str, Refused] = {
    "a merchant ships what another sold": (
        404, "order_not_found", lambda m, o: m.ship("birch", o["sent"])
    ),
    "more is shipped than was bought": (
        409, "units_not_left", lambda m, o: m.ship("alder", o["open"], {"boot": 5})
    ),
    "what lies in two warehouses is shipped at once": (
        409, "split_needed", lambda m, o: m.ship("alder", o["open"], {"boot": 4})
    ),
    "a line is shipped that the order has not": (
        422, "unknown_line",
        lambda m, o: m.post("alder", _path(o["open"]), {"lines": [{"line": 9, "qty": 1}]}),
    ),
    "a parcel is to hold lines of two merchants": (
        422, "lines_of_several_merchants",
        lambda m, o: m.ship("ops", o["open"], {"boot": 1, "lamp": 1}),
    ),
    "an order is shipped twice": (
        409, "order_not_shippable", lambda m, o: m.ship("alder", o["sent"])
    ),
    "an order is shipped that was given back": (
        409, "order_not_shippable", lambda m, o: m.ship("alder", o["repaid"])
    ),
    "no merchant ships this way": (
        422, "unknown_shipping_service",
        lambda m, o: m.ship("birch", o["open"], service="balloon"),
    ),
    "a customer ships": (403, "forbidden", lambda m, o: m.ship("customer", o["open"])),
    "a parcel is retried that nothing keeps": (
        409, "shipment_not_stuck", lambda m, o: m.post("alder", _parcel(m, o["sent"], "retry"), {})
    ),
    "a parcel is called off that nothing keeps": (
        409, "shipment_not_stuck", lambda m, o: m.post("alder", _parcel(m, o["sent"], "cancel"), {})
    ),
    "a merchant touches another's parcel": (
        404, "shipment_not_found", lambda m, o: m.post("birch", _parcel(m, o["sent"], "delivered"))
    ),
    "a shipped order is canceled": (
        409, "shipment_under_way", lambda m, o: _cancel(m, "customer", o["sent"])
    ),
    "an order is canceled that was given back": (
        409, "order_not_cancelable", lambda m, o: _cancel(m, "customer", o["repaid"])
    ),
    "an order is canceled whose money is on its way back": (
        409, "refund_under_way", lambda m, o: _cancel(m, "customer", o["repaying"])
    ),
    "one merchant cancels what two sold": (
        403, "not_yours_alone", lambda m, o: _cancel(m, "birch", o["open"])
    ),
    "a customer refunds": (403, "forbidden", lambda m, o: m.refund("customer", o["open"])),
    "more is refunded than was taken": (
        409, "refund_exceeds_captured", lambda m, o: m.refund("ops", o["sent"], amount=10**9)
    ),
    "everything is refunded while nothing is taken": (
        409, "cancel_instead", lambda m, o: m.refund("ops", o["open"])
    ),
    "one merchant refunds the whole order": (
        403, "not_yours_alone", lambda m, o: m.refund("birch", o["open"])
    ),
    "a refund names an amount and lines": (
        422, "refund_ambiguous", lambda m, o: m.refund("ops", o["sent"], {"boot": 1}, amount=1)
    ),
    "what was given back is refunded once more": (
        409, "too_many_units", lambda m, o: m.refund("ops", o["repaid"], {"boot": 1})
    ),
    "what was not sent comes back": (
        409, "too_many_units", lambda m, o: _ask(m, o["open"], {"boot": 1})
    ),
    "more comes back than was sent": (
        409, "too_many_units", lambda m, o: _ask(m, o["sent"], {"boot": 3})
    ),
    "a merchant decides on another's return": (
        404, "return_not_found", lambda m, o: m.post("birch", f"{_returned(m, o)}/approve")
    ),
    "goods arrive that nobody said may come": (
        409, "return_out_of_turn",
        lambda m, o: m.post(
            "alder", f"{_returned(m, o)}/receive", {"lines": [{"line": 1, "received": 1}]}
        ),
    ),
    "a merchant calls its customer's return off": (
        403, "customers_choice", lambda m, o: m.post("alder", f"{_returned(m, o)}/cancel")
    ),
    "a coupon is shown that nobody gave": (
        422, "coupon_unknown", lambda m, o: _quote(m, "sock", coupon="NOBODYS")
    ),
    "a coupon is shown for too little": (
        409, "coupon_minimum", lambda m, o: _quote(m, "sock", coupon="BIGSALE")
    ),
    "somebody buys of a merchant who may not sell": (
        409, "sku_not_for_sale", lambda m, o: _quote(m, "lamp")
    ),
}  # fmt: skip


def test_every_refusal_has_its_code_and_changes_nothing(
    market: Market, subtests: pytest.Subtests
) -> None:
    orders = _orders(market)
    birch = f"/v1/ops/merchants/{encode('mer', market.merchants['birch'])}"
    market.post("ops", f"{birch}/suspend")  # its people go on with what was bought
    before = {name: market.order(order) for name, order in orders.items()}

    for what, (status, code, act) in REFUSALS.items():
        with subtests.test(what):
            answer = act(market, orders)
            market.work()

            assert answer.mimetype == "application/problem+json", answer.json
            assert (answer.status_code, answer.json["code"]) == (status, code)
            assert {name: market.order(order) for name, order in orders.items()} == before


def _orders(market: Market) -> Orders:
    """Each where something or other may not be done to it any more, or not yet."""
    orders = {"open": market.buy(ALL), "sent": market.buy({"boot": 2})}
    market.ship("alder", orders["sent"])
    market.work()
    assert _ask(market, orders["sent"], {"boot": 1}).status_code == 202
    coupon = {"code": "BIGSALE", "kind": "percent", "rate_ppm": 100_000, "minimum": 10**6}
    assert market.post("alder", "/v1/merchant/coupons", coupon).status_code == 201
    market.patch("alder", "/v1/merchant/settings", {"capture": "automatic"})
    orders |= {name: market.buy({"boot": 1}) for name in ("repaid", "repaying")}
    market.publish()
    market.refund("alder", orders["repaid"])
    market.work()
    market.psp.emulator.fault(kind="error_before", operation="refunds.create")
    market.refund("alder", orders["repaying"], amount=1)
    market.work()
    assert [market.order(orders[name])["state"] for name in ("repaid", "repaying")] == [
        "refunded", "confirmed",
    ]  # fmt: skip
    return orders


def _path(order: str) -> str:
    return f"/v1/orders/{order}/shipments"


def _parcel(market: Market, order: str, act: str) -> str:
    return f"/v1/shipments/{market.order(order)['shipments'][0]['id']}/{act}"


def _returned(market: Market, orders: Orders) -> str:
    (one,) = market.get("customer", f"/v1/orders/{orders['sent']}/returns")["data"]
    return f"/v1/returns/{one['id']}"


def _quote(market: Market, name: str, **given: Any) -> Any:
    body = {"sku_id": encode("sku", market.skus[name]), "qty": 1}
    cart = market.post("customer", "/v1/cart", body)
    if cart.status_code >= 400:
        return cart
    body = {"shipping_address": ADDRESS} | given
    return market.post("customer", f"/v1/cart/{cart.json['id']}/quote", body)


def _cancel(market: Market, who: str, order: str) -> Any:
    return market.post(who, f"/v1/orders/{order}/cancel", {"reason": "changed my mind"})


def _ask(market: Market, order: str, units: dict[str, int]) -> Any:
    body = {"lines": market.lines(order, units), "reason": "too big"}
    return market.post("customer", f"/v1/orders/{order}/returns", body)
