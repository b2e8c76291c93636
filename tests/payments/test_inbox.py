"""What the provider tells: kept once, looked into, applied as it is now."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.payments import service
from app.payments.models import PspEvent
from app.payments.queries import lock_payment
from app.payments.states import PaymentStatus
from app.platform.ids import new_id
from app.platform.money import Money
from app.saga.models import SagaJournal
from app.saga.states import JournalEvent, SagaState
from tests.factories import make_payment
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "change_not_announced",
    "money_held_for_nothing",
    "order_lines_wrong",
    "order_unlike_checkout",
    "saga_unlike_journal",
    "state_not_journaled",
)

Trouble = Callable[..., None]
AMOUNT = Money(4_200, "EUR")


def _journal(desk: Desk) -> list[SagaJournal]:
    with desk.db.reading() as session:
        return list(session.scalars(select(SagaJournal).order_by(SagaJournal.id)))


def test_an_event_is_kept_and_nudged_once(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    reference = str(desk.payment(payment_id).psp_ref)

    event_id = desk.tell(reference)
    desk.apply(event_id)
    again = desk.apply(event_id)

    assert [nudge.id for nudge in desk.queue.sent if nudge.tasks == ("payments.apply_event",)] == [
        event_id
    ]
    assert not again
    assert desk.event(event_id).outcome == "nothing_new"
    assert desk.calls("payment_intents.retrieve") == 1


def test_an_answer_to_three_d_secure_wakes_the_parked_checkout(desk: Desk) -> None:
    payment_id = desk.open("pm_card_authenticationRequired")
    desk.ask(payment_id)
    desk.set_checkout(payment_id, state=SagaState.PARKED)
    reference = str(desk.payment(payment_id).psp_ref)
    desk.emulator.answer_authentication(reference, approved=True)

    desk.apply(desk.tell(reference, "payment_intent.amount_capturable_updated"))

    assert desk.payment(payment_id).status == PaymentStatus.AUTHORIZED
    assert desk.checkout(payment_id).state == SagaState.RUNNING
    assert [line.event for line in _journal(desk)] == [JournalEvent.SIGNALED]
    assert any(nudge.tasks[0] == "checkout.authorize" for nudge in desk.queue.sent)


def test_an_event_tells_the_answer_that_was_lost(desk: Desk, trouble: Trouble) -> None:
    payment_id = desk.open()
    trouble("cut_after")
    desk.ask(payment_id)
    reference = desk.intents()[0]["id"]

    desk.apply(desk.tell(reference, "payment_intent.amount_capturable_updated"))

    payment = desk.payment(payment_id)
    assert (payment.status, payment.psp_ref) == (PaymentStatus.AUTHORIZED, reference)
    assert payment.unknown is None


def test_events_in_any_order_and_number_end_in_what_the_hold_is(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    reference = str(desk.payment(payment_id).psp_ref)
    desk.provider._intents.capture(reference)
    kinds = ["succeeded", "amount_capturable_updated", "requires_action", "succeeded"]

    for kind in kinds:
        desk.apply(desk.tell(reference, f"payment_intent.{kind}"))

    payment = desk.payment(payment_id)
    assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, payment.amount)
    assert desk.facts() == ["payment.authorized", "payment.captured"]


def test_all_waiting_events_of_a_hold_are_done_by_one_look(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    reference = str(desk.payment(payment_id).psp_ref)
    events = [desk.tell(reference) for _ in range(3)]

    desk.apply(events[0])
    desk.sweep()

    assert {desk.event(event_id).outcome for event_id in events} == {"nothing_new"}
    assert desk.calls("payment_intents.retrieve") == 1


def test_an_event_before_its_payment_row_waits_for_it(desk: Desk) -> None:
    payment_id = new_id()
    request = desk.provider.authorization(
        AMOUNT,
        token="pm_card_visa",
        payment_id=payment_id,
        checkout_id=new_id(),
        order_id=new_id(),
        return_url="https://shop.example/return",
    )
    hold = desk.provider.authorize(request, key="early")
    event_id = desk.tell(str(hold.reference))

    early = desk.apply(event_id)
    with desk.db.transaction() as session:
        make_payment(session, id=payment_id)
    too_soon = desk.sweep()
    desk.advance(5)
    swept = desk.sweep()

    assert not early
    assert (too_soon, swept) == (0, 1)
    assert desk.payment(payment_id).status == PaymentStatus.AUTHORIZED
    assert desk.event(event_id).outcome == "applied"


def test_an_event_whose_payment_never_comes_is_given_up_in_the_end(desk: Desk) -> None:
    request = desk.provider.authorization(
        AMOUNT,
        token="pm_card_visa",
        payment_id=new_id(),
        checkout_id=new_id(),
        order_id=new_id(),
        return_url="https://shop.example/return",
    )
    hold = desk.provider.authorize(request, key="never")
    event_id = desk.tell(str(hold.reference))
    with desk.db.transaction() as session:
        session.get_one(PspEvent, ("stripe", event_id)).attempts = 50

    desk.apply(event_id)

    assert desk.event(event_id).outcome == "no_payment"


def test_a_hold_of_somebody_else_is_kept_and_left_alone(desk: Desk) -> None:
    foreign = desk.provider._intents.create(
        {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "payment_method_types": ["card"], "capture_method": "manual"}
    )  # fmt: skip
    event_id = desk.tell(foreign.id)

    desk.apply(event_id)

    assert desk.event(event_id).outcome == "foreign"
    assert desk.intents()[0]["status"] == "requires_capture"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("payment_intent.created", "not_looked_at"), ("charge.updated", "not_looked_at")],
)
def test_events_that_never_change_a_payment_cost_no_call(
    desk: Desk, kind: str, outcome: str
) -> None:
    body = {
        "id": "evt_x",
        "type": kind,
        "data": {"object": {"id": "pi_1", "payment_intent": "pi_1"}},
    }
    event_id = desk.tell_body(body)

    swept = desk.sweep()

    assert swept == 0
    assert desk.event(event_id).outcome == outcome
    assert desk.emulator.requests() == []


def test_an_event_of_an_unknown_type_is_kept(desk: Desk) -> None:
    body = {"id": "evt_y", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}

    event_id = desk.tell_body(body)

    kept = desk.event(event_id)
    assert kept.outcome == "unknown_type"
    assert kept.payload == body
    assert kept.applied_at is not None


def test_an_event_about_nothing_the_provider_knows_is_done(desk: Desk) -> None:
    event_id = desk.tell("pi_of_nobody")

    desk.apply(event_id)

    assert desk.event(event_id).outcome == "no_object"


def test_while_the_provider_is_away_the_event_waits(desk: Desk, trouble: Trouble) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    trouble("error_before", "retrieve")
    event_id = desk.tell(str(desk.payment(payment_id).psp_ref))

    first = desk.apply(event_id)
    desk.advance(5)
    swept = desk.sweep()

    assert not first
    assert swept == 1
    assert desk.event(event_id).outcome == "nothing_new"


@pytest.mark.parametrize("status", [PaymentStatus.VOIDED, PaymentStatus.FAILED])
@pytest.mark.parametrize("captured", [False, True])
def test_a_late_success_of_a_dead_checkout_is_let_go_and_told_in_the_journal(
    desk: Desk, trouble: Trouble, status: PaymentStatus, captured: bool
) -> None:
    payment_id = desk.open()
    trouble("cut_after")
    desk.ask(payment_id)
    reference = desk.intents()[0]["id"]
    if captured:
        desk.provider._intents.capture(reference)
    with desk.db.transaction() as session:
        lock_payment(session, payment_id).status = status
    desk.set_checkout(payment_id, state=SagaState.FAILED)

    event_id = desk.tell(reference)
    desk.apply(event_id)

    (intent,) = desk.intents()
    hold = desk.provider.retrieve(reference)
    assert intent["status"] == ("succeeded" if captured else "canceled")
    assert hold.captured == hold.refunded
    assert desk.event(event_id).outcome == "late_voided"
    (line,) = _journal(desk)
    assert line.event == JournalEvent.COMPENSATED
    assert line.detail is not None
    assert line.detail["reference"] == reference
    assert desk.payment(payment_id).psp_ref == reference
    assert desk.checkout(payment_id).state == SagaState.FAILED


def test_a_late_success_that_cannot_be_let_go_yet_is_tried_again(
    desk: Desk, trouble: Trouble
) -> None:
    payment_id = desk.open()
    trouble("cut_after")
    desk.ask(payment_id)
    with desk.db.transaction() as session:
        lock_payment(session, payment_id).status = PaymentStatus.VOIDED
    trouble("error_after", "cancel")
    event_id = desk.tell(desk.intents()[0]["id"])

    first = desk.apply(event_id)
    desk.advance(5)
    swept = desk.sweep()

    assert not first
    assert swept == 1
    assert desk.intents()[0]["status"] == "canceled"
    assert desk.event(event_id).applied_at is not None


def test_a_second_hold_of_the_same_payment_is_let_go(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    first = desk.payment(payment_id)
    twin = desk.provider._intents.create(first.request, {"idempotency_key": "a twin"})

    desk.apply(desk.tell(twin.id))

    kept, let_go = desk.intents()
    assert (kept["status"], let_go["status"]) == ("requires_capture", "canceled")
    assert desk.payment(payment_id).status == PaymentStatus.AUTHORIZED
    assert desk.payment(payment_id).psp_ref == first.psp_ref


def test_a_look_from_before_changes_nothing_any_more(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    reference = str(desk.payment(payment_id).psp_ref)
    before = desk.provider.retrieve(reference)
    desk.provider._intents.capture(reference)
    desk.apply(desk.tell(reference))

    with desk.db.transaction() as session:
        changed = service.apply_hold(session, lock_payment(session, payment_id), before)

    payment = desk.payment(payment_id)
    assert not changed
    assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, 4_200)


def test_a_refund_made_elsewhere_is_set_in_the_books(desk: Desk) -> None:
    payment_id = desk.open()
    desk.ask(payment_id)
    reference = str(desk.payment(payment_id).psp_ref)
    desk.provider._intents.capture(reference)
    desk.apply(desk.tell(reference))
    desk.provider.refund(reference, key="at the dashboard")

    desk.apply(desk.tell(reference, "charge.refunded"))

    payment = desk.payment(payment_id)
    assert payment.status == PaymentStatus.REFUNDED
    assert (payment.captured, payment.refunded) == (4_200, 4_200)
