"""Parcels leave with their share of the money, a label and a line in the order's story."""

from typing import Any

from sqlalchemy import func, select

from app.events.models import OutboxEvent
from app.orders.models import OrderTransition
from app.platform.ids import decode, encode
from app.shipping.models import Shipment, ShippingRate
from app.shipping.states import ShipmentStatus
from tests.orders.road import Road, road, settings

__all__ = ["road", "settings"]


def _facts(road: Road, prefix: str) -> list[str]:
    with road.db.reading() as session:
        wanted = select(OutboxEvent.type).where(OutboxEvent.type.startswith(prefix))
        return list(session.scalars(wanted.order_by(OutboxEvent.seq)))


def _payloads(road: Road, kind: str) -> list[dict[str, Any]]:
    with road.db.reading() as session:
        wanted = select(OutboxEvent).where(OutboxEvent.type == kind).order_by(OutboxEvent.seq)
        return [event.payload["data"] for event in session.scalars(wanted)]


def _moves(road: Road, order_id: str) -> list[str]:
    with road.db.reading() as session:
        mine = OrderTransition.order_id == decode("ord", order_id)
        rows = session.scalars(select(OrderTransition).where(mine).order_by(OrderTransition.id))
        return [str(row.to_state) for row in rows]


def test_an_order_sent_in_one_parcel_is_paid_and_shipped(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 2})

    answer = road.ship(seller, buyer)
    road.work()

    assert answer.status_code == 202
    parcel = road.shipment((answer.json or {})["id"])
    assert answer.headers["Location"] == f"/v1/shipments/{encode('shp', parcel.id)}"
    assert (parcel.status, parcel.state) == ("shipped", "confirmed")
    assert parcel.amount == road.order(buyer).total == 10_490
    assert (road.payment(buyer).status, road.payment(buyer).captured) == ("captured", 10_490)
    assert road.stock(seller.skus[0]) == (48, 0)
    assert _moves(road, buyer.ids["order_id"]) == ["created", "confirmed", "shipped"]
    assert _facts(road, "shipment.") == ["shipment.created"]
    assert _facts(road, "order.")[-1] == "order.shipped"
    assert _payloads(road, "stock.fulfilled") == [
        {
            "checkout_id": str(road.order(buyer).checkout_id),
            "sku_ids": [str(seller.skus[0].id)],
        }
    ]


def test_an_order_is_shipped_when_its_last_parcel_has_left(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 3})

    first = road.sent(seller, buyer, lines=[{"line": 1, "qty": 1}])
    between = (road.order(buyer).state, road.payment(buyer).captured)
    second = road.sent(seller, buyer)

    assert between == ("confirmed", 5_000 + 490)
    assert (first.amount, second.amount) == (5_490, 10_000)
    assert (road.order(buyer).state, road.payment(buyer).status) == ("shipped", "captured")
    assert road.stock(seller.skus[0]) == (47, 0)


def test_each_merchant_sends_its_own_and_takes_its_own_shipping(road: Road) -> None:
    barn, mill = road.seller(), road.seller(prices=[1_234])
    buyer = road.bought({barn.skus[0].id: 1, mill.skus[0].id: 2})

    one = road.sent(mill, buyer)
    two = road.sent(barn, buyer)

    assert (one.amount, two.amount) == (2 * 1_234 + 490, 5_490)
    assert one.merchant_id == mill.merchant.id
    assert road.order(buyer).state == "shipped"


def test_units_in_two_warehouses_go_in_two_parcels(road: Road) -> None:
    seller = road.seller()
    sku = seller.skus[0]
    annex = road.another_warehouse(seller, {sku.id: 10})
    buyer = road.bought({sku.id: 53})

    refused = road.ship(seller, buyer, lines=[{"line": 1, "qty": 53}])
    parcels = [road.sent(seller, buyer) for _ in range(2)]

    assert refused.status_code == 409
    assert (refused.json or {})["code"] == "split_needed"
    main = encode("whs", seller.warehouse_id)
    lying = {w["warehouse_id"]: w["lines"] for w in (refused.json or {})["warehouses"]}
    assert lying[main] == [{"line": 1, "qty": 50}]
    assert lying[encode("whs", annex)] == [{"line": 1, "qty": 3}]
    assert [p.warehouse_id for p in parcels] == [seller.warehouse_id, annex]
    assert sum(p.amount for p in parcels) == road.order(buyer).total
    assert road.order(buyer).state == "shipped"


def test_a_warehouse_that_is_named_sends_what_lies_there(road: Road) -> None:
    seller = road.seller()
    sku = seller.skus[0]
    annex = road.another_warehouse(seller, {sku.id: 10})
    buyer = road.bought({sku.id: 53})

    parcel = road.sent(seller, buyer, warehouse_id=encode("whs", annex))
    nothing_more = road.ship(seller, buyer, warehouse_id=encode("whs", annex))

    assert parcel.amount == 3 * 5_000 + 490
    assert (nothing_more.status_code, (nothing_more.json or {})["code"]) == (409, "split_needed")


def test_a_provider_that_captures_once_gives_the_whole_order_to_the_first_parcel(
    road: Road,
) -> None:
    seller = road.seller()
    road.psp.emulator.fault(operation="payment_intents.create", kind="multicapture_off")
    buyer = road.bought({seller.skus[0].id: 3})

    first = road.sent(seller, buyer, lines=[{"line": 1, "qty": 1}])
    between = road.payment(buyer)
    second = road.sent(seller, buyer)

    total = road.order(buyer).total
    assert (between.status, between.captured) == ("captured", total)
    assert (first.amount, second.amount) == (total, 0)
    assert second.status == ShipmentStatus.SHIPPED
    assert road.order(buyer).state == "shipped"


def test_a_parcel_waits_until_the_first_has_paid_for_all(road: Road) -> None:
    seller = road.seller()
    road.psp.emulator.fault(operation="payment_intents.create", kind="multicapture_off")
    buyer = road.bought({seller.skus[0].id: 2})
    first, second = (road.ship(seller, buyer, lines=[{"line": 1, "qty": 1}]) for _ in range(2))
    nudges = list(road.queue.waiting)
    road.queue.waiting.clear()
    road.queue.waiting.append(nudges[1])

    road.work()

    waiting = road.shipment((second.json or {})["id"])
    assert (waiting.status, waiting.units_left_at) == ("pending", None)
    road.queue.waiting.append(nudges[0])
    road.work()
    assert road.shipment((first.json or {})["id"]).status == "shipped"


def test_a_free_order_is_sent_without_asking_for_money(road: Road) -> None:
    seller = road.seller(prices=[0])
    with road.db.transaction() as session:
        for rate in session.scalars(select(ShippingRate)):
            rate.price = 0
    buyer = road.bought({seller.skus[0].id: 1})

    parcel = road.sent(seller, buyer)

    assert (parcel.status, parcel.amount, parcel.cost) == ("shipped", 0, 0)
    assert road.story(parcel.id)[0] == "capture:succeeded"
    assert road.order(buyer).state == "shipped"


def test_whatever_is_told_twice_leaves_once(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})
    answer = road.ship(seller, buyer)
    nudge = road.queue.waiting[0]

    for _ in range(3):
        road.queue.waiting.append(nudge)
        road.work()

    with road.db.reading() as session:
        parcels = session.scalar(select(func.count()).select_from(Shipment))
    assert parcels == 1
    assert road.stock(seller.skus[0]) == (49, 0)
    assert _facts(road, "shipment.") == ["shipment.created"]
    assert road.shipment((answer.json or {})["id"]).tracking_number
