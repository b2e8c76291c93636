"""Taking held money: each part once, whatever is lost on the way."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from app.payments import service
from app.payments.errors import Silence
from app.payments.ports import Hold
from app.payments.queries import lock_payment, shop_now
from app.payments.service import ProviderNo, StillUnknown, needs_new_key
from app.payments.states import PaymentStatus
from app.platform import metrics
from app.platform.ids import new_id
from app.saga.table import Done, Later, Stuck
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong",
    "refund_not_announced",
    "saga_overdue",
    "saga_unlike_journal",
    "state_not_journaled",
)

Trouble = Callable[..., None]
DAY = 86_400
WEEK = 7 * DAY
CAPTURE, RETRIEVE = "payment_intents.capture", "payment_intents.retrieve"


def _counted(outcome: str) -> float:
    return metrics.PAYMENT_CAPTURES.labels(outcome=outcome)._value.get()


def test_an_authorized_payment_knows_how_and_until_when_it_is_taken(desk: Desk) -> None:
    payment_id = desk.held()

    payment = desk.payment(payment_id)

    assert payment.multicapture
    assert payment.capture_before is not None
    expected = desk.moment[0] + WEEK
    assert abs(payment.capture_before.timestamp() - expected) < 60


def test_a_payment_shown_to_the_bank_first_knows_it_afterwards(desk: Desk) -> None:
    payment_id = desk.held("pm_card_authenticationRequired")
    before = desk.payment(payment_id)
    desk.emulator.answer_authentication(str(before.psp_ref), approved=True)

    desk.ask(payment_id)

    payment = desk.payment(payment_id)
    assert (before.multicapture, before.capture_before) == (False, None)
    assert payment.multicapture
    assert payment.capture_before is not None


def test_money_is_taken_in_parts_and_announced_each_time(desk: Desk) -> None:
    payment_id, counted = desk.held(), _counted("captured")

    (_, first) = desk.take(payment_id, 1_000)
    between = desk.payment(payment_id)
    (_, last) = desk.take(payment_id, 2_200, final=True)

    payment = desk.payment(payment_id)
    assert isinstance(first, Done)
    assert isinstance(last, Done)
    assert (between.status, between.captured) == (PaymentStatus.AUTHORIZED, 1_000)
    assert (payment.status, payment.captured, payment.refunded) == ("captured", 3_200, 0)
    assert payment.multicapture
    assert desk.facts() == ["payment.authorized", "payment.captured", "payment.captured"]
    assert _counted("captured") == counted + 2


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "error_before", "rate_limit"])
def test_a_capture_without_an_answer_is_repeated_with_its_key(
    desk: Desk, trouble: Trouble, kind: str
) -> None:
    payment_id, capture_id = desk.held(), new_id()
    trouble(kind, "capture")

    (answer, first) = desk.take(payment_id, 1_000, capture_id=capture_id)
    (_, second) = desk.take(payment_id, 1_000, capture_id=capture_id)

    assert isinstance(answer, StillUnknown)
    assert isinstance(first, Later)
    assert isinstance(second, Done)
    assert not needs_new_key(answer)
    assert desk.payment(payment_id).captured == desk.hold(payment_id).captured == 1_000
    assert desk.calls(CAPTURE) == 2


def test_a_capture_that_worked_and_said_it_failed_is_seen(desk: Desk, trouble: Trouble) -> None:
    payment_id, capture_id = desk.held(), new_id()
    trouble("error_after", "capture")

    desk.take(payment_id, 1_000, capture_id=capture_id)
    (answer, outcome) = desk.take(payment_id, 1_000, capture_id=capture_id)

    assert isinstance(answer, Hold)
    assert isinstance(outcome, Done)
    assert desk.payment(payment_id).captured == desk.hold(payment_id).captured == 1_000


def test_a_key_that_did_nothing_and_only_fails_makes_place_for_the_next(desk: Desk) -> None:
    payment_id, other, capture_id = desk.held(), desk.held(), new_id()
    desk.take(other, 500, capture_id=capture_id)  # the key is spoiled: used for something else

    (answer, first) = desk.take(payment_id, 1_000, capture_id=capture_id)
    (_, second) = desk.take(payment_id, 1_000, capture_id=capture_id, attempt=2)

    assert isinstance(answer, StillUnknown)
    assert (answer.silence, needs_new_key(answer)) == (Silence.KEY_MISMATCH, True)
    assert isinstance(first, Later)
    assert isinstance(second, Done)
    assert desk.payment(payment_id).captured == 1_000


def test_a_key_is_not_given_up_while_nobody_can_look(desk: Desk, trouble: Trouble) -> None:
    payment_id, capture_id = desk.held(), new_id()
    trouble("error_after", "capture")
    desk.take(payment_id, 1_000, capture_id=capture_id)
    trouble("cut_before", "retrieve")

    (answer, outcome) = desk.take(payment_id, 1_000, capture_id=capture_id)

    assert isinstance(answer, StillUnknown)
    assert not needs_new_key(answer)
    assert isinstance(outcome, Later)


@pytest.mark.parametrize("kind", ["cut_after", "cut_before"])
def test_after_23_hours_the_hold_is_looked_at_before_anything_is_sent(
    desk: Desk, trouble: Trouble, kind: str
) -> None:
    payment_id, capture_id = desk.held(), new_id()
    began = _now(desk)
    trouble(kind, "capture")
    desk.take(payment_id, 1_000, capture_id=capture_id)

    desk.advance(DAY + 60)  # the provider has forgotten the key
    (_, outcome) = desk.take(payment_id, 1_000, capture_id=capture_id, since=began)

    assert isinstance(outcome, Done)
    assert desk.hold(payment_id).captured == desk.payment(payment_id).captured == 1_000
    assert desk.calls(CAPTURE) == (1 if kind == "cut_after" else 2)


def test_parcels_side_by_side_do_not_take_each_other_for_themselves(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id, lost = desk.held(), new_id()
    began = _now(desk)
    trouble("cut_before", "capture")
    desk.take(payment_id, 1_000, capture_id=lost)
    desk.take(payment_id, 1_000)  # another parcel of the same amount

    desk.advance(DAY)
    desk.take(payment_id, 1_000, capture_id=lost, since=began)

    assert desk.hold(payment_id).captured == desk.payment(payment_id).captured == 2_000


def test_a_capture_whose_answer_was_told_by_an_event_is_not_taken_again(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id, capture_id = desk.held(), new_id()
    trouble("cut_after", "capture")
    desk.take(payment_id, 1_000, capture_id=capture_id)
    reference = str(desk.payment(payment_id).psp_ref)
    desk.apply(desk.tell(reference, "payment_intent.amount_capturable_updated"))
    told = desk.payment(payment_id).captured

    (_, outcome) = desk.take(payment_id, 1_000, capture_id=capture_id)

    assert told == 1_000
    assert isinstance(outcome, Done)
    assert desk.hold(payment_id).captured == desk.payment(payment_id).captured == 1_000
    assert desk.facts().count("payment.captured") == 1


def test_an_expired_authorization_is_a_definitive_no_and_voids_the_payment(desk: Desk) -> None:
    payment_id, counted = desk.held(), _counted("refused")
    desk.advance(WEEK)

    (answer, outcome) = desk.take(payment_id, 4_200, final=True)

    assert isinstance(answer, ProviderNo)
    assert isinstance(outcome, Stuck)
    assert outcome.reason == "authorization_expired"
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED
    assert desk.facts() == ["payment.authorized", "payment.voided"]
    assert _counted("refused") == counted + 1


def test_what_lapsed_after_a_first_part_is_a_no_and_the_part_stays_taken(desk: Desk) -> None:
    payment_id = desk.held()
    desk.take(payment_id, 1_000)
    desk.advance(WEEK)

    (_, outcome) = desk.take(payment_id, 2_000)

    assert isinstance(outcome, Stuck)
    assert outcome.reason == "authorization_expired"
    payment = desk.payment(payment_id)
    assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, 1_000)


def test_a_part_where_parts_cannot_be_taken_is_a_definitive_no(
    desk: Desk, trouble: Trouble
) -> None:
    trouble("multicapture_off")
    payment_id = desk.held()

    (_, outcome) = desk.take(payment_id, 1_000)

    assert isinstance(outcome, Stuck)
    assert outcome.reason == "multicapture_unavailable"
    assert not desk.payment(payment_id).multicapture
    assert desk.payment(payment_id).captured == 0


def test_where_it_is_taken_once_a_part_of_the_order_is_enough(desk: Desk, trouble: Trouble) -> None:
    trouble("multicapture_off")
    payment_id = desk.held()

    (_, outcome) = desk.take(payment_id, 3_000, final=True)

    payment = desk.payment(payment_id)
    assert isinstance(outcome, Done)
    assert (payment.status, payment.captured, payment.refunded) == ("captured", 3_000, 0)


def test_what_somebody_took_in_full_elsewhere_is_taken(desk: Desk) -> None:
    payment_id = desk.held()
    desk.provider._intents.capture(desk.payment(payment_id).psp_ref)

    (_, outcome) = desk.take(payment_id, 1_000)

    assert isinstance(outcome, Done)
    assert desk.payment(payment_id).captured == 4_200


def test_a_capture_after_a_refund_is_written_down(desk: Desk) -> None:
    payment_id = desk.held()
    desk.take(payment_id, 1_000)
    desk.repay(desk.promise(payment_id, 400))

    desk.take(payment_id, 2_000)

    payment = desk.payment(payment_id)
    assert (payment.status, payment.captured, payment.refunded) == ("authorized", 3_000, 400)


def test_an_answer_older_than_what_is_known_takes_nothing_back(desk: Desk) -> None:
    payment_id = desk.held()
    (early, _) = desk.take(payment_id, 1_000)
    desk.take(payment_id, 2_000)

    with desk.db.transaction() as session:
        outcome = service.record_capture(session, lock_payment(session, payment_id), early)

    assert isinstance(outcome, Done)
    assert desk.payment(payment_id).captured == 3_000


@pytest.mark.parametrize("amount", [0, -1])
def test_for_nothing_nobody_is_asked(desk: Desk, amount: int) -> None:
    payment_id = desk.held()

    with pytest.raises(ValueError, match="nobody is asked"):
        desk.take(payment_id, amount)

    assert desk.calls(CAPTURE) == 0


def test_a_payment_that_holds_nothing_cannot_be_taken(desk: Desk) -> None:
    payment_id = desk.open()

    with pytest.raises(ValueError, match="holds nothing"):
        desk.take(payment_id, 1_000)


def _now(desk: Desk) -> datetime:
    with desk.db.reading() as session:
        return shop_now(session) - timedelta(seconds=1)
