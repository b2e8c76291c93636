"""Letting go of money, even of money nobody knows to be held."""

from collections.abc import Callable

import pytest

from app.payments.errors import Silence
from app.payments.ports import Hold
from app.payments.queries import needs_void
from app.payments.service import Absent, StillUnknown
from app.payments.states import PaymentStatus
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong", "saga_unlike_journal", "state_not_journaled"
)

Trouble = Callable[..., None]


@pytest.mark.parametrize("token", ["pm_card_visa", "pm_card_authenticationRequired"])
def test_what_is_held_is_let_go_and_stays_so(desk: Desk, token: str) -> None:
    payment_id = desk.open(token)
    desk.ask(payment_id)

    desk.void(payment_id)
    again = desk.void(payment_id)

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.VOIDED
    assert not needs_void(payment)
    assert isinstance(again, Hold)
    assert desk.intents()[0]["status"] == "canceled"


def test_a_payment_nobody_was_asked_for_is_given_up_without_a_call(desk: Desk) -> None:
    payment_id = desk.open()

    answer = desk.void(payment_id)

    assert isinstance(answer, Absent)
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED
    assert desk.emulator.requests() == []


def test_a_hold_whose_answer_was_lost_is_found_and_let_go_without_asking_again(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.open()
    trouble("cut_after")
    desk.ask(payment_id)

    desk.void(payment_id)

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.VOIDED
    assert payment.psp_ref == desk.intents()[0]["id"]
    assert desk.intents()[0]["status"] == "canceled"
    assert desk.calls("payment_intents.create") == 1


def test_that_nothing_is_there_counts_two_minutes_after_the_last_call(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.open()
    trouble("cut_before")
    desk.ask(payment_id)

    early = desk.void(payment_id)
    desk.advance(121)
    late = desk.void(payment_id)

    assert isinstance(early, StillUnknown)
    assert early.silence == Silence.NOT_FOUND_YET
    assert isinstance(late, Absent)
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED
    assert desk.calls("payment_intents.create") == 1


def test_money_taken_meanwhile_is_given_back_in_full(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    reference = desk.payment(payment_id).psp_ref
    desk.provider._intents.capture(reference)

    desk.void(payment_id)

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.REFUNDED
    assert (payment.captured, payment.refunded) == (4_200, 4_200)
    assert desk.facts() == ["payment.authorized", "payment.captured", "payment.refunded"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "error_before", "rate_limit"])
def test_a_void_without_an_answer_is_repeated_until_it_is_known(
    desk: Desk, trouble: Trouble, kind: str
) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    trouble(kind, "cancel")

    first = desk.void(payment_id)
    between = desk.payment(payment_id).status
    desk.void(payment_id)

    assert isinstance(first, StillUnknown)
    assert not first.key_spent
    assert between == PaymentStatus.AUTHORIZED
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED


def test_a_void_that_worked_and_said_it_failed_is_seen(desk: Desk, trouble: Trouble) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    trouble("error_after", "cancel")

    desk.void(payment_id)
    second = desk.void(payment_id)

    assert isinstance(second, Hold)
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED


def test_a_key_that_can_only_fail_says_so(desk: Desk) -> None:
    payment_id, other = desk.open(), desk.open()
    desk.ask(payment_id)
    desk.ask(other)
    checkout_id = desk.payment(payment_id).checkout_id
    other_reference = desk.payment(other).psp_ref
    assert other_reference is not None
    desk.provider.void(other_reference, key=f"{checkout_id}:void:1")

    first = desk.void(payment_id, attempt=1)
    second = desk.void(payment_id, attempt=2)

    assert isinstance(first, StillUnknown)
    assert first.key_spent
    assert isinstance(second, Hold)
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED


@pytest.mark.parametrize("kind", [None, "cut_before", "cut_after", "error_before", "rate_limit"])
@pytest.mark.parametrize("operation", ["payment_intents.capture", "refunds.create"])
def test_of_a_hold_taken_in_part_the_rest_is_let_go_and_the_part_given_back(
    desk: Desk, operation: str, kind: str | None
) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    part = {"amount_to_capture": 1_000, "final_capture": False}
    desk.provider._intents.capture(desk.payment(payment_id).psp_ref, part)
    if kind is not None:
        desk.emulator.fault(kind=kind, operation=operation)

    answers = [desk.void(payment_id) for _ in range(1 if kind is None else 2)]

    payment = desk.payment(payment_id)
    (intent,) = desk.intents()
    assert isinstance(answers[-1], Hold)
    assert isinstance(answers[0], Hold) == (kind is None)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1_000)
    assert payment.status == PaymentStatus.REFUNDED
    assert (payment.captured, payment.refunded) == (1_000, 1_000)
    assert not needs_void(payment)
