"""What was never paid is not paid back, what is being paid back does not leave, and what is left at
the end is let go: money and units, whatever lapses, fails or is done elsewhere meanwhile."""

import threading
import time

import psycopg
import pytest
from sqlalchemy import delete, select, update

from app.accounts.models import Merchant
from app.orders.errors import RefundUnderWay, ShipmentUnderWay, TooManyUnits
from app.orders.service import returns
from app.payments.models import Refund
from app.platform.ids import new_id
from app.saga.models import Incident
from app.shipping.models import ShippingRate
from tests.orders.conftest import Bought, Desk

WEEK_AND_MORE = 8 * 24 * 3600.0


def _take_at_once(desk: Desk) -> None:
    """The merchants have the money taken as soon as an order is confirmed."""
    with desk.wired.db.transaction() as session:
        session.execute(update(Merchant).values(settings={"capture": "automatic"}))


def _paid(desk: Desk, qty: int) -> Bought:
    """An order whose money is taken, and of which nothing was sent."""
    _take_at_once(desk)
    order = desk.buy(qty)
    desk.publish()
    desk.publish()  # the money is taken now, and everyone hears of that too
    return order


def _nobody_carries(desk: Desk) -> None:
    """Every label is refused from now on."""
    with desk.wired.db.transaction() as session:
        session.execute(delete(ShippingRate))


def _reference(desk: Desk, order: Bought) -> str:
    payment = desk.payment(order)
    assert payment is not None
    return str(payment.psp_ref)


def _given_elsewhere(desk: Desk, order: Bought, amount: int) -> None:
    """Somebody gives money back at the provider, of which the shop has not heard."""
    desk.wired.payments.repay(
        _reference(desk, order), amount, refund_id=new_id(), key=f"elsewhere {amount}"
    )


def _forget(desk: Desk) -> None:
    """All nudges are lost."""
    desk.wired.queue.waiting.clear()


def _hear(desk: Desk, order: Bought) -> None:
    """The provider tells the shop to look at the money, and everyone hears what comes of it."""
    desk.till.tell("succeeded", _reference(desk, order))
    desk.work()
    desk.publish()


def _lapse(desk: Desk, order: Bought) -> None:
    """What was held and not taken is gone, and the shop has heard of it."""
    desk.till.pass_time(WEEK_AND_MORE)
    _hear(desk, order)


def test_units_whose_hold_lapsed_unpaid_are_let_go_and_nobody_pays_for_them(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    _lapse(desk, order)

    refund = desk.refunded(order, lines={1: 1})

    assert (refund.state, refund.amount, refund.released) == ("confirmed", 0, 5_000)
    assert desk.money(order) == ("captured", 5_490, 0)
    assert desk.state(order) == "shipped"
    assert desk.stock() == (9, 0)


def test_of_a_hold_that_lapsed_all_that_was_taken_goes_back_and_the_rest_is_let_go(
    desk: Desk,
) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})
    _lapse(desk, order)

    refund = desk.refunded(order)

    assert (refund.amount, refund.released) == (5_490, 10_000)
    assert desk.money(order) == ("refunded", 5_490, 5_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (9, 0)


def test_a_merchant_whose_hold_lapsed_unpaid_gets_no_shipping_from_what_another_took(
    desk: Desk,
) -> None:
    other = desk.rival()
    order = desk.buy(1, more={other: 2})
    lines = desk.lines(order)
    desk.ship(order, merchant_id=desk.shop.sku.merchant_id)
    _lapse(desk, order)

    refund = desk.refunded(order, lines={lines[other.id]: 2})

    assert (refund.amount, refund.released) == (0, 2_300)
    assert desk.money(order) == ("captured", 5_490, 0)
    assert desk.stock(other) == (10, 0)


def test_a_stuck_parcel_called_off_after_its_hold_lapsed_lets_its_units_go(desk: Desk) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})
    parcel = desk.begin_ship(order, {1: 1})
    _forget(desk)
    _lapse(desk, order)
    desk.shop.sweep()

    desk.call_parcel_off(parcel)
    desk.work()
    between = desk.state(order), desk.stock()
    desk.refunded(order, lines={1: 1})

    assert between == ("confirmed", (8, 1))
    assert desk.money(order) == ("captured", 5_490, 0)
    assert desk.state(order) == "shipped"
    assert desk.stock() == (9, 0)


def test_units_left_by_a_refund_that_closed_the_hold_and_was_refused_can_be_let_go(
    desk: Desk,
) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})
    _given_elsewhere(desk, order, 490)
    refused = desk.refunded(order)
    _hear(desk, order)

    rest = desk.refunded(order, lines={1: 2})

    assert refused.state == "failed"
    assert (rest.state, rest.amount, rest.released) == ("confirmed", 0, 10_000)
    assert desk.money(order) == ("captured", 5_490, 490)
    assert desk.state(order) == "shipped"
    assert desk.stock() == (9, 0)


def test_nothing_is_sent_while_all_its_money_is_on_its_way_back(desk: Desk) -> None:
    order = _paid(desk, 2)
    desk.refund(order, amount=10_490)

    with pytest.raises(RefundUnderWay):
        desk.begin_ship(order)
    desk.work()

    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (10, 0)


def test_what_was_to_go_back_and_did_not_is_sent_after_all(desk: Desk) -> None:
    order = _paid(desk, 2)
    _given_elsewhere(desk, order, 1)
    failed = desk.refunded(order, amount=10_490)

    desk.ship(order)

    assert failed.state == "failed"
    assert desk.state(order) == "shipped"


def test_a_parcel_that_takes_its_own_money_is_sent_though_what_was_taken_goes_back(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    desk.refund(order, amount=5_490)
    _forget(desk)

    desk.ship(order, {1: 1})

    assert desk.money(order)[1] == 10_490
    assert desk.state(order) == "shipped"


def test_the_last_of_the_money_does_not_go_back_by_lines_while_a_parcel_is_prepared(
    desk: Desk,
) -> None:
    order = _paid(desk, 2)
    desk.refunded(order, amount=5_490)
    desk.begin_ship(order, {1: 1})

    with pytest.raises(ShipmentUnderWay):
        desk.refund(order, lines={1: 1})
    desk.work()

    assert desk.state(order) == "confirmed"
    assert desk.stock() == (8, 1)


def _astray(desk: Desk) -> Bought:
    """A paid order whose only parcel was called off, and whose refund the provider refused: its
    units lie nowhere."""
    order = _paid(desk, 2)
    parcel = desk.begin_ship(order)
    _nobody_carries(desk)
    desk.work()
    _given_elsewhere(desk, order, 1)
    desk.call_parcel_off(parcel)
    desk.work()
    assert desk.stock() == (8, 0)
    return order


def test_units_of_a_parcel_called_off_come_back_with_the_cancellation(desk: Desk) -> None:
    order = _astray(desk)

    desk.cancel(order)
    desk.work()

    assert desk.money(order) == ("refunded", 10_490, 10_490)
    assert desk.state(order) == "canceled"
    assert desk.stock() == (10, 0)


def test_units_of_a_parcel_called_off_come_back_where_the_money_went_back_elsewhere(
    desk: Desk,
) -> None:
    order = _astray(desk)
    desk.wired.payments.refund(_reference(desk, order), key="the rest, elsewhere")

    _hear(desk, order)
    _hear(desk, order)

    assert desk.state(order) == "refunded"
    assert desk.stock() == (10, 0)


def test_units_a_refund_was_to_put_back_come_back_once_where_it_fails_behind_the_order(
    desk: Desk,
) -> None:
    order = _paid(desk, 2)
    parcel = desk.begin_ship(order)
    _nobody_carries(desk)
    desk.work()
    desk.call_parcel_off(parcel)
    _forget(desk)
    desk.wired.payments.refund(_reference(desk, order), key="all of it, elsewhere")
    _hear(desk, order)
    between = desk.state(order), desk.stock()

    desk.till.wait_out()

    assert between == ("refunded", (8, 0))
    with desk.wired.db.reading() as session:
        assert session.scalars(select(Refund.state)).all() == ["failed"]
    assert desk.stock() == (10, 0)


def test_units_a_refund_was_to_let_go_are_let_go_where_it_fails_behind_the_order(
    desk: Desk,
) -> None:
    order = _paid(desk, 2)
    refund_id = desk.refund(order, lines={1: 1})
    _forget(desk)
    desk.wired.payments.refund(_reference(desk, order), key="all of it, elsewhere")
    _hear(desk, order)
    between = desk.state(order), desk.stock()

    desk.till.wait_out()

    assert between == ("refunded", (9, 1))
    assert desk.row(Refund, refund_id).state == "failed"
    assert desk.stock() == (10, 0)


def test_a_hold_of_which_nothing_is_left_to_take_is_closed_with_the_last_unit_let_go(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})

    released = desk.refunded(order, lines={1: 1})
    between = desk.money(order), desk.till.intents()
    desk.refunded(order)

    assert (released.state, released.amount, released.released) == ("confirmed", 0, 5_000)
    assert between == (("captured", 5_490, 0), ["succeeded"])
    assert desk.money(order) == ("refunded", 5_490, 5_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (9, 0)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "error_before", "error_after"])
def test_a_hold_is_closed_though_the_answer_was_lost_and_nothing_goes_back(
    desk: Desk, kind: str
) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    desk.trouble(kind, "payment_intents.cancel")
    desk.trouble(kind, "payment_intents.capture")

    refund = desk.refunded(order, lines={1: 1})
    desk.till.wait_out(seconds=400)

    assert desk.row(Refund, refund.id).state == "confirmed"
    assert desk.money(order) == ("captured", 5_490, 0)
    assert desk.state(order) == "shipped"


def test_the_rest_of_a_hold_goes_with_the_last_unit_also_where_money_goes_back_with_it(
    desk: Desk,
) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 2})

    refund = desk.refunded(order, lines={1: 2}, restock=True)

    assert (refund.amount, refund.released) == (5_000, 5_000)
    assert desk.money(order) == ("captured", 10_490, 5_000)
    assert desk.stock() == (9, 0)


def test_two_refunds_at_once_leave_no_hold_behind(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    money, units = desk.refund(order, amount=5_490), desk.refund(order, lines={1: 1})

    desk.work()

    assert [desk.row(Refund, each).state for each in (money, units)] == ["confirmed"] * 2
    assert desk.money(order) == ("refunded", 5_490, 5_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (9, 0)


def test_a_hold_that_lapses_after_all_that_was_taken_went_back_closes_its_order(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    _given_elsewhere(desk, order, 5_490)
    _hear(desk, order)
    between = desk.state(order), desk.money(order)

    _lapse(desk, order)

    assert between == ("confirmed", ("authorized", 5_490, 5_490))
    assert desk.money(order) == ("refunded", 5_490, 5_490)
    assert desk.told("payment.refunded") == ["payment.refunded"] * 2
    assert desk.state(order) == "refunded"
    assert desk.stock() == (9, 0)


def test_money_that_goes_back_is_told_once(desk: Desk) -> None:
    order = desk.buy(1)
    desk.ship(order)

    desk.refunded(order)

    assert desk.money(order)[0] == "refunded"
    assert desk.told("payment.refunded") == ["payment.refunded"]


def test_a_parcel_called_off_behind_a_refunded_order_lets_its_units_go(desk: Desk) -> None:
    order = desk.buy(2)
    desk.ship(order, {1: 1})
    parcel = desk.begin_ship(order, {1: 1})
    _forget(desk)
    _given_elsewhere(desk, order, 5_490)
    _lapse(desk, order)
    desk.shop.sweep()
    between = desk.state(order), desk.stock()

    desk.call_parcel_off(parcel)
    desk.work()

    assert between == ("refunded", (8, 1))
    assert desk.stock() == (9, 0)


def test_an_order_is_not_shipped_on_a_refund_that_may_still_fail(desk: Desk) -> None:
    order = _paid(desk, 2)
    refund_id = desk.refund(order, lines={1: 1})
    _forget(desk)
    desk.ship(order, {1: 1})
    between = desk.state(order)
    _given_elsewhere(desk, order, 6_000)
    desk.till.wait_out()

    desk.ship(order)

    assert between == "confirmed"
    assert desk.row(Refund, refund_id).state == "failed"
    assert desk.state(order) == "shipped"
    assert desk.stock() == (8, 0)


def test_an_order_is_shipped_as_soon_as_the_refund_of_its_rest_is_made(desk: Desk) -> None:
    order = _paid(desk, 2)
    desk.refund(order, lines={1: 1})
    _forget(desk)
    desk.ship(order, {1: 1})
    between = desk.state(order)

    desk.till.wait_out()

    assert (between, desk.state(order)) == ("confirmed", "shipped")
    with desk.wired.db.reading() as session:
        assert session.scalars(select(Incident.kind)).all() == []


def test_units_that_came_back_unpaid_are_paid_once_and_stay_on_the_shelf_once(desk: Desk) -> None:
    order = desk.buy(3)
    desk.ship(order)
    asked = desk.ask_return(order, {1: 1})
    desk.decide(asked)
    _given_elsewhere(desk, order, 10_491)
    desk.receive(asked, {1: (1, 1)})
    _hear(desk, order)
    by_hand = desk.refunded(order, lines={1: 1})

    with pytest.raises(TooManyUnits), desk.wired.db.transaction() as session:
        returns.give_back_again(session, asked, actor="merchant")
    with pytest.raises(TooManyUnits):
        desk.ask_return(order, {1: 3})
    desk.ask_return(order, {1: 2})

    assert (by_hand.state, by_hand.amount) == ("confirmed", 4_999)
    assert desk.stock() == (8, 0)


def test_a_refund_locks_all_it_moves_at_once(desk: Desk, database_url: str) -> None:
    boot, other = desk.shop.sku, desk.rival()
    order = desk.buy(1, more={other: 2})
    desk.ship(order, merchant_id=boot.merchant_id)
    lines = desk.lines(order)
    refund_id = desk.refund(order, lines={lines[boot.id]: 1, lines[other.id]: 2}, restock=True)
    _forget(desk)
    walk = threading.Thread(target=desk.wired.queue.tasks["refund.repay"], args=[str(refund_id)])
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    take = "SELECT 1 FROM inventory WHERE sku_id = %s FOR UPDATE NOWAIT"

    with psycopg.connect(url) as checkout:
        checkout.execute(take, [boot.id])
        walk.start()
        _wait_until_one_waits(url)
        taken = checkout.execute(take, [other.id]).fetchall()
    walk.join()

    assert boot.id < other.id  # as a checkout of both locks them
    assert len(taken) == 1
    assert desk.row(Refund, refund_id).state == "confirmed"
    assert (desk.stock(), desk.stock(other)) == ((10, 0), (10, 0))


def _wait_until_one_waits(url: str) -> None:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    with psycopg.connect(url, autocommit=True) as watch:
        while not watch.execute(f"{waiting} AND wait_event_type = 'Lock'").fetchall():
            time.sleep(0.01)
