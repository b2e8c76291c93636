"""An order is called off while nothing of it is on its way; its units go back at once, its money
as soon as it can."""

import pytest
from sqlalchemy import select, update

from app.accounts.models import Merchant
from app.orders.errors import (
    CancellationUnderWay,
    NotCancelable,
    NotYoursAlone,
    RefundUnderWay,
    ShipmentUnderWay,
)
from app.orders.models import Cancellation, OrderTransition
from app.orders.service import cancel
from app.shipping.models import ShippingRate
from tests.factories import make_coupon
from tests.orders.conftest import Bought, Desk

pytestmark = pytest.mark.usefixtures("audited")

SILENCES = ["cut_before", "cut_after", "error_before", "error_after"]
WEEK = 7 * 24 * 3600


def _paid(desk: Desk) -> Bought:
    """An order whose money was taken at once."""
    with desk.wired.db.transaction() as session:
        session.execute(update(Merchant).values(settings={"capture": "automatic"}))
    order = desk.buy(2)
    desk.publish()
    assert desk.money(order)[:2] == ("captured", 10_490)
    return order


def _why(desk: Desk, order: Bought) -> tuple[str, str]:
    with desk.wired.db.reading() as session:
        last = session.scalars(
            select(OrderTransition)
            .where(OrderTransition.order_id == order.id)
            .order_by(OrderTransition.id.desc())
        ).first()
    assert last is not None
    return last.actor, last.reason


def test_money_that_was_only_held_is_let_go(desk: Desk) -> None:
    order = desk.buy(2)

    canceled = desk.cancel(order, reason="changed my mind", actor="customer")
    desk.work()

    assert desk.row(Cancellation, canceled).state == "confirmed"
    assert desk.state(order) == "canceled"
    assert desk.money(order) == ("voided", 0, 0)
    assert desk.till.intents() == ["canceled"]
    assert desk.stock() == (10, 0)
    assert desk.told("order.canceled") == ["order.canceled"]
    assert _why(desk, order) == ("customer", "customer_request")


def test_money_that_was_taken_goes_back(desk: Desk) -> None:
    order = _paid(desk)

    desk.cancel(order)
    desk.work()

    assert desk.state(order) == "canceled"
    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.stock() == (10, 0)


def test_what_was_refunded_before_is_not_given_back_twice(desk: Desk) -> None:
    order = _paid(desk)
    desk.refunded(order, lines={1: 1})

    desk.cancel(order)
    desk.work()

    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.repayments() == [5_000, 5_490]
    assert desk.stock() == (10, 0)


def test_an_order_that_cost_nothing_asks_nobody(desk: Desk) -> None:
    with desk.wired.db.transaction() as session:
        session.execute(update(ShippingRate).values(price=0))
        coupon = make_coupon(session, rule={"rate_ppm": 1_000_000}, code="FREE")
    order = desk.buy(2, coupon=coupon.code)

    canceled = desk.cancel(order)
    desk.work()

    assert desk.row(Cancellation, canceled).state == "confirmed"
    assert (desk.state(order), desk.payment(order)) == ("canceled", None)
    assert desk.stock() == (10, 0)


@pytest.mark.parametrize("kind", SILENCES)
def test_a_void_whose_outcome_was_unknown_is_found_out(desk: Desk, kind: str) -> None:
    order = desk.buy(2)
    desk.trouble(kind, "payment_intents.cancel")
    canceled = desk.cancel(order)
    desk.work()
    at_once = desk.state(order), desk.stock(), desk.row(Cancellation, canceled).state

    desk.till.wait_out()

    assert at_once == ("canceled", (10, 0), "running")
    assert desk.row(Cancellation, canceled).state == "confirmed"
    assert desk.till.intents() == ["canceled"]


@pytest.mark.parametrize("kind", SILENCES)
def test_money_given_back_with_an_unknown_outcome_goes_back_once(desk: Desk, kind: str) -> None:
    order = _paid(desk)
    desk.trouble(kind, "refunds.create")
    desk.cancel(order)
    desk.work()

    desk.till.wait_out()

    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.repayments() == [10_490]


def test_an_order_of_which_a_parcel_is_under_way_is_not_canceled(desk: Desk) -> None:
    order = desk.buy(2)
    desk.begin_ship(order, {1: 1})

    with pytest.raises(ShipmentUnderWay):
        desk.cancel(order)
    desk.work()
    with pytest.raises(ShipmentUnderWay):
        desk.cancel(order)

    assert desk.state(order) == "confirmed"


def test_an_order_is_canceled_once(desk: Desk) -> None:
    order = desk.buy(2)
    desk.cancel(order)

    with pytest.raises(CancellationUnderWay):
        desk.cancel(order)
    desk.work()
    with pytest.raises(CancellationUnderWay):
        desk.cancel(order)

    assert desk.told("order.canceled") == ["order.canceled"]


def test_an_order_whose_money_is_on_its_way_back_is_canceled_afterwards(desk: Desk) -> None:
    order = _paid(desk)
    desk.refund(order, lines={1: 1})

    with pytest.raises(RefundUnderWay):
        desk.cancel(order)
    desk.work()
    desk.cancel(order)
    desk.work()

    assert desk.state(order) == "canceled"


def test_a_refunded_order_is_not_canceled(desk: Desk) -> None:
    order = _paid(desk)
    desk.refunded(order)

    with pytest.raises(NotCancelable):
        desk.cancel(order)

    assert desk.state(order) == "refunded"


def test_a_merchant_cancels_what_is_all_its_own(desk: Desk) -> None:
    other = desk.rival()
    shared, own = desk.buy(1, more={other: 1}), desk.buy(1)
    merchant_id = desk.shop.sku.merchant_id

    with pytest.raises(NotYoursAlone):
        desk.cancel(shared, merchant_id=merchant_id)
    desk.cancel(own, merchant_id=merchant_id)
    desk.work()

    assert (desk.state(shared), desk.state(own)) == ("confirmed", "canceled")


def test_an_order_whose_hold_the_provider_let_go_is_canceled(desk: Desk) -> None:
    order = desk.buy(2)
    payment = desk.payment(order)
    assert payment is not None
    desk.wired.payments.void(str(payment.psp_ref), key="the bank")

    desk.till.tell("canceled", str(payment.psp_ref))
    desk.work()
    desk.publish()

    assert desk.state(order) == "canceled"
    assert desk.money(order) == ("voided", 0, 0)
    assert desk.stock() == (10, 0)
    assert _why(desk, order) == (cancel.EXPIRY, cancel.AUTHORIZATION_EXPIRED)


def test_money_of_a_canceled_order_that_its_bank_sent_back_is_given_back_once_more(
    desk: Desk,
) -> None:
    with desk.wired.db.transaction() as session:
        session.execute(update(Merchant).values(settings={"capture": "automatic"}))
    order = desk.buy(2, token="pm_card_pendingRefund")
    desk.publish()
    desk.cancel(order)
    desk.work()
    payment = desk.payment(order)
    assert payment is not None
    (one,) = desk.wired.payments.repayments(str(payment.psp_ref))
    desk.till.psp.emulator.answer_refund(one.reference, succeeded=False)
    desk.till.tell("succeeded", str(payment.psp_ref))
    desk.work()
    sent_back = desk.money(order)

    again = desk.refunded(order, amount=10_490)

    assert sent_back == ("captured", 10_490, 0)
    assert again.state == "confirmed"
    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == "canceled"


def test_a_declined_purchase_is_no_order_to_be_canceled(desk: Desk) -> None:
    cart = desk.shop.cart(1)
    desk.shop.buy(cart, token="pm_card_chargeDeclined")
    desk.work()

    desk.publish()

    assert desk.told("order.canceled") == []
    assert desk.stock() == (10, 0)


def test_an_order_whose_money_can_be_taken_no_more_is_canceled_by_the_clock(desk: Desk) -> None:
    order = desk.buy(2)
    desk.wired.queue.tasks["orders.cancel_expired"]()
    before = desk.state(order)

    desk.till.pass_time(WEEK + 60)
    canceled = desk.wired.queue.tasks["orders.cancel_expired"]()
    desk.work()
    again = desk.wired.queue.tasks["orders.cancel_expired"]()

    assert (before, canceled, again) == ("confirmed", 1, 0)
    assert desk.state(order) == "canceled"
    assert desk.money(order)[0] == "voided"
    assert desk.stock() == (10, 0)
    assert _why(desk, order) == (cancel.EXPIRY, cancel.AUTHORIZATION_EXPIRED)


def test_an_order_whose_hold_was_let_go_under_a_parcel_is_canceled_once_that_is_called_off(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    parcel = desk.begin_ship(order)
    payment = desk.payment(order)
    assert payment is not None
    desk.wired.payments.void(str(payment.psp_ref), key="the bank")
    desk.work()
    desk.till.tell("canceled", str(payment.psp_ref))
    desk.work()
    desk.publish()
    stuck = desk.state(order), desk.wired.queue.tasks["orders.cancel_expired"]()

    desk.call_parcel_off(parcel)
    desk.wired.queue.tasks["orders.cancel_expired"]()
    desk.work()

    assert stuck == ("confirmed", 0)
    assert desk.state(order) == "canceled"
    assert desk.stock() == (10, 0)


def test_an_order_that_was_sent_or_paid_does_not_lapse(desk: Desk) -> None:
    sent = desk.buy(1)
    desk.ship(sent)
    paid = _paid(desk)

    desk.till.pass_time(WEEK + 60)

    assert desk.wired.queue.tasks["orders.cancel_expired"]() == 0
    assert (desk.state(sent), desk.state(paid)) == ("shipped", "confirmed")


def test_no_parcel_is_begun_of_an_order_that_is_about_to_be_closed(desk: Desk) -> None:
    order = desk.buy(2)

    canceled = desk.cancel(order)
    with pytest.raises(CancellationUnderWay):
        desk.begin_ship(order)
    desk.work()

    assert desk.row(Cancellation, canceled).state == "confirmed"
