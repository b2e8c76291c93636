"""The statuses of a payment intent and the moves between them."""

import pytest
import stripe


def test_an_intent_without_a_card_requires_one(payments):
    intent = payments.create()

    assert intent.status == "requires_payment_method"
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert payments.happened() == ["payment_intent.created"]


def test_an_intent_with_a_card_requires_confirmation(payments):
    intent = payments.create(payment_method="pm_card_visa")

    assert intent.status == "requires_confirmation"
    assert intent.latest_charge is None


def test_a_confirmed_manual_intent_holds_the_money(payments):
    intent = payments.authorize()

    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "requires_capture",
        2000,
        0,
    )
    charge = payments.charges.retrieve(intent.latest_charge)
    assert (charge.captured, charge.amount_captured, charge.paid) == (False, 0, True)
    assert payments.happened() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]


def test_a_confirmed_automatic_intent_has_taken_the_money(payments):
    intent = payments.pay()

    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "succeeded",
        0,
        2000,
    )
    assert payments.charges.retrieve(intent.latest_charge).captured
    assert payments.happened()[-1] == "payment_intent.succeeded"


def test_an_intent_is_confirmed_later_with_the_card_given_then(payments):
    intent = payments.create(capture_method="manual")

    confirmed = payments.intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})

    assert confirmed.status == "requires_capture"


def test_a_declined_intent_takes_another_card(payments):
    intent = payments.create(payment_method="pm_card_chargeDeclined")
    with pytest.raises(stripe.CardError):
        payments.intents.confirm(intent.id)

    paid = payments.intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    assert paid.status == "succeeded"
    assert paid.last_payment_error is None
    charges = payments.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_a_payment_method_made_earlier_is_used_again(payments):
    first = payments.pay("pm_card_mastercard")

    second = payments.pay(first.payment_method)

    assert second.payment_method == first.payment_method
    method = payments.client.v1.payment_methods.retrieve(second.payment_method)
    assert method.card.brand == "mastercard"


def test_an_intent_without_a_card_cannot_be_confirmed(payments):
    intent = payments.create()

    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as refusal:
        payments.intents.confirm(intent.id)

    assert refusal.value.code == "payment_intent_unexpected_state"


def test_create_and_confirm_without_a_card_makes_no_intent(payments):
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        payments.create(confirm=True)

    assert payments.intents.list().data == []


@pytest.mark.parametrize("end", ["succeeded", "canceled", "requires_capture"])
def test_a_settled_intent_cannot_be_confirmed_again(payments, end):
    intent = payments.pay() if end == "succeeded" else payments.authorize()
    if end == "canceled":
        payments.intents.cancel(intent.id)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.confirm(intent.id)

    assert refusal.value.code == "payment_intent_unexpected_state"
    assert refusal.value.error.payment_intent.status == end


@pytest.mark.parametrize(
    ("fields", "before"),
    [
        ({}, "requires_payment_method"),
        ({"payment_method": "pm_card_visa"}, "requires_confirmation"),
        ({"payment_method": "pm_card_threeDSecure2Required", "confirm": True}, "requires_action"),
        (
            {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"},
            "requires_capture",
        ),
    ],
)
def test_an_intent_that_took_no_money_can_be_canceled(payments, fields, before):
    intent = payments.create(**fields)
    assert intent.status == before

    canceled = payments.intents.cancel(intent.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert (canceled.amount_capturable, canceled.next_action) == (0, None)
    assert "payment_intent.canceled" in payments.happened()


def test_canceling_lets_the_hold_go(payments):
    intent = payments.authorize()

    payments.intents.cancel(intent.id)

    charge = payments.charges.retrieve(intent.latest_charge)
    assert (charge.refunded, charge.amount_refunded, charge.amount_captured) == (True, 2000, 0)
    assert payments.happened()[-2:] == ["payment_intent.canceled", "charge.refunded"]


@pytest.mark.parametrize("end", ["succeeded", "canceled"])
def test_an_intent_at_its_end_cannot_be_canceled(payments, end):
    intent = payments.pay() if end == "succeeded" else payments.create()
    if end == "canceled":
        payments.intents.cancel(intent.id)

    with pytest.raises(stripe.InvalidRequestError, match="You cannot cancel") as refusal:
        payments.intents.cancel(intent.id)

    assert refusal.value.code == "payment_intent_unexpected_state"
    assert f"has a status of {end}." in refusal.value.user_message


def test_a_hold_lapses_after_seven_days(payments, clock):
    intent = payments.authorize()
    clock.forward(7 * 86400)

    lapsed = payments.intents.retrieve(intent.id)

    assert (lapsed.status, lapsed.cancellation_reason) == ("canceled", "automatic")


def test_a_processing_payment_waits_for_its_bank(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="processing")
    intent = payments.pay()
    assert intent.status == "processing"
    with pytest.raises(stripe.InvalidRequestError):
        payments.intents.capture(intent.id)

    emulator.answer_processing(intent.id, succeeded=True)

    assert payments.intents.retrieve(intent.id).status == "succeeded"


def test_a_processing_payment_may_fail(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="processing")
    intent = payments.pay()

    emulator.answer_processing(intent.id, succeeded=False)

    failed = payments.intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.decline_code == "generic_decline"


def test_metadata_is_merged_and_an_empty_value_unsets_its_key(payments):
    intent = payments.authorize(metadata={"payment": "p1", "checkout": "c1"})

    changed = payments.intents.update(intent.id, {"metadata": {"payment": "", "order": "o1"}})

    assert changed.metadata.to_dict() == {"checkout": "c1", "order": "o1"}
    assert payments.intents.update(intent.id, {"metadata": ""}).metadata.to_dict() == {}


def test_the_amount_of_a_held_intent_cannot_be_changed(payments):
    intent = payments.authorize()

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.update(intent.id, {"amount": 3000})

    assert refusal.value.code == "payment_intent_unexpected_state"
    assert payments.intents.retrieve(intent.id).amount == 2000


def test_the_amount_of_an_open_intent_can_be_changed(payments):
    intent = payments.create()

    assert payments.intents.update(intent.id, {"amount": 3000}).amount == 3000


def test_an_unknown_intent_is_missing(payments):
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_no'") as no:
        payments.intents.retrieve("pi_no")

    assert (no.value.http_status, no.value.code, no.value.param) == (
        404,
        "resource_missing",
        "intent",
    )


def test_the_charge_is_answered_with_its_intent_where_asked(payments):
    intent = payments.authorize(expand=["latest_charge", "payment_method"])

    assert intent.latest_charge.payment_intent == intent.id
    assert intent.payment_method.card.last4 == "4242"
    charge = payments.charges.retrieve(
        intent.latest_charge.id, {"expand": ["payment_intent.payment_method"]}
    )
    assert charge.payment_intent.payment_method.id == intent.payment_method.id


def test_what_cannot_be_expanded_is_refused(payments):
    intent = payments.create()

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        payments.intents.retrieve(intent.id, {"expand": ["amount"]})


def test_an_act_with_an_answer_that_cannot_be_written_is_not_done(payments):
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        payments.authorize(key="k1", expand=["teapot"])

    assert payments.intents.list().data == []
    assert payments.authorize(key="k1").status == "requires_capture"
