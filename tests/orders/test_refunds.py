"""Money goes back once, never more than was taken, and units follow it."""

import pytest
from sqlalchemy import update

from app.accounts.models import Merchant
from app.orders.errors import (
    CancelInstead,
    CancellationUnderWay,
    RefundAmbiguous,
    RefundExceedsCaptured,
    ShipmentUnderWay,
    TooManyUnits,
)
from app.orders.states import OrderState
from app.payments.models import Refund
from app.platform.errors import DomainError
from app.shipping.models import ShippingRate
from tests.factories import make_coupon
from tests.orders.conftest import Desk

pytestmark = pytest.mark.usefixtures("audited")


def _take_at_once(desk: Desk) -> None:
    """The merchants have the money taken as soon as an order is confirmed."""
    with desk.wired.db.transaction() as session:
        session.execute(update(Merchant).values(settings={"capture": "automatic"}))


def test_some_of_the_money_of_a_sent_order_goes_back_and_nothing_else(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)

    refund = desk.refunded(order, amount=1_000)

    assert (refund.state, refund.amount, refund.released) == ("confirmed", 1_000, 0)
    assert desk.money(order) == ("captured", 10_490, 1_000)
    assert desk.state(order) == "shipped"
    assert desk.stock() == (8, 0)
    assert desk.story(refund.id) == ["repay:started", "repay:succeeded", "settle:succeeded"]
    assert desk.repayments() == [1_000]


def test_an_order_whose_money_is_all_back_is_refunded(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    desk.refunded(order, amount=490)

    refund = desk.refunded(order)

    assert refund.amount == 10_000
    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == OrderState.REFUNDED
    assert desk.told("order.refunded") == ["order.refunded"]
    assert desk.told("refund.") == ["refund.settled", "refund.settled"]
    assert desk.stock() == (8, 0)


@pytest.mark.parametrize(("restock", "left"), [(True, 9), (False, 8)])
def test_units_that_were_sent_come_back_on_the_shelf_only_if_told(
    desk: Desk, restock: bool, left: int
) -> None:
    order = desk.buy(2)
    desk.ship(order)

    refund = desk.refunded(order, lines={1: 1}, restock=restock)

    assert (refund.amount, refund.released) == (5_000, 0)
    assert desk.stock() == (left, 0)
    assert desk.state(order) == "shipped"


def test_units_that_have_not_left_and_are_only_held_are_released_without_a_call(
    desk: Desk,
) -> None:
    order = desk.buy(2)

    refund = desk.refunded(order, lines={1: 1})
    between = desk.money(order), desk.stock()
    desk.ship(order)

    assert (refund.state, refund.amount, refund.released) == ("confirmed", 0, 5_000)
    assert between == (("authorized", 0, 0), (9, 1))
    assert desk.money(order) == ("captured", 5_490, 0)
    assert desk.state(order) == "shipped"
    assert desk.stock() == (9, 0)


def test_where_a_hold_is_taken_but_once_the_released_part_is_never_taken(desk: Desk) -> None:
    desk.trouble("multicapture_off", "payment_intents.create")
    order = desk.buy(3)

    desk.refunded(order, lines={1: 1})
    desk.ship(order, {1: 1})
    desk.ship(order)

    assert desk.money(order) == ("captured", 10_490, 0)
    assert desk.state(order) == "shipped"


def test_units_that_have_not_left_and_are_paid_give_their_money_back(desk: Desk) -> None:
    _take_at_once(desk)
    order = desk.buy(2)
    desk.publish()

    refund = desk.refunded(order, lines={1: 1})

    assert (refund.amount, refund.released) == (5_000, 0)
    assert desk.money(order) == ("captured", 10_490, 5_000)
    assert desk.stock() == (9, 1)
    assert desk.state(order) == "confirmed"


def test_a_paid_order_refunded_by_its_last_units_gets_its_shipping_back_too(desk: Desk) -> None:
    _take_at_once(desk)
    order = desk.buy(2)
    desk.publish()

    refund = desk.refunded(order, lines={1: 2})

    assert refund.amount == 10_490
    assert desk.state(order) == "refunded"
    assert desk.stock() == (10, 0)


def test_units_that_have_not_left_go_first(desk: Desk) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})

    refund = desk.refunded(order, lines={1: 3}, restock=True)

    assert (refund.amount, refund.released) == (5_000, 10_000)
    assert desk.money(order)[1:] == (5_490, 5_000)
    assert desk.stock() == (10, 0)
    assert desk.state(order) == "shipped"


def test_all_of_a_partly_sent_order_lets_the_rest_of_the_hold_go(desk: Desk) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})

    refund = desk.refunded(order)

    assert (refund.state, refund.amount, refund.released) == ("confirmed", 5_490, 10_000)
    assert desk.money(order) == ("refunded", 5_490, 5_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (9, 0)


def test_an_order_whose_rest_is_refunded_is_shipped(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    before = desk.state(order)

    desk.refunded(order, lines={1: 1})

    assert (before, desk.state(order)) == ("confirmed", "shipped")


@pytest.mark.parametrize("lines", [None, {1: 2}], ids=["all", "every line"])
def test_an_order_of_which_nothing_was_taken_or_would_be_left_is_canceled_instead(
    desk: Desk, lines: dict[int, int] | None
) -> None:
    order = desk.buy(2)

    with pytest.raises(CancelInstead):
        desk.refund(order, lines=lines)

    assert desk.stock() == (8, 2)


def test_more_than_what_is_left_is_refused_and_says_what_is(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    desk.refund(order, amount=6_000)

    with pytest.raises(RefundExceedsCaptured) as refusal:
        desk.refund(order, amount=4_491)
    desk.work()

    assert refusal.value.facts["refundable"] == 4_490
    assert desk.money(order) == ("captured", 10_490, 6_000)


def test_an_order_that_is_only_held_has_no_money_to_give_back(desk: Desk) -> None:
    order = desk.buy(2)

    with pytest.raises(RefundExceedsCaptured) as refusal:
        desk.refund(order, amount=1)

    assert refusal.value.facts["refundable"] == 0


def test_more_units_than_are_left_are_refused(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    desk.refunded(order, lines={1: 1})

    with pytest.raises(TooManyUnits) as refusal:
        desk.refund(order, lines={1: 2})

    assert refusal.value.facts["lines"] == [{"line": 1, "left": 1}]


def test_units_whose_shares_are_no_whole_cents_make_the_line_in_the_end(desk: Desk) -> None:
    with desk.wired.db.transaction() as session:
        coupon = make_coupon(session, rule={"rate_ppm": 77_700}, code="ODD")
    order = desk.buy(3, coupon=coupon.code)
    desk.ship(order)
    total = desk.money(order)[1]

    shares = [desk.refunded(order, lines={1: 1}).amount for _ in range(3)]

    assert sum(shares) == total - 490
    assert max(shares) - min(shares) == 1


@pytest.mark.parametrize("given", [{"lines": {1: 1}}, {}], ids=["line", "all"])
def test_what_lies_in_a_parcel_that_is_being_prepared_waits_for_it(
    desk: Desk, given: dict[str, dict[int, int]]
) -> None:
    order = desk.buy(2)
    desk.begin_ship(order)

    with pytest.raises(ShipmentUnderWay):
        desk.refund(order, **given)
    desk.work()

    assert desk.refunded(order, **given).state == "confirmed"


def test_a_canceled_order_is_not_refunded_besides(desk: Desk) -> None:
    order = desk.buy(2)
    desk.cancel(order)

    with pytest.raises(CancellationUnderWay):
        desk.refund(order, lines={1: 1})
    desk.work()

    assert desk.money(order)[0] == "voided"


@pytest.mark.parametrize(
    "given", [{"amount": 1, "lines": {1: 1}}, {"amount": 1, "restock": True}], ids=["both", "shelf"]
)
def test_a_refund_of_two_things_at_once_is_refused(desk: Desk, given: dict[str, object]) -> None:
    order = desk.buy(2)
    desk.ship(order)

    with pytest.raises(RefundAmbiguous):
        desk.refund(order, **given)

    assert desk.repayments() == []


def test_a_merchant_refunds_its_own_lines_alone(desk: Desk) -> None:
    other = desk.rival()
    order = desk.buy(1, more={other: 2})
    mine, theirs = desk.shop.sku.merchant_id, other.merchant_id
    desk.ship(order, merchant_id=mine)
    desk.ship(order, merchant_id=theirs)
    lines = desk.lines(order)

    codes = []
    for given in ({"amount": 1}, {}, {"lines": {lines[other.id]: 1}}):
        with pytest.raises(DomainError) as refusal:
            desk.refund(order, merchant_id=mine, **given)
        codes.append(refusal.value.code)
    refund = desk.refunded(order, merchant_id=theirs, lines={lines[other.id]: 1})

    assert codes == ["not_yours_alone", "not_yours_alone", "unknown_line"]
    assert (refund.amount, refund.merchant_id) == (1_000, theirs)


def test_an_order_that_cost_nothing_gives_its_units_back(desk: Desk) -> None:
    with desk.wired.db.transaction() as session:
        session.execute(update(ShippingRate).values(price=0))
        coupon = make_coupon(session, rule={"rate_ppm": 1_000_000}, code="FREE")
    order = desk.buy(2, coupon=coupon.code)
    desk.ship(order, {1: 1})

    unsent = desk.refunded(order, lines={1: 1})
    shipped = desk.state(order)
    sent = desk.refunded(order, lines={1: 1}, restock=True)

    assert desk.payment(order) is None
    assert [(r.state, r.amount, r.payment_id) for r in (unsent, sent)] == [
        ("confirmed", 0, None),
        ("confirmed", 0, None),
    ]
    assert (shipped, desk.state(order)) == ("shipped", "refunded")
    assert desk.stock() == (10, 0)


def test_money_given_back_at_the_provider_itself_closes_the_order_too(desk: Desk) -> None:
    _take_at_once(desk)
    order = desk.buy(2)
    desk.publish()
    payment = desk.payment(order)
    assert payment is not None
    assert payment.psp_ref is not None
    desk.wired.payments.refund(payment.psp_ref, key="somebody at the provider")

    desk.till.tell("succeeded", payment.psp_ref)
    desk.work()
    desk.publish()

    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (10, 0)


def test_every_refund_of_an_order_counts_once_however_often_it_is_nudged(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order)
    refund_id = desk.refund(order, lines={1: 1}, restock=True)

    for _ in range(2):
        for step in ("refund.repay", "refund.settle"):
            desk.wired.queue.tasks[step](str(refund_id))

    assert desk.row(Refund, refund_id).state == "confirmed"
    assert desk.repayments() == [5_000]
    assert desk.stock() == (9, 0)
