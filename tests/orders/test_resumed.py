"""Who lets a stuck refund or capture go on moves no money a second time."""

from app.operations import attention
from app.payments.models import Refund
from app.platform.ids import encode
from tests.orders.conftest import Desk

SIX_HOURS = 6 * 3600 + 60


def test_a_refund_made_without_our_hearing_of_it_is_made_once_whoever_resumes_it(
    desk: Desk,
) -> None:
    order = desk.buy(2)
    desk.ship(order)
    desk.trouble("cut_after", "refunds.create")
    desk.trouble("error_before", "refunds.list", times=1_000)
    refund = desk.refunded(order, lines={1: 1})
    desk.till.pass_time(SIX_HOURS)
    desk.shop.sweep()
    stuck = desk.row(Refund, refund.id).state

    desk.till.psp.emulator.faults.clear()
    with desk.wired.db.transaction(desk.wired.queue) as session:
        attention.resume(session, encode("ref", refund.id), actor="ops")
    desk.work()

    assert stuck == "needs_attention"
    assert desk.row(Refund, refund.id).state == "confirmed"
    assert desk.repayments() == [5_000]
    assert desk.money(order) == ("captured", 10_490, 5_000)
