"""Who may send, follow and tell of parcels, and how they are refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import delete, func, select
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from app.accounts.models import Role
from app.events.models import OutboxEvent
from app.orders.models import OrderTransition
from app.platform.ids import encode, new_id
from app.shipping.models import Shipment, ShippingRate, TrackingEvent
from tests.api.people import Person
from tests.conftest import CARRIER_SECRET
from tests.orders.road import Road, Seller, road, settings

__all__ = ["road", "settings"]


def _told(
    road: Road, number: str | None, status: str, *, event: str, hours: float = 0, **more: Any
) -> TestResponse:
    """The carrier tells of a parcel what happened so many hours from now."""
    at = datetime.now(UTC)
    told = {"tracking_number": number, "status": status, **more}
    body = json.dumps(told | {"happened_at": (at + timedelta(hours=hours)).isoformat()})
    headers = {
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(CARRIER_SECRET).sign(event, at, body),
    }
    return road.client.post("/v1/carriers/table/events", data=body, headers=headers)


def _of(answer: TestResponse) -> tuple[int, str | None]:
    return answer.status_code, (answer.json or {}).get("code")


@pytest.fixture
def seller(road: Road) -> Seller:
    """A merchant with one boot."""
    return road.seller()


def test_who_buys_and_who_sells_see_the_parcel_each_in_their_way(
    road: Road, seller: Seller
) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    parcel = encode("shp", road.sent(seller, buyer).id)

    bought = buyer.get(f"/v1/shipments/{parcel}").json or {}
    sold = seller.person.get(f"/v1/shipments/{parcel}").json or {}
    order = buyer.get(f"/v1/orders/{buyer.ids['order_id']}").json or {}
    listed = seller.person.get(f"/v1/orders/{buyer.ids['order_id']}/shipments").json or {}

    assert bought["status"] == sold["status"] == "shipped"
    assert bought["tracking_number"] == sold["tracking_number"]
    assert (sold["amount"], sold["cost"]) == (5_490, 490)
    hidden = ("amount", "cost", "warehouse_id", "failure")
    assert [bought[name] for name in hidden] == [None] * 4
    assert order["shipments"] == [bought]
    assert listed["data"] == [sold]


@pytest.mark.parametrize("who", ["rival", "stranger", "guest", "nobody"])
def test_others_parcels_do_not_exist(road: Road, seller: Seller, who: str) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    parcel = encode("shp", road.sent(seller, buyer).id)
    other: Person = {
        "rival": lambda: road.seller().person,
        "stranger": lambda: road.person(Role.CUSTOMER),
        "guest": lambda: road.bought({seller.skus[0].id: 1}),
        "nobody": lambda: Person(road.client),
    }[who]()

    seen = other.get(f"/v1/shipments/{parcel}")
    listed = other.get(f"/v1/orders/{buyer.ids['order_id']}/shipments")
    label = other.get(f"/v1/shipments/{parcel}/label")
    acts = [
        other.post(f"/v1/shipments/{parcel}/{act}", {} if act != "delivered" else None)
        for act in ("retry", "cancel", "delivered")
    ]
    sent = other.post(f"/v1/orders/{buyer.ids['order_id']}/shipments", {})

    expected = {"rival": 404, "stranger": 403, "guest": 403, "nobody": 401}[who]
    assert {label.status_code, sent.status_code, *(a.status_code for a in acts)} == {expected}
    read = 401 if who == "nobody" else 404
    assert (seen.status_code, listed.status_code) == (read, read)


def test_operations_send_for_a_merchant_and_name_whose_lines(road: Road, seller: Seller) -> None:
    mill = road.seller()
    ops = road.person(Role.OPS)
    buyer = road.bought({seller.skus[0].id: 1, mill.skus[0].id: 1})
    path = f"/v1/orders/{buyer.ids['order_id']}/shipments"

    several = ops.post(path, {})
    one = ops.post(path, {"lines": [{"line": 1, "qty": 1}]})

    assert _of(several) == (422, "lines_of_several_merchants")
    assert one.status_code == 202


def test_a_merchant_sends_nothing_of_another(road: Road, seller: Seller) -> None:
    mill = road.seller()
    buyer = road.bought({seller.skus[0].id: 1, mill.skus[0].id: 1})

    answer = road.ship(mill, buyer, lines=[{"line": 1, "qty": 1}])

    assert _of(answer) == (422, "unknown_line")


def test_more_than_is_left_is_refused_with_what_is_left(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 2})

    too_many = road.ship(seller, buyer, lines=[{"line": 1, "qty": 3}])
    road.sent(seller, buyer)
    nothing = road.ship(seller, buyer)

    assert _of(too_many) == (409, "units_not_left")
    assert (too_many.json or {})["lines"] == [{"line": 1, "wanted": 3, "left": 2}]
    assert _of(nothing) == (409, "order_not_shippable")


@pytest.mark.parametrize(
    "body",
    [
        {"lines": []},
        {"lines": [{"line": 1, "qty": 0}]},
        {"lines": [{"line": 1, "qty": 1}, {"line": 1, "qty": 1}]},
        {"lines": [{"line": 99, "qty": 1}]},
        {"lines": "all"},
        {"lines": [{"line": 1}]},
        {"service": ""},
        {"service": "pigeon"},
        {"warehouse_id": "whs_1"},
        {"weight": 1},
    ],
    ids=str,
)
def test_bad_input_is_refused_and_nothing_is_sent(
    road: Road, seller: Seller, body: dict[str, Any]
) -> None:
    buyer = road.bought({seller.skus[0].id: 1})

    answer = road.ship(seller, buyer, **body)

    assert answer.status_code == 422, answer.json
    with road.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Shipment)) == 0


def test_the_same_request_sends_one_parcel(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 2})
    path = f"/v1/orders/{buyer.ids['order_id']}/shipments"
    body = {"lines": [{"line": 1, "qty": 1}]}

    first, again = (seller.person.post(path, body, Idempotency_Key="k") for _ in range(2))

    assert first.json == again.json
    assert again.headers["Location"] == first.headers["Location"]
    with road.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Shipment)) == 1


def test_the_label_is_a_pdf_that_a_scanner_reads(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    asked = road.ship(seller, buyer)
    path = f"/v1/shipments/{(asked.json or {})['id']}/label"

    before = seller.person.get(path)
    road.work()
    label = seller.person.get(path)

    assert _of(before) == (409, "label_not_printed")
    assert (label.status_code, label.mimetype) == (200, "application/pdf")
    image = pypdfium2.PdfDocument(label.data)[0].render(scale=300 / 72).to_pil()
    (found,) = zxingcpp.read_barcodes(image)
    assert found.text == road.shipment((asked.json or {})["id"]).tracking_number


def test_a_merchant_says_once_that_a_parcel_arrived(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    asked = road.ship(seller, buyer)
    path = f"/v1/shipments/{(asked.json or {})['id']}/delivered"

    early = seller.person.post(path)
    road.work()
    first, again = seller.person.post(path), seller.person.post(path)

    assert _of(early) == (409, "shipment_not_sent")
    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.json or {})["delivered_at"] == (again.json or {})["delivered_at"] is not None
    assert road.order(buyer).state == "delivered"


def test_an_order_is_delivered_with_its_last_parcel(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 2})
    one, two = (road.sent(seller, buyer, lines=[{"line": 1, "qty": 1}]) for _ in range(2))

    seller.person.post(f"/v1/shipments/{encode('shp', one.id)}/delivered")
    between = road.order(buyer).state
    answer = _told(road, two.tracking_number, "delivered", event="e1")

    assert answer.status_code == 202
    assert (between, road.order(buyer).state) == ("shipped", "delivered")
    with road.db.reading() as session:
        last = session.scalars(select(OrderTransition).order_by(OrderTransition.id.desc())).first()
    assert last is not None
    assert (last.to_state, last.actor) == ("delivered", "carrier")


def test_anyone_with_the_number_sees_where_a_parcel_is_and_nobody_whose_it_is(
    road: Road, seller: Seller
) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    number = road.sent(seller, buyer).tracking_number
    _told(road, number, "in_transit", event="e1", hours=-2, place="Leipzig")
    _told(road, number, "out_for_delivery", event="e2", hours=-1)

    seen = road.client.get(f"/v1/tracking/table/{number}")

    assert seen.status_code == 200
    told = [(e["status"], e["place"]) for e in (seen.json or {})["tracking"]]
    assert told == [("in_transit", "Leipzig"), ("out_for_delivery", None)]
    assert (seen.json or {}).keys() == {
        "carrier", "tracking_number", "status", "service", "shipped_at", "delivered_at", "tracking",
    }  # fmt: skip
    for word in ("Lovelace", "Berlin", buyer.ids["order_id"], "ada@"):
        assert word not in seen.text


@pytest.mark.parametrize("path", ["table/CW0000000000000000", "dhl/1", "table/%00", "table/a%2Fb"])
def test_a_number_that_is_none_of_ours_is_not_found(road: Road, path: str) -> None:
    answer = road.client.get(f"/v1/tracking/{path}")

    assert _of(answer) == (404, "not_found" if "%2F" in path else "parcel_not_found")


def test_what_is_told_twice_or_late_moves_nothing_back(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    parcel = road.sent(seller, buyer)

    answers = [
        _told(road, parcel.tracking_number, "delivered", event="e2"),
        _told(road, parcel.tracking_number, "delivered", event="e2"),
        _told(road, parcel.tracking_number, "in_transit", event="e1", hours=-5),
        _told(road, parcel.tracking_number, "failed", event="e3", hours=5),
    ]

    assert {answer.status_code for answer in answers} == {202}
    assert road.shipment(encode("shp", parcel.id)).status == "delivered"
    with road.db.reading() as session:
        events = session.scalars(select(TrackingEvent.event_id).order_by(TrackingEvent.happened_at))
        assert events.all() == ["e1", "e2", "e3"]
        told = session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.type == "shipment.tracking_updated")
            .order_by(OutboxEvent.seq)
        ).all()
    of = {"order_id": str(parcel.order_id), "shipment_id": str(parcel.id)}
    assert [event.payload["data"] for event in told] == [
        of | {"status": status} for status in ("delivered", "in_transit", "failed")
    ]


def test_a_parcel_of_somebody_else_is_answered_alike_and_kept_out(road: Road) -> None:
    answer = _told(road, "CW0000000000000000", "delivered", event="e1")

    assert (answer.status_code, answer.json) == (202, {"received": True})
    with road.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(TrackingEvent)) == 0


def test_who_is_not_the_carrier_is_not_heard(road: Road, seller: Seller) -> None:
    buyer = road.bought({seller.skus[0].id: 1})
    parcel = road.sent(seller, buyer)
    body = {"tracking_number": parcel.tracking_number, "status": "delivered"}

    unsigned = road.client.post("/v1/carriers/table/events", json=body)
    unknown = road.client.post("/v1/carriers/pigeon/events", json=body)
    meaningless = _told(road, parcel.tracking_number, "eaten", event="e1")

    assert _of(unsigned) == (400, "bad_signature")
    assert _of(unknown) == (404, "unknown_carrier")
    assert _of(meaningless) == (422, "bad_carrier_event")
    assert road.shipment(encode("shp", parcel.id)).status == "shipped"


def test_a_merchant_sees_its_part_of_an_order_and_nothing_of_the_others(
    road: Road, seller: Seller
) -> None:
    mill = road.seller(prices=[777])
    buyer = road.bought({seller.skus[0].id: 1, mill.skus[0].id: 2})
    road.sent(seller, buyer)

    listed = mill.person.get("/v1/merchant/orders?state=confirmed").json or {}
    shown = mill.person.get(f"/v1/merchant/orders/{buyer.ids['order_id']}")

    order = shown.json or {}
    assert [each["id"] for each in listed["data"]] == [buyer.ids["order_id"]]
    assert [item["sku_id"] for item in order["items"]] == [encode("sku", mill.skus[0].id)]
    assert (order["items"][0]["left"], order["total"]) == (2, 2 * 777 + 490)
    assert order["shipments"] == []
    assert order["shipping_address"]["postal_code"] == "10117"
    for theirs in (seller.merchant.id, seller.skus[0].id):
        assert str(theirs) not in shown.text
    assert encode("mer", seller.merchant.id) not in shown.text
    assert "ada@" not in shown.text


def test_orders_without_an_own_line_are_not_found(road: Road, seller: Seller) -> None:
    mill = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})

    listed = mill.person.get("/v1/merchant/orders").json or {}
    shown = mill.person.get(f"/v1/merchant/orders/{buyer.ids['order_id']}")
    customer = road.person(Role.CUSTOMER).get("/v1/merchant/orders")

    assert listed["data"] == []
    assert _of(shown) == (404, "order_not_found")
    assert customer.status_code == 403


def test_a_merchants_orders_are_paged_newest_first(road: Road, seller: Seller) -> None:
    orders = [road.bought({seller.skus[0].id: 1}).ids["order_id"] for _ in range(3)]

    page = seller.person.get("/v1/merchant/orders?limit=2").json or {}
    rest = seller.person.get(f"/v1/merchant/orders?limit=2&after={page['next']}").json or {}

    assert [each["id"] for each in page["data"] + rest["data"]] == orders[::-1]
    assert rest["next"] is None


def test_a_parcel_nobody_knows_is_not_found(seller: Seller) -> None:
    unknown = encode("shp", new_id())

    answers = [
        seller.person.get(f"/v1/shipments/{unknown}"),
        seller.person.get(f"/v1/shipments/{unknown}/label"),
        seller.person.post(f"/v1/shipments/{unknown}/retry", {}),
        seller.person.post(f"/v1/shipments/{unknown}/cancel", {}),
        seller.person.post(f"/v1/shipments/{unknown}/delivered"),
    ]
    other_kind = seller.person.get("/v1/shipments/ord_01h455vb4pex5vsknk084sn02q")

    assert {_of(answer) for answer in answers} == {(404, "shipment_not_found")}
    assert _of(other_kind) == (404, "not_found")


def test_the_incident_of_a_parcel_that_still_waits_is_not_closed_by_hand(
    road: Road, seller: Seller
) -> None:
    buyer, ops = road.bought({seller.skus[0].id: 1}), road.person(Role.OPS)
    parcel_id = (road.ship(seller, buyer).json or {})["id"]
    with road.db.transaction() as session:
        session.execute(delete(ShippingRate))
    road.work()
    [incident] = (ops.get("/v1/ops/incidents").json or {})["data"]

    closed = ops.post(f"/v1/ops/incidents/{incident['id']}/close", {"note": "it will do"})

    assert incident["subject"] == parcel_id
    assert _of(closed) == (409, "saga_still_stuck")
    assert road.open_incidents() == ["saga_label"]
