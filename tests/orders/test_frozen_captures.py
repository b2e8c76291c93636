"""What was asked under a key is asked again to the letter, whatever has become of the order."""

from uuid import UUID

import pytest

from app.orders.errors import CaptureUnderWay
from app.orders.service import parcels
from app.orders.steps import capture
from app.payments.service import Capturing
from app.saga.table import Batch
from app.shipping.models import Shipment
from tests.orders.conftest import Desk


def test_what_is_asked_of_the_provider_for_a_parcel_stays_the_same_under_its_key(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    parcel = desk.begin_ship(order, {1: 1})
    asked = [_capturing(desk, parcel)]
    _overdue(desk)
    desk.ship(order, {1: 1})

    asked += [_capturing(desk, parcel), _capturing(desk, parcel, key_attempt=2)]
    with desk.wired.db.transaction(desk.wired.queue) as session:
        parcels.retry(session, parcel, merchant_id=None, service=None, actor="ops")
    desk.work()

    assert [each.final for each in asked] == [False, False, True]
    assert [each.amount for each in asked] == [5_490] * 3
    assert asked[0].key == asked[1].key != asked[2].key
    assert desk.state(order) == "shipped"
    assert desk.money(order) == ("captured", 10_490, 0)


def test_the_last_unit_is_not_let_go_while_a_capture_leaves_the_hold_open_for_it(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    parcel = desk.begin_ship(order, {1: 1})
    _capturing(desk, parcel)

    with pytest.raises(CaptureUnderWay):
        desk.refund(order, lines={1: 1})
    desk.work()
    desk.refunded(order, lines={1: 1})

    assert desk.state(order) == "shipped"
    assert desk.money(order) == ("captured", 5_490, 0)


def test_a_capture_that_was_refused_leaves_nothing_open(desk: Desk) -> None:
    order = desk.buy(2)
    parcel = desk.begin_ship(order, {1: 1})
    desk.trouble("capture_expired", "payment_intents.capture")
    desk.work()
    stuck = desk.row(Shipment, parcel)

    refund = desk.refunded(order, lines={1: 1})
    with desk.wired.db.transaction(desk.wired.queue) as session:
        parcels.retry(session, parcel, merchant_id=None, service=None, actor="ops")
    desk.work()

    assert (stuck.state, stuck.capture_request) == ("needs_attention", None)
    assert refund.released == 5_000
    assert desk.state(order) == "shipped"
    assert desk.money(order) == ("captured", 5_490, 0)


def _overdue(desk: Desk) -> None:
    """Nobody answers for hours: a person must look."""
    desk.trouble("cut_before", "payment_intents.capture", times=1_000)
    desk.work()
    desk.till.pass_time(6 * 3600 + 60)
    desk.shop.sweep()
    desk.till.psp.emulator.faults.clear()


def _capturing(desk: Desk, parcel: UUID, *, key_attempt: int = 1) -> Capturing:
    """What a worker would ask for now."""
    with desk.wired.db.transaction() as session:
        row = session.get_one(Shipment, parcel)
        row.key_attempt = key_attempt
        wanted = capture.write_parcels(Batch(session, [row], None))[parcel]
    assert isinstance(wanted, Capturing)
    return wanted
