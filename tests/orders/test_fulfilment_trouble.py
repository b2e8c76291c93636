"""A parcel that is stuck waits for a person, and nothing is taken, sent or given back by itself."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select

from app import wiring
from app.adapters.carriers.table import TableCarrier
from app.inventory.models import LedgerEntry, LedgerReason
from app.payments.models import Refund
from app.platform.ids import encode
from app.shipping.errors import CarrierAway
from app.shipping.models import ShippingRate
from app.shipping.ports import Label, Parcel
from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import RunningServer, serve
from tests.conftest import WEBHOOK_SECRET, Clock
from tests.orders.road import Road, Seller, road, settings

__all__ = ["road", "settings"]

WEEK_AND_MORE = 8 * 24 * 3600.0


@pytest.fixture
def ahead() -> list[float]:
    """By how many seconds the provider's clock is ahead."""
    return [0.0]


@pytest.fixture
def psp(ahead: list[float]) -> Iterator[RunningServer]:
    """The emulator, with a clock that can be moved."""
    emulator = StripeEmulator(webhook_secret=WEBHOOK_SECRET, now=lambda: time.time() + ahead[0])
    with serve(emulator) as server:
        yield server


def _withdraw(road: Road, service: str) -> None:
    """The merchants offer a service no more."""
    with road.db.transaction() as session:
        session.execute(delete(ShippingRate).where(ShippingRate.service == service))


def _refused(road: Road, seller: Seller) -> tuple[str, dict[str, str]]:
    """A parcel whose label was refused after its money was taken; and who bought it."""
    buyer = road.bought({seller.skus[0].id: 2})
    answer = road.ship(seller, buyer, lines=[{"line": 1, "qty": 1}])
    _withdraw(road, "standard")
    road.work()
    return (answer.json or {})["id"], buyer.ids


def test_a_label_that_is_refused_after_the_capture_waits_for_a_person(road: Road) -> None:
    seller = road.seller()

    parcel_id, _ = _refused(road, seller)

    shown = seller.person.get(f"/v1/shipments/{parcel_id}").json or {}
    assert (shown["status"], shown["state"], shown["step"]) == (
        "pending", "needs_attention", "label",
    )  # fmt: skip
    assert shown["failure"]["code"] == "label_refused"
    assert shown["failure"]["services"] == ["express"]
    assert shown["tracking_number"] is None
    assert road.open_incidents() == ["saga_label"]
    assert road.stock(seller.skus[0]) == (48, 1)


def test_another_service_takes_the_parcel(road: Road) -> None:
    seller = road.seller()
    parcel_id, _ = _refused(road, seller)

    unknown = seller.person.post(f"/v1/shipments/{parcel_id}/retry", {"service": "pigeon"})
    answer = seller.person.post(f"/v1/shipments/{parcel_id}/retry", {"service": "express"})
    road.work()

    assert (unknown.status_code, (unknown.json or {})["code"]) == (422, "unknown_shipping_service")
    assert answer.status_code == 202
    parcel = road.shipment(parcel_id)
    assert (parcel.status, parcel.service, parcel.cost) == ("shipped", "express", 990)
    assert road.open_incidents() == []


def test_a_parcel_called_off_gives_its_money_and_its_units_back(road: Road) -> None:
    seller = road.seller()
    parcel_id, ids = _refused(road, seller)

    answer = seller.person.post(f"/v1/shipments/{parcel_id}/cancel", {"reason": "too heavy"})
    road.work()

    assert answer.status_code == 202, answer.json
    parcel = road.shipment(parcel_id)
    assert (parcel.status, parcel.state) == ("canceled", "canceled")
    with road.db.reading() as session:
        refund = session.scalars(select(Refund)).one()
        back = session.scalars(
            select(LedgerEntry.delta_available).where(LedgerEntry.reason == LedgerReason.RETURN)
        ).all()
    assert (refund.state, refund.amount) == ("confirmed", 5_000)
    assert back == [1]
    assert road.stock(seller.skus[0]) == (49, 1)
    assert road.open_incidents() == []
    order = seller.person.get(f"/v1/merchant/orders/{ids['order_id']}").json or {}
    assert (order["items"][0]["canceled"], order["items"][0]["left"]) == (1, 1)


def test_the_rest_of_an_order_is_sent_after_a_parcel_was_called_off(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 2})
    answer = road.ship(seller, buyer, lines=[{"line": 1, "qty": 1}])
    _withdraw(road, "standard")
    road.work()
    seller.person.post(f"/v1/shipments/{(answer.json or {})['id']}/cancel", {})
    road.work()

    rest = road.sent(seller, buyer, service="express")

    assert (rest.status, rest.amount) == ("shipped", 5_000)
    payment = road.payment(buyer)
    assert (payment.status, payment.captured, payment.refunded) == ("captured", 10_490, 5_000)
    assert road.order(buyer).state == "shipped"


def test_money_that_can_no_longer_be_taken_leaves_the_units_where_they_are(
    road: Road, ahead: list[float]
) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})
    answer = road.ship(seller, buyer)
    ahead[0] += WEEK_AND_MORE

    road.work()

    parcel = road.shipment((answer.json or {})["id"])
    assert (parcel.state, parcel.step, parcel.units_left_at) == ("needs_attention", "capture", None)
    assert (parcel.failure or {})["code"] == "authorization_expired"
    assert road.stock(seller.skus[0]) == (49, 1)
    assert road.open_incidents() == ["saga_capture"]


def test_a_parcel_whose_money_was_refused_is_called_off_without_a_refund(
    road: Road, ahead: list[float]
) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})
    parcel_id = (road.ship(seller, buyer).json or {})["id"]
    ahead[0] += WEEK_AND_MORE
    road.work()

    answer = seller.person.post(f"/v1/shipments/{parcel_id}/cancel", {})
    road.work()

    assert answer.status_code == 202, answer.json
    assert road.shipment(parcel_id).amount == 0
    assert road.order(buyer).state == "canceled"
    assert road.stock(seller.skus[0]) == (50, 0)
    with road.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Refund)) == 0


def test_a_capture_nobody_knows_of_is_neither_repeated_blindly_nor_called_off(
    road: Road, clock: Clock
) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})
    parcel_id = (road.ship(seller, buyer).json or {})["id"]
    road.psp.emulator.fault(operation="payment_intents.capture", kind="cut_after", times=1)
    road.psp.emulator.fault(operation="*", kind="error_before", times=50)
    road.work()
    clock.advance(7 * 3600)
    road.sweep()
    unknown = road.shipment(parcel_id)

    called_off = seller.person.post(f"/v1/shipments/{parcel_id}/cancel", {})
    road.psp.emulator.faults.clear()
    tried_again = seller.person.post(f"/v1/shipments/{parcel_id}/retry", {})
    road.work()

    assert (unknown.state, (unknown.failure or {})["code"]) == ("needs_attention", "overdue")
    assert (called_off.status_code, (called_off.json or {})["code"]) == (409, "capture_under_way")
    assert tried_again.status_code == 202
    assert road.shipment(parcel_id).status == "shipped"
    assert road.payment(buyer).captured == 5_490


class Flaky(TableCarrier):
    """A carrier that sells a label, and whose answer gets lost."""

    def __init__(self, inner: TableCarrier, *, lost: int) -> None:
        self._inner, self._lost = inner, lost
        self.sold: dict[str, Label] = {}
        self.bought = 0

    def buy(self, parcel: Parcel, *, reference: str) -> Label:
        """Sell one, and say so only when nothing is lost any more."""
        self.bought += 1
        self.sold[reference] = self._inner.buy(parcel, reference=reference)
        if self._lost:
            self._lost -= 1
            raise CarrierAway("The line went dead.")
        return self.sold[reference]

    def find(self, reference: str) -> Label | None:
        """What was sold under this reference."""
        return self.sold.get(reference)


def test_a_label_whose_answer_was_lost_is_found_and_not_bought_again(
    road: Road, clock: Clock
) -> None:
    seller = road.seller()
    carrier = Flaky(road.wired.carriers, lost=1)
    wiring.use(replace(road.wired, carriers=carrier))
    buyer = road.bought({seller.skus[0].id: 1})
    parcel_id = (road.ship(seller, buyer).json or {})["id"]

    road.work()
    clock.advance(60)
    road.sweep()

    assert carrier.bought == 1
    assert road.shipment(parcel_id).status == "shipped"


def test_only_a_parcel_that_is_stuck_is_retried_or_called_off(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})
    parcel = road.sent(seller, buyer)

    answers = [
        seller.person.post(f"/v1/shipments/{encode('shp', parcel.id)}/{act}", {})
        for act in ("retry", "cancel")
    ]

    assert {answer.status_code for answer in answers} == {409}
    assert {(answer.json or {})["code"] for answer in answers} == {"shipment_not_stuck"}
