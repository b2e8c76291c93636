"""Money given back that a bank did not take: the shop has it again, and a person is told."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.payments.ports import Hold, PaymentProvider
from app.payments.queries import lock_payment
from app.payments.service import apply_event, apply_hold
from app.payments.states import PaymentStatus
from app.platform.ids import new_id
from app.saga.states import SagaState
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong",
    "order_unlike_checkout",
    "refund_not_announced",
    "saga_overdue",
    "saga_unlike_journal",
    "state_not_journaled",
)

LATER = 2 * 3_600
CLOSED_CARD = "pm_card_refundFail"


def _told(desk: Desk, payment_id: UUID, kind: str = "refund.failed") -> str:
    event_id = desk.tell(str(desk.payment(payment_id).psp_ref), kind)
    desk.apply(event_id)
    return str(desk.event(event_id).outcome)


@pytest.mark.parametrize("kind", ["refund.failed", "charge.refund.updated", "refund.updated"])
def test_a_refund_that_came_back_is_known_as_failed_and_told_to_operations(
    desk: Desk, kind: str
) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    refund_id = desk.promise(payment_id, 1_000)
    desk.repay(refund_id)
    desk.advance(LATER)

    outcome = _told(desk, payment_id, kind)

    refund, (incident,) = desk.refund(refund_id), desk.incidents()
    assert outcome == "applied"
    assert refund.came_back_at is not None
    assert refund.state == SagaState.CONFIRMED  # its units stay as they are
    assert refund.failure == {"code": "refund_failed", "detail": "expired_or_canceled_card"}
    assert desk.payment(payment_id).refunded == desk.hold(payment_id).refunded == 0
    assert (incident.kind, incident.subject) == ("refund_failed", str(refund_id))
    assert incident.detail is not None
    assert (incident.detail["saga"], incident.detail["amount"]) == ("refund", 1_000)


def test_a_payment_given_back_in_full_is_captured_again_and_no_money_moves(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    desk.repay(desk.promise(payment_id, 4_200))
    refunded = desk.payment(payment_id).status
    desk.advance(LATER)

    _told(desk, payment_id)

    payment = desk.payment(payment_id)
    assert refunded == PaymentStatus.REFUNDED
    assert (payment.status, payment.captured, payment.refunded) == ("captured", 4_200, 0)
    assert desk.calls("refunds.create") == 1


def test_what_came_back_may_be_promised_once_more(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    desk.repay(desk.promise(payment_id, 4_200))
    desk.advance(LATER)
    before = desk.refundable(payment_id)

    _told(desk, payment_id)
    after = desk.refundable(payment_id)
    again = desk.promise(payment_id, 4_200)
    desk.repay(again)

    assert (before, after) == (0, 4_200)
    assert desk.payment(payment_id).status == PaymentStatus.REFUNDED
    assert desk.refund(again).psp_ref is not None


def test_hearing_of_it_twice_takes_it_off_once(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    desk.repay(desk.promise(payment_id, 1_000))
    desk.advance(LATER)

    outcomes = [_told(desk, payment_id) for _ in range(2)]

    assert outcomes == ["applied", "nothing_new"]
    assert desk.payment(payment_id).refunded == 0
    assert len(desk.incidents()) == 1


def test_of_two_refunds_only_the_one_that_came_back_fails(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    first, second = desk.promise(payment_id, 1_000), desk.promise(payment_id, 700)
    desk.repay(first)
    desk.repay(second)
    desk.emulator.answer_refund(str(desk.refund(first).psp_ref), succeeded=False)

    _told(desk, payment_id)

    assert desk.refund(first).came_back_at is not None
    assert desk.refund(second).came_back_at is None
    assert desk.payment(payment_id).refunded == 700


def test_an_older_look_does_not_take_off_what_was_given_back_since(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    desk.repay(desk.promise(payment_id, 1_000))
    desk.advance(LATER)
    _told(desk, payment_id)
    before = desk.hold(payment_id)
    desk.repay(desk.promise(payment_id, 600))

    with desk.db.transaction() as session:
        changed = apply_hold(session, lock_payment(session, payment_id), before)

    assert not changed
    assert desk.payment(payment_id).refunded == 600


def test_a_refund_that_failed_before_its_answer_was_written_down_is_waited_for(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    refund_id = desk.promise(payment_id, 1_000)
    reference = str(desk.payment(payment_id).psp_ref)
    repaid = desk.provider.repay(reference, 1_000, refund_id=refund_id, key="k")
    desk.repay(desk.promise(payment_id, 500))
    desk.emulator.answer_refund(repaid.reference, succeeded=False)
    event_id = desk.tell(reference, "refund.failed")

    applied = desk.apply(event_id)

    assert not applied
    assert desk.event(event_id).applied_at is None
    assert desk.refund(refund_id).came_back_at is None


def test_while_its_refunds_cannot_be_listed_the_event_waits(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    desk.repay(desk.promise(payment_id, 1_000))
    desk.advance(LATER)
    desk.emulator.fault(kind="cut_before", operation="refunds.list")
    event_id = desk.tell(str(desk.payment(payment_id).psp_ref), "refund.failed")

    first = desk.apply(event_id)
    desk.advance(5)
    swept = desk.sweep()

    assert (first, swept) == (False, 1)
    assert desk.payment(payment_id).refunded == 0


def test_a_refund_made_elsewhere_that_came_back_is_told_with_its_payment(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    reference = str(desk.payment(payment_id).psp_ref)
    desk.provider.refund(reference, key="at the dashboard")
    desk.apply(desk.tell(reference, "charge.refunded"))
    desk.advance(LATER)

    _told(desk, payment_id)

    (incident,) = desk.incidents()
    assert (desk.payment(payment_id).status, desk.payment(payment_id).refunded) == ("captured", 0)
    assert (incident.kind, incident.subject) == ("refund_failed", str(payment_id))


def test_an_event_of_a_payment_nothing_was_given_back_of_lists_no_refunds(desk: Desk) -> None:
    payment_id = desk.taken()

    _told(desk, payment_id, "payment_intent.succeeded")

    assert desk.calls("refunds.list") == 0


def test_a_confirmed_purchase_is_not_woken_by_what_happens_to_its_money_later(desk: Desk) -> None:
    payment_id = desk.held()
    desk.set_checkout(payment_id, state=SagaState.CONFIRMED)
    reference = str(desk.payment(payment_id).psp_ref)
    desk.provider.capture(reference, 1_000, capture_id=new_id(), final=False, key="k")
    desk.queue.sent.clear()

    outcome = _told(desk, payment_id, "payment_intent.amount_capturable_updated")

    assert outcome == "applied"
    assert desk.payment(payment_id).captured == 1_000
    assert desk.checkout(payment_id).state == SagaState.CONFIRMED
    assert [nudge.tasks for nudge in desk.queue.sent] == [("payments.apply_event",)]


class _Slow:
    """A provider whose answer to one look arrives after something else has happened."""

    def __init__(self, inner: PaymentProvider, meanwhile: Callable[[], object]) -> None:
        self._inner, self._meanwhile = inner, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def retrieve(self, reference: str) -> Hold:
        """The hold as it was when asked."""
        hold = self._inner.retrieve(reference)
        while self._meanwhile:
            self._meanwhile.pop()()
        return hold


def test_a_look_from_before_the_money_came_back_is_not_believed(desk: Desk) -> None:
    payment_id = desk.taken(CLOSED_CARD)
    desk.repay(desk.promise(payment_id, 1_000))
    looking = desk.tell(str(desk.payment(payment_id).psp_ref), "charge.refunded")

    def bounce() -> None:
        desk.advance(LATER)
        _told(desk, payment_id)

    slow: Any = _Slow(desk.provider, bounce)
    believed = apply_event(desk.db, desk.queue, slow, looking)
    after = desk.payment(payment_id).refunded

    assert not believed
    assert after == desk.hold(payment_id).refunded == 0
