"""Giving money back: once, never more than was taken, and never a guess about the outcome."""

from collections.abc import Callable

import pytest

from app.payments.errors import Silence
from app.payments.service import ProviderNo, Repayment, StillUnknown, needs_new_key
from app.payments.states import PaymentStatus
from app.platform import metrics
from app.saga.states import SagaState
from app.saga.table import Done, Later, Refused
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong",
    "refund_not_announced",
    "saga_overdue",
    "saga_unlike_journal",
    "state_not_journaled",
)

Trouble = Callable[..., None]
HOUR = 3_600
CREATE = "refunds.create"
UNANSWERED = ["cut_before", "cut_after", "error_before", "rate_limit"]


def _counted(outcome: str) -> float:
    return metrics.REFUNDS.labels(outcome=outcome)._value.get()


def test_a_part_is_given_back_and_announced(desk: Desk) -> None:
    payment_id, counted = desk.taken(), _counted("repaid")
    refund_id = desk.promise(payment_id, 1_000)

    (answer, outcome) = desk.repay(refund_id)

    payment, refund = desk.payment(payment_id), desk.refund(refund_id)
    assert isinstance(answer, Repayment)
    assert isinstance(outcome, Done)
    assert (payment.status, payment.captured, payment.refunded) == ("captured", 4_200, 1_000)
    assert refund.psp_ref == answer.repaid.reference
    assert refund.unknown is None
    assert desk.facts()[-1] == "payment.refunded"
    assert _counted("repaid") == counted + 1


def test_the_last_part_makes_the_payment_refunded(desk: Desk) -> None:
    payment_id = desk.taken()

    for amount in (1_000, 3_200):
        desk.repay(desk.promise(payment_id, amount))

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.REFUNDED
    assert (payment.captured, payment.refunded) == (4_200, 4_200)


def test_a_refund_between_two_captures_leaves_the_rest_held(desk: Desk) -> None:
    payment_id = desk.held()
    desk.take(payment_id, 1_000)

    desk.repay(desk.promise(payment_id, 1_000))

    payment = desk.payment(payment_id)
    assert (payment.status, payment.captured, payment.refunded) == ("authorized", 1_000, 1_000)


@pytest.mark.parametrize("kind", [None, *UNANSWERED, "error_after"])
@pytest.mark.parametrize("operation", ["payment_intents.capture", CREATE])
def test_a_last_refund_lets_go_what_is_still_held_and_is_found_by_its_id(
    desk: Desk, operation: str, kind: str | None
) -> None:
    payment_id = desk.held()
    desk.take(payment_id, 1_000)
    refund_id = desk.promise(payment_id, 1_000, released=3_200)
    if kind is not None:
        desk.emulator.fault(kind=kind, operation=operation)

    outcomes, attempt = [], 1
    for seconds in (0, 0, 130, 0):
        desk.advance(seconds)
        (answer, outcome) = desk.repay(refund_id, attempt=attempt, closes=True)
        attempt += needs_new_key(answer)
        outcomes.append(outcome)

    payment, (intent,) = desk.payment(payment_id), desk.intents()
    assert isinstance(outcomes[0], Done) == (kind is None)
    assert isinstance(outcomes[-1], Done)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1_000)
    assert (payment.status, payment.captured, payment.refunded) == ("refunded", 1_000, 1_000)
    assert [one.refund_id for one in desk.provider.repayments(intent["id"])] == [refund_id]


def test_what_is_promised_counts_from_the_moment_its_row_is_there(desk: Desk) -> None:
    payment_id = desk.taken()
    first = desk.refundable(payment_id)

    promised = desk.promise(payment_id, 1_000)
    waiting = desk.refundable(payment_id)
    desk.repay(promised)

    assert (first, waiting, desk.refundable(payment_id)) == (4_200, 3_200, 3_200)


def test_nothing_is_refundable_before_it_was_taken(desk: Desk) -> None:
    payment_id = desk.held()
    before = desk.refundable(payment_id)

    desk.take(payment_id, 1_000)

    assert (before, desk.refundable(payment_id)) == (0, 1_000)


@pytest.mark.parametrize("state", [SagaState.FAILED, SagaState.EXPIRED, SagaState.CANCELED])
def test_a_refund_that_is_over_without_money_promises_nothing(desk: Desk, state: SagaState) -> None:
    payment_id = desk.taken()

    desk.promise(payment_id, 1_000, state=state)
    desk.promise(payment_id, 200, state=SagaState.NEEDS_ATTENTION)

    assert desk.refundable(payment_id) == 4_000


def test_what_somebody_gave_back_elsewhere_is_not_refundable(desk: Desk) -> None:
    payment_id = desk.taken()
    reference = str(desk.payment(payment_id).psp_ref)
    desk.provider._refunds.create({"payment_intent": reference, "amount": 4_000})

    desk.apply(desk.tell(reference, "charge.refunded"))

    assert desk.refundable(payment_id) == 200


@pytest.mark.parametrize("kind", UNANSWERED)
def test_a_refund_without_an_answer_is_asked_again_and_given_once(
    desk: Desk, trouble: Trouble, kind: str
) -> None:
    payment_id = desk.taken()
    refund_id = desk.promise(payment_id, 1_000)
    trouble(kind, CREATE)

    (answer, first) = desk.repay(refund_id)
    unknown = desk.refund(refund_id).unknown
    (_, second) = desk.repay(refund_id)

    assert isinstance(answer, StillUnknown)
    assert isinstance(first, Later)
    assert unknown is not None
    assert unknown["reason"] == answer.silence
    assert isinstance(second, Done)
    assert desk.hold(payment_id).refunded == desk.payment(payment_id).refunded == 1_000
    assert desk.calls(CREATE) == (1 if kind == "cut_after" else 2)


def test_a_refund_given_back_whose_look_was_lost_is_found_and_not_repeated(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.taken()
    refund_id = desk.promise(payment_id, 1_000)
    trouble("cut_before", "retrieve")

    (_, first) = desk.repay(refund_id)
    (_, second) = desk.repay(refund_id)

    assert isinstance(first, Later)
    assert isinstance(second, Done)
    assert desk.calls(CREATE) == 1
    assert desk.payment(payment_id).refunded == 1_000


def test_a_refund_that_worked_and_said_it_failed_is_found_by_its_id(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.taken()
    refund_id = desk.promise(payment_id, 1_000)
    trouble("error_after", CREATE)

    (_, first) = desk.repay(refund_id)
    (_, second) = desk.repay(refund_id)

    assert isinstance(first, Later)
    assert isinstance(second, Done)
    assert desk.calls(CREATE) == 1


def test_a_spoiled_key_is_never_sent_again_and_absence_counts_after_two_minutes(
    desk: Desk,
) -> None:
    payment_id, other = desk.taken(), desk.taken()
    refund_id = desk.promise(payment_id, 1_000)
    key = {"idempotency_key": f"{refund_id}:repay:1"}
    desk.provider._refunds.create({"payment_intent": desk.payment(other).psp_ref}, key)

    (first, _) = desk.repay(refund_id)
    (early, _) = desk.repay(refund_id)
    desk.advance(121)
    (late, _) = desk.repay(refund_id)
    (_, outcome) = desk.repay(refund_id, attempt=2)

    assert isinstance(first, StillUnknown)
    assert first.silence == Silence.KEY_MISMATCH
    assert [needs_new_key(answer) for answer in (first, early, late)] == [False, False, True]
    assert isinstance(outcome, Done)
    assert desk.calls(CREATE) == 3  # the spoiling one, the refused one, the one with the new key
    assert desk.hold(payment_id).refunded == 1_000
    assert desk.refund(refund_id).idempotency_key == f"{refund_id}:repay:2"


@pytest.mark.parametrize("kind", ["cut_after", "cut_before"])
def test_a_key_older_than_23_hours_is_only_looked_for(
    desk: Desk, trouble: Trouble, kind: str
) -> None:
    payment_id = desk.taken()
    refund_id = desk.promise(payment_id, 1_000)
    trouble(kind, CREATE)
    desk.repay(refund_id)

    desk.advance(23 * HOUR + 60)
    (answer, outcome) = desk.repay(refund_id)

    assert desk.calls(CREATE) == 1
    assert isinstance(outcome, Done if kind == "cut_after" else Later)
    assert needs_new_key(answer) is (kind == "cut_before")


def test_after_a_crash_during_the_call_absence_does_not_count_early(desk: Desk) -> None:
    payment_id = desk.taken()
    refund_id = desk.promise(payment_id, 1_000)
    desk.advance(1)
    desk.claim_repay(refund_id)  # and then the process dies, the call may be on its way
    desk.advance(23 * HOUR - 60)
    desk.claim_repay(refund_id)  # and again, a minute before the key is too old

    desk.advance(130)
    (early, _) = desk.repay(refund_id)
    desk.advance(20)
    (late, _) = desk.repay(refund_id)

    assert [needs_new_key(answer) for answer in (early, late)] == [False, True]
    assert desk.calls(CREATE) == 0


def test_a_refund_above_what_is_there_is_a_definitive_no(desk: Desk) -> None:
    payment_id, counted = desk.taken(), _counted("refused")
    refund_id = desk.promise(payment_id, 4_201)

    (answer, outcome) = desk.repay(refund_id)

    assert isinstance(answer, ProviderNo)
    assert isinstance(outcome, Refused)
    assert desk.payment(payment_id).refunded == 0
    assert desk.refund(refund_id).psp_ref is None
    assert desk.refundable(payment_id) == 4_200
    assert _counted("refused") == counted + 1


def test_a_refund_on_its_way_is_given_back(desk: Desk) -> None:
    payment_id = desk.taken("pm_card_pendingRefund")

    (_, outcome) = desk.repay(desk.promise(payment_id, 1_000))

    assert outcome == Done({"reference": _only(desk), "status": "pending"})
    assert desk.payment(payment_id).refunded == 1_000


def test_a_refund_that_failed_before_anyone_heard_of_it_is_a_no(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.taken("pm_card_refundFail")
    refund_id = desk.promise(payment_id, 1_000)
    trouble("cut_after", CREATE)
    desk.repay(refund_id)
    desk.advance(2 * HOUR)

    (_, outcome) = desk.repay(refund_id)

    assert outcome == Refused("refund_failed", "expired_or_canceled_card")
    assert desk.payment(payment_id).refunded == 0


@pytest.mark.parametrize("amount", [0])
def test_for_nothing_nobody_is_asked(desk: Desk, amount: int) -> None:
    payment_id = desk.taken()
    refund_id = desk.promise(payment_id, amount)

    with pytest.raises(ValueError, match="nothing to give back"):
        desk.repay(refund_id)

    assert desk.calls(CREATE) == 0


def _only(desk: Desk) -> str:
    (listed,) = desk.provider.repayments(desk.intents()[0]["id"])
    return listed.reference
