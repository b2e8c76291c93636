"""Whatever the provider answers, or does not, money goes back exactly once or not at all."""

import pytest
from sqlalchemy import delete, select

from app.payments.models import Refund
from app.platform.ids import new_id
from app.saga.models import Incident
from app.shipping.models import ShippingRate
from tests.orders.conftest import Bought, Desk

pytestmark = pytest.mark.usefixtures("audited")

SILENCES = ["cut_before", "cut_after", "error_before", "error_after"]


@pytest.mark.parametrize("kind", SILENCES)
def test_one_refund_comes_of_a_call_whose_outcome_was_unknown(desk: Desk, kind: str) -> None:
    order = desk.buy(2)
    desk.ship(order)
    desk.trouble(kind, "refunds.create")
    refund = desk.refunded(order, lines={1: 1}, restock=True)
    unknown = refund.state, desk.stock()

    desk.till.wait_out()

    assert unknown == ("running", (8, 0))
    assert desk.row(Refund, refund.id).state == "confirmed"
    assert desk.repayments() == [5_000]
    assert desk.money(order) == ("captured", 10_490, 5_000)
    assert desk.stock() == (9, 0)


@pytest.mark.parametrize("kind", SILENCES)
def test_one_emptied_hold_comes_of_calls_whose_outcomes_were_unknown(desk: Desk, kind: str) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})
    desk.trouble(kind, "payment_intents.cancel")
    desk.trouble(kind, "refunds.create")

    refund = desk.refunded(order)
    desk.till.wait_out(seconds=400)

    assert desk.row(Refund, refund.id).state == "confirmed"
    assert desk.money(order) == ("refunded", 5_490, 5_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (9, 0)


def _given_elsewhere(desk: Desk, order: Bought, amount: int) -> None:
    """Somebody gives money back at the provider, of which the shop has not heard."""
    payment = desk.payment(order)
    assert payment is not None
    assert payment.psp_ref is not None
    desk.wired.payments.repay(payment.psp_ref, amount, refund_id=new_id(), key="elsewhere")


def test_a_refund_the_provider_will_not_make_is_told_and_shown_to_a_person(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    _given_elsewhere(desk, order, 6_000)

    refused = desk.refunded(order, lines={1: 2})

    with desk.wired.db.reading() as session:
        incident = session.scalars(select(Incident)).one()
    assert desk.payloads("refund.failed") == [
        {"order_id": str(order.id), "refund_id": str(refused.id)}
    ]
    assert (incident.kind, incident.subject) == ("refund_failed", str(refused.id))
    assert incident.detail is not None
    assert (incident.detail["amount"], incident.detail["currency"]) == (10_000, "EUR")
    assert incident.detail["code"] == (refused.failure or {})["code"]
    assert "return" not in incident.detail


def _hear_of_the_money(desk: Desk, order: Bought) -> None:
    """The provider tells the shop to look."""
    payment = desk.payment(order)
    assert payment is not None
    desk.till.tell("succeeded", str(payment.psp_ref))
    desk.work()


def test_a_definitive_no_gives_the_money_and_the_units_back_to_be_refunded(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    _given_elsewhere(desk, order, 6_000)

    refused = desk.refunded(order, lines={1: 2}, restock=True)
    smaller = desk.refunded(order, amount=4_000)

    assert (refused.state, smaller.state) == ("failed", "confirmed")
    assert desk.told("refund.") == ["refund.failed", "refund.settled"]
    assert desk.stock() == (8, 0)
    assert desk.money(order) == ("captured", 10_490, 10_000)
    assert desk.state(order) == "shipped"


def test_units_of_a_refund_that_failed_can_be_refunded_again(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    _given_elsewhere(desk, order, 5_490)

    refused = desk.refunded(order, lines={1: 2}, restock=True)
    one = desk.refunded(order, lines={1: 1}, restock=True)

    assert (refused.state, one.state, one.amount) == ("failed", "confirmed", 5_000)
    assert desk.stock() == (9, 0)
    assert desk.state(order) == "refunded"


def _stuck(desk: Desk, order: Bought, lines: dict[int, int]) -> None:
    """A parcel whose money was taken and that nobody carries is called off."""
    parcel = desk.begin_ship(order, lines)
    with desk.wired.db.transaction() as session:
        session.execute(delete(ShippingRate))
    desk.work()
    desk.call_parcel_off(parcel)


def test_units_of_a_parcel_called_off_lie_where_they_were_and_are_never_sent(desk: Desk) -> None:
    order = desk.buy(2)

    _stuck(desk, order, {1: 2})
    before = desk.stock()
    desk.work()

    assert before == (8, 0)
    assert desk.stock() == (10, 0)
    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == "refunded"


def test_units_of_a_parcel_called_off_can_be_refunded_again_where_that_failed(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    parcel = desk.begin_ship(order, {1: 1})
    with desk.wired.db.transaction() as session:
        session.execute(delete(ShippingRate))
    desk.work()
    _given_elsewhere(desk, order, 5_491)
    desk.call_parcel_off(parcel)
    desk.work()
    failed = desk.stock(), desk.state(order)

    _hear_of_the_money(desk, order)
    desk.refunded(order)

    assert failed == ((8, 0), "confirmed")
    assert desk.stock() == (9, 0)
    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == "refunded"


def test_a_refund_nobody_hears_of_for_hours_is_shown_to_a_person_and_not_forgotten(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    desk.ship(order)
    desk.trouble("cut_before", "refunds.create", times=1_000)
    refund = desk.refunded(order, amount=5_000)

    desk.till.pass_time(6 * 3600 + 60)
    desk.shop.sweep()

    assert desk.row(Refund, refund.id).state == "needs_attention"
    with desk.wired.db.reading() as session:
        assert session.scalars(select(Incident.kind)).all() == ["saga_repay"]
