"""Where every merchant wants it so, the money is taken before anything is sent."""

from sqlalchemy import func, select, update

from app.payments.models import Capture
from app.platform.db import Database
from app.shipping.models import Shipment
from tests.orders.road import Road, road, settings

__all__ = ["road", "settings"]


def _captures(db: Database) -> list[tuple[str, int]]:
    with db.reading() as session:
        rows = session.scalars(select(Capture)).all()
        return [(str(row.state), row.amount) for row in rows]


def test_the_money_is_taken_when_the_order_is_confirmed(road: Road) -> None:
    seller = road.seller(capture="automatic")
    buyer = road.bought({seller.skus[0].id: 1})

    road.publish()

    assert _captures(road.db) == [("confirmed", 5_490)]
    payment = road.payment(buyer)
    assert (payment.status, payment.captured) == ("captured", 5_490)
    assert road.order(buyer).state == "confirmed"
    assert road.stock(seller.skus[0]) == (49, 1)


def test_a_parcel_of_an_order_that_is_paid_takes_nothing_and_still_leaves(road: Road) -> None:
    seller = road.seller(capture="automatic")
    buyer = road.bought({seller.skus[0].id: 2})
    road.publish()

    parcels = [road.sent(seller, buyer, lines=[{"line": 1, "qty": 1}]) for _ in range(2)]

    assert [parcel.amount for parcel in parcels] == [0, 0]
    assert road.stock(seller.skus[0]) == (48, 0)
    assert road.order(buyer).state == "shipped"
    assert road.payment(buyer).captured == 10_490


def test_a_parcel_asked_for_meanwhile_waits_for_the_capture(road: Road) -> None:
    seller = road.seller(capture="automatic")
    buyer = road.bought({seller.skus[0].id: 1})
    road.psp.emulator.fault(operation="payment_intents.capture", kind="error_before")
    road.publish()
    parcel_id = (road.ship(seller, buyer).json or {})["id"]

    road.work()
    waiting = road.shipment(parcel_id)
    _soon(road)
    for _ in range(3):
        road.sweep()
        _soon(road)

    assert (waiting.status, waiting.amount, waiting.units_left_at) == ("pending", 0, None)
    assert road.shipment(parcel_id).status == "shipped"
    assert road.payment(buyer).captured == 5_490


def test_one_merchant_who_wants_it_otherwise_is_enough_to_wait(road: Road) -> None:
    barn, mill = road.seller(capture="automatic"), road.seller()
    buyer = road.bought({barn.skus[0].id: 1, mill.skus[0].id: 1})

    road.publish()

    assert _captures(road.db) == []
    assert road.payment(buyer).status == "authorized"


def test_a_parcel_that_came_first_keeps_its_share(road: Road) -> None:
    seller = road.seller(capture="automatic")
    buyer = road.bought({seller.skus[0].id: 2})
    road.ship(seller, buyer, lines=[{"line": 1, "qty": 1}])

    road.publish()

    assert _captures(road.db) == []
    assert road.payment(buyer).captured == 5_490


def test_an_order_canceled_before_its_money_was_taken_is_charged_nothing(road: Road) -> None:
    seller = road.seller(capture="automatic")
    buyer = road.bought({seller.skus[0].id: 1})
    road.psp.emulator.fault(operation="payment_intents.capture", kind="error_before")
    road.publish()
    buyer.post(f"/v1/orders/{buyer.ids['order_id']}/cancel", {"reason": "too late"})
    road.work()
    _soon(road)

    road.sweep()

    assert _captures(road.db) == [("failed", 5_490)]
    assert road.open_incidents() == []
    assert road.order(buyer).state == "canceled"
    payment = road.payment(buyer)
    assert (payment.status, payment.captured, payment.refunded) == ("voided", 0, 0)
    assert road.stock(seller.skus[0]) == (50, 0)


def _soon(road: Road) -> None:
    """What was put off is due."""
    with road.db.transaction() as session:
        for model in (Capture, Shipment):
            session.execute(
                update(model)
                .where(model.state == "running")
                .values(next_attempt_at=func.shop_now(), nudge_at=func.shop_now())
            )
