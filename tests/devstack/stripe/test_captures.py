"""Captures: whole, in part, in several parts, and those refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

SEVERAL = {"payment_method_options": {"card": {"request_multicapture": "if_available"}}}


def test_a_capture_takes_all_that_is_held(payments):
    intent = payments.authorize()

    captured = payments.intents.capture(intent.id)

    assert (captured.status, captured.amount_received, captured.amount_capturable) == (
        "succeeded",
        2000,
        0,
    )
    assert "charge.captured" in payments.happened()
    assert payments.happened()[-1] == "payment_intent.succeeded"


def test_a_partial_capture_lets_the_rest_go(payments):
    intent = payments.authorize()

    captured = payments.intents.capture(intent.id, {"amount_to_capture": 1500})

    assert (captured.status, captured.amount_received, captured.amount_capturable) == (
        "succeeded",
        1500,
        0,
    )
    charge = payments.charges.retrieve(intent.latest_charge)
    assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (1500, 500, False)


def test_a_second_capture_is_refused(payments):
    intent = payments.authorize()
    payments.intents.capture(intent.id, {"amount_to_capture": 1500})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.capture(intent.id, {"amount_to_capture": 500})

    assert refusal.value.code == "payment_intent_unexpected_state"
    assert "has already been captured" in refusal.value.user_message
    assert refusal.value.error.payment_intent.amount_received == 1500


@pytest.mark.parametrize("fields", [{}, {"payment_method": "pm_card_visa"}])
def test_what_is_not_held_cannot_be_captured(payments, fields):
    intent = payments.create(**fields)

    with pytest.raises(stripe.InvalidRequestError, match="could not be captured") as refusal:
        payments.intents.capture(intent.id)

    assert refusal.value.code == "payment_intent_unexpected_state"


def test_a_canceled_hold_cannot_be_captured(payments):
    intent = payments.authorize()
    payments.intents.cancel(intent.id)

    with pytest.raises(stripe.InvalidRequestError, match="a status of canceled"):
        payments.intents.capture(intent.id)


def test_more_than_is_held_cannot_be_captured(payments):
    intent = payments.authorize()

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.capture(intent.id, {"amount_to_capture": 2001})

    assert (refusal.value.code, refusal.value.param) == ("amount_too_large", "amount_to_capture")
    assert payments.intents.retrieve(intent.id).amount_capturable == 2000


def test_nothing_cannot_be_captured(payments):
    intent = payments.authorize()

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.capture(intent.id, {"amount_to_capture": 0})

    assert refusal.value.code == "parameter_invalid_integer"


def test_a_hold_may_be_captured_in_several_parts(payments):
    intent = payments.authorize(**SEVERAL, expand=["latest_charge"])
    assert intent.latest_charge.payment_method_details.card.multicapture.status == "available"

    first = payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})
    assert (first.status, first.amount_received, first.amount_capturable) == (
        "requires_capture",
        700,
        1300,
    )
    assert not payments.charges.retrieve(intent.latest_charge.id).captured

    last = payments.intents.capture(intent.id, {"amount_to_capture": 1000})

    assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 1700, 0)
    charge = payments.charges.retrieve(intent.latest_charge.id)
    assert (charge.captured, charge.amount_captured, charge.amount_refunded) == (True, 1700, 0)
    assert payments.happened()[3:] == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.updated",
        "charge.captured",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]


def test_the_last_part_ends_the_payment_by_itself(payments):
    intent = payments.authorize(**SEVERAL)
    payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})

    last = payments.intents.capture(intent.id, {"final_capture": False})

    assert (last.status, last.amount_received) == ("succeeded", 2000)


def test_an_empty_final_capture_lets_the_rest_go(payments):
    intent = payments.authorize(**SEVERAL)
    payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})

    last = payments.intents.capture(intent.id, {"amount_to_capture": 0, "final_capture": True})

    assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 700, 0)


def test_a_partly_captured_payment_cannot_be_canceled(payments):
    intent = payments.authorize(**SEVERAL)
    payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.cancel(intent.id)

    assert refusal.value.code == "payment_intent_unexpected_state"


def test_a_partly_captured_hold_that_lapses_has_succeeded(payments, clock):
    intent = payments.authorize(**SEVERAL)
    payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})
    clock.forward(7 * 86400)

    lapsed = payments.intents.retrieve(intent.id)

    assert (lapsed.status, lapsed.amount_received) == ("succeeded", 700)


def test_several_parts_must_be_asked_for(payments):
    intent = payments.authorize()

    with pytest.raises(stripe.InvalidRequestError, match="multicapture is not available"):
        payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})

    assert payments.intents.retrieve(intent.id).amount_capturable == 2000


def test_an_account_without_multicapture_captures_once(open_server, open_payments):
    payments = open_payments(open_server(multicapture=False).url)
    intent = payments.authorize(**SEVERAL, expand=["latest_charge"])
    assert intent.latest_charge.payment_method_details.card.multicapture.status == "unavailable"

    with pytest.raises(stripe.InvalidRequestError, match="multicapture is not available"):
        payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})

    payments.intents.capture(intent.id, {"amount_to_capture": 700})
    with pytest.raises(stripe.InvalidRequestError, match="already been captured"):
        payments.intents.capture(intent.id, {"amount_to_capture": 700})


def test_multicapture_can_be_taken_from_one_payment(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="multicapture_off")

    first, second = (
        payments.authorize(**SEVERAL, expand=["latest_charge"]).latest_charge for _ in range(2)
    )

    assert first.payment_method_details.card.multicapture.status == "unavailable"
    assert second.payment_method_details.card.multicapture.status == "available"


def test_of_captures_at_once_one_takes_the_money(server, open_payments):
    clients = [open_payments(server.url) for _ in range(8)]
    intent = clients[0].authorize()

    def attempt(client):
        try:
            return client.intents.capture(intent.id).status
        except stripe.InvalidRequestError as refusal:
            return refusal.code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(attempt, clients))

    assert answers == ["payment_intent_unexpected_state"] * 7 + ["succeeded"]
    assert clients[0].intents.retrieve(intent.id).amount_received == 2000


def test_an_authorization_may_expire_before_its_intent_is_canceled(payments, emulator):
    intent = payments.authorize()
    emulator.fault(operation="payment_intents.capture", kind="capture_expired")

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.capture(intent.id)

    assert refusal.value.code == "charge_expired_for_capture"
    assert payments.intents.retrieve(intent.id).amount_received == 0
