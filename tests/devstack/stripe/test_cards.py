"""Test cards: those that are refused, and those that ask for 3-D Secure."""

import pytest
import requests
import stripe

BACK = "https://shop.example/return?order=7"
DECLINES = [
    ("chargeDeclined", "card_declined", "generic_decline"),
    ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("chargeDeclinedFraudulent", "card_declined", "fraudulent"),
    ("chargeDeclinedExpiredCard", "expired_card", None),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("chargeDeclinedProcessingError", "processing_error", None),
]


@pytest.mark.parametrize("prefix", ["pm_card_", "pm_card_visa_"])
@pytest.mark.parametrize(("name", "code", "reason"), DECLINES)
def test_a_declined_card_says_why(payments, prefix, name, code, reason):
    with pytest.raises(stripe.CardError) as refusal:
        payments.authorize(prefix + name)

    error = refusal.value.error
    assert refusal.value.http_status == 402
    assert (error.type, error.code) == ("card_error", code)
    assert error.to_dict().get("decline_code") == reason
    assert error.doc_url.endswith(code.replace("_", "-"))
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.last_payment_error.code == code
    assert error.payment_intent.payment_method is None
    charge = payments.charges.retrieve(error.charge)
    assert (charge.status, charge.failure_code, charge.paid) == ("failed", code, False)


def test_a_declined_intent_stays_and_can_be_canceled(payments):
    with pytest.raises(stripe.CardError):
        payments.authorize("pm_card_chargeDeclined")
    (intent,) = payments.intents.list().data

    assert payments.intents.cancel(intent.id).status == "canceled"
    assert payments.happened() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
    ]


@pytest.mark.parametrize("name", ["pm_card_nonsense", "pm_1234", "tok_visa"])
def test_an_unknown_card_is_missing_and_makes_no_intent(payments, name):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.authorize(name)

    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (
        400,
        "resource_missing",
        "payment_method",
    )
    assert payments.intents.list().data == []


def test_a_card_with_3d_secure_sends_the_shopper_to_its_bank(payments, server):
    intent = payments.authorize("pm_card_authenticationRequired", return_url=BACK)

    assert intent.status == "requires_action"
    assert intent.latest_charge is None
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.url == f"{server.url}/3ds/{intent.id}"
    assert intent.next_action.redirect_to_url.return_url == BACK
    assert payments.happened()[-1] == "payment_intent.requires_action"


def test_without_a_way_back_the_page_asks_itself(payments):
    intent = payments.authorize("pm_card_threeDSecure2Required")

    assert intent.next_action.type == "use_stripe_sdk"


def test_an_approved_payment_goes_on(payments, server):
    intent = payments.authorize("pm_card_threeDSecure2Required", return_url=BACK)

    answer = requests.post(f"{server.url}/_test/3ds/{intent.id}/approve", timeout=5)

    assert answer.json() == {"id": intent.id, "status": "requires_capture"}
    held = payments.intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (held.status, held.next_action, held.amount_capturable) == (
        "requires_capture",
        None,
        2000,
    )
    secured = held.latest_charge.payment_method_details.card.three_d_secure
    assert secured.result == "authenticated"


def test_a_failed_question_fails_the_payment(payments, server):
    intent = payments.authorize("pm_card_threeDSecure2Required", return_url=BACK)

    answer = requests.post(f"{server.url}/_test/3ds/{intent.id}/fail", timeout=5)

    assert answer.json()["status"] == "requires_payment_method"
    failed = payments.intents.retrieve(intent.id)
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert failed.latest_charge is None
    assert payments.happened()[-1] == "payment_intent.payment_failed"


def test_a_card_may_be_declined_after_its_holder_approved(payments, emulator):
    intent = payments.authorize("pm_card_threeDSecureRequiredChargeDeclined", return_url=BACK)

    emulator.answer_authentication(intent.id, approved=True)

    failed = payments.intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.decline_code == "generic_decline"


def test_a_question_is_answered_once(payments, server):
    intent = payments.authorize("pm_card_threeDSecure2Required", return_url=BACK)
    requests.post(f"{server.url}/_test/3ds/{intent.id}/approve", timeout=5)

    again = requests.post(f"{server.url}/_test/3ds/{intent.id}/fail", timeout=5)

    assert again.status_code == 400
    assert payments.intents.retrieve(intent.id).status == "requires_capture"


@pytest.mark.parametrize("absent", [{"off_session": True}, {"error_on_requires_action": True}])
def test_a_question_nobody_can_answer_is_a_decline(payments, absent):
    with pytest.raises(stripe.CardError) as refusal:
        payments.authorize("pm_card_authenticationRequired", **absent)

    assert refusal.value.code == "authentication_required"
    assert refusal.value.error.payment_intent.status == "requires_payment_method"


def test_methods_of_the_dashboard_need_a_way_back(payments):
    fields = {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}

    with pytest.raises(stripe.InvalidRequestError, match="you must provide a `return_url`"):
        payments.intents.create(fields)

    never = {"enabled": True, "allow_redirects": "never"}
    assert payments.intents.create({**fields, "automatic_payment_methods": never}).id
    assert payments.intents.create({**fields, "return_url": BACK}).status == "succeeded"
