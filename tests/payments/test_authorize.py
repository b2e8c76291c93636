"""The outcome of a hold: known, unknown, and never guessed."""

from collections.abc import Callable

import pytest

from app.payments.errors import Silence
from app.payments.ports import Hold
from app.payments.queries import lock_payment, needs_void
from app.payments.service import Absent, StillUnknown
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.platform.seams import CallInsideTransaction
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong", "saga_overdue", "saga_unlike_journal", "state_not_journaled"
)

Trouble = Callable[..., None]
HOUR = 3_600


def test_a_held_payment_is_authorized_and_announced(desk: Desk) -> None:
    payment_id = desk.open()

    desk.ask(payment_id)

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.AUTHORIZED
    assert payment.psp_ref == desk.intents()[0]["id"]
    assert (payment.captured, payment.refunded, payment.unknown) == (0, 0, None)
    assert desk.facts() == ["payment.authorized"]


def test_the_stored_request_carries_the_ids_it_is_found_by(desk: Desk) -> None:
    payment_id = desk.open()

    payment = desk.payment(payment_id)

    assert payment.request["metadata"]["payment_id"] == str(payment_id)
    assert payment.request["metadata"]["checkout_id"] == str(payment.checkout_id)
    assert payment.request["amount"] == payment.amount


def test_a_declined_payment_fails_for_good_and_its_intent_is_canceled(desk: Desk) -> None:
    payment_id = desk.open("pm_card_chargeDeclinedInsufficientFunds")

    desk.ask(payment_id)
    failed = desk.payment(payment_id)
    desk.void(payment_id)

    assert failed.status == PaymentStatus.FAILED
    assert failed.failure is not None
    assert failed.failure["reason"] == "insufficient_funds"
    assert needs_void(failed)
    assert desk.intents()[0]["status"] == "canceled"
    assert desk.payment(payment_id).failure == failed.failure
    assert desk.facts() == ["payment.failed", "payment.voided"]


def test_a_refused_request_leaves_nothing_to_void(desk: Desk) -> None:
    payment_id = desk.open("pm_card_of_nobody")

    desk.ask(payment_id)

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.FAILED
    assert not needs_void(payment)


def test_three_d_secure_is_shown_then_seen(desk: Desk) -> None:
    payment_id = desk.open("pm_card_authenticationRequired")

    desk.ask(payment_id)
    asked = desk.payment(payment_id)
    assert asked.psp_ref is not None
    desk.emulator.answer_authentication(asked.psp_ref, approved=True)
    desk.ask(payment_id)

    payment = desk.payment(payment_id)
    assert asked.status == PaymentStatus.REQUIRES_ACTION
    assert asked.next_action is not None
    assert asked.next_action["url"]
    assert (payment.status, payment.next_action) == (PaymentStatus.AUTHORIZED, None)
    assert desk.calls("payment_intents.create") == 1
    assert desk.facts() == ["payment.action_required", "payment.authorized"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "error_before", "rate_limit"])
def test_an_unknown_outcome_is_asked_again_with_the_same_key(
    desk: Desk, trouble: Trouble, kind: str
) -> None:
    payment_id = desk.open()
    trouble(kind)

    first = desk.ask(payment_id)
    pending = desk.payment(payment_id)
    second = desk.ask(payment_id)

    assert isinstance(first, StillUnknown)
    assert pending.status == PaymentStatus.PENDING
    assert pending.unknown is not None
    assert pending.unknown["reason"] == first.silence
    assert isinstance(second, Hold)
    assert desk.payment(payment_id).status == PaymentStatus.AUTHORIZED
    assert len(desk.intents()) == 1


def test_a_failure_stored_after_the_hold_was_made_is_looked_through_at_once(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.open()
    trouble("error_after")

    first = desk.ask(payment_id)
    second = desk.ask(payment_id)

    assert isinstance(first, StillUnknown)
    assert isinstance(second, Hold)
    assert desk.payment(payment_id).status == PaymentStatus.AUTHORIZED
    assert len(desk.intents()) == 1


def test_a_key_used_for_something_else_is_never_sent_again(desk: Desk) -> None:
    payment_id = desk.open()
    payment = desk.payment(payment_id)
    spoiled = dict(payment.request) | {"amount": 9_900, "metadata": {"payment_id": "another"}}
    key = {"idempotency_key": payment.idempotency_key}
    desk.provider._intents.create(spoiled, key)

    first = desk.ask(payment_id)
    second = desk.ask(payment_id)
    desk.advance(121)
    third = desk.ask(payment_id)

    assert isinstance(first, StillUnknown)
    assert first.silence == Silence.KEY_MISMATCH
    assert isinstance(second, StillUnknown)
    assert isinstance(third, Absent)
    assert desk.calls("payment_intents.create") == 2
    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.FAILED
    assert payment.failure is not None
    assert payment.failure["code"] == "psp_unavailable"


def test_within_23_hours_the_request_is_repeated_and_later_only_looked_for(
    desk: Desk, trouble: Trouble
) -> None:
    young, old = desk.open(), desk.open()
    trouble("cut_after", times=2)
    desk.ask(young)
    desk.ask(old)

    desk.advance(22 * HOUR)
    desk.ask(young)
    created_young = desk.calls("payment_intents.create")
    desk.advance(2 * HOUR)
    desk.ask(old)

    assert created_young == 3
    assert desk.calls("payment_intents.create") == 3
    assert desk.payment(young).status == PaymentStatus.AUTHORIZED
    assert desk.payment(old).status == PaymentStatus.AUTHORIZED
    assert len(desk.intents()) == 2


def test_after_a_crash_during_the_call_absence_does_not_count_early(desk: Desk) -> None:
    payment_id = desk.open()
    desk.claim(payment_id)  # and then the process dies, the call may be on its way

    desk.advance(130)  # two minutes after the claim, not after the latest end of the call
    early = desk.void(payment_id)
    still_pending = desk.payment(payment_id).status
    desk.advance(40)
    late = desk.void(payment_id)

    assert isinstance(early, StillUnknown)
    assert still_pending == PaymentStatus.PENDING
    assert isinstance(late, Absent)
    assert desk.payment(payment_id).status == PaymentStatus.VOIDED
    assert desk.calls("payment_intents.create") == 0


def test_a_processing_payment_stays_pending_until_the_bank_has_answered(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.open()
    trouble("processing")

    desk.ask(payment_id)
    pending = desk.payment(payment_id)
    assert pending.psp_ref is not None
    desk.emulator.answer_processing(pending.psp_ref, succeeded=True)
    desk.ask(payment_id)

    assert pending.status == PaymentStatus.PENDING
    assert desk.payment(payment_id).status == PaymentStatus.AUTHORIZED


def test_a_hold_of_another_amount_fails_the_payment_and_is_voided(desk: Desk) -> None:
    payment_id = desk.open()
    with desk.db.transaction() as session:
        lock_payment(session, payment_id).amount = 4_199

    desk.ask(payment_id)
    failed = desk.payment(payment_id)
    desk.void(payment_id)

    assert failed.status == PaymentStatus.FAILED
    assert failed.failure is not None
    assert failed.failure["code"] == "payment_mismatch"
    assert desk.intents()[0]["status"] == "canceled"


def test_the_provider_is_never_asked_inside_a_transaction(desk: Desk) -> None:
    payment_id = desk.open()
    asked = desk.claim(payment_id)

    def ask_inside(session: ShopSession) -> None:
        lock_payment(session, payment_id)
        desk.provider.authorize(asked.request, key=asked.key)

    with pytest.raises(CallInsideTransaction), desk.db.transaction() as session:
        ask_inside(session)

    assert desk.emulator.requests() == []
