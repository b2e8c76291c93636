"""Confirming a payment intent: the card is tried, or its holder is asked first."""

from typing import Any

from devstack.stripe.acts import Act, public
from devstack.stripe.cards import AUTHENTICATION_REQUIRED, Decline, TestCard
from devstack.stripe.charges import make_charge
from devstack.stripe.errors import StripeError, invalid_request, unexpected_state
from devstack.stripe.payment_methods import card_of
from devstack.stripe.store import Document

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
RETURN_URL_MISSING = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because "
    "some of these payment methods might redirect your customer off of your page, you must provide "
    "a `return_url`. If you don't want to accept redirect-based payment methods, set "
    "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods"
    "[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)
AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
    "a new PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def check_confirmable(intent: Document, parameters: Document) -> None:
    """Refuse a confirmation that cannot be meant: no card, no way back, a wrong status."""
    if intent["status"] not in CONFIRMABLE:
        already = " after being previously confirmed" * (intent["status"] == "succeeded")
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has "
            + (
                f"already succeeded{already}."
                if already
                else f"a status of {intent['status']}. Only a PaymentIntent with one of the "
                f"following statuses may be confirmed: {', '.join(CONFIRMABLE)}."
            ),
            public(intent),
        )
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            public(intent),
        )
    automatic = intent["automatic_payment_methods"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    way_back = intent["_return_url"] or parameters.get("use_stripe_sdk")
    if redirects and not way_back and not parameters.get("off_session"):
        raise invalid_request(RETURN_URL_MISSING)


def confirm_intent(act: Act, intent: Document, parameters: Document) -> None:
    """Try to pay: the intent moves on and is kept; a refusal of the card is raised after that."""
    card = card_of(act, intent["payment_method"])
    intent["next_action"] = None
    intent["last_payment_error"] = None
    nobody_there = parameters.get("off_session") or parameters.get("error_on_requires_action")
    refusal = None
    if "processing" in act.faults:
        _wait_for_the_bank(act, intent)
    elif not card.authentication:
        refusal = pay(act, intent, card, decline=card.decline)
    elif nobody_there:
        refusal = pay(act, intent, card, decline=AUTHENTICATION_REQUIRED)
    else:
        _ask_the_holder(act, intent)
    if refusal is not None:
        raise refusal


def authenticated(act: Act, intent: Document, *, approved: bool) -> None:
    """The card's holder has answered the 3-D Secure question."""
    if intent["status"] != "requires_action":
        raise unexpected_state(
            f"This PaymentIntent has a status of {intent['status']}, not requires_action.",
            public(intent),
        )
    intent["next_action"] = None
    if approved:
        card = card_of(act, intent["payment_method"])
        pay(act, intent, card, decline=card.decline, with_authentication=True)
        return
    error = invalid_request(AUTHENTICATION_FAILED, code="payment_intent_authentication_failure")
    _fail(act, intent, error)


def processed(act: Act, intent: Document, *, succeeded: bool) -> None:
    """The bank has answered a payment that was processing."""
    if intent["status"] != "processing":
        raise unexpected_state(
            f"This PaymentIntent has a status of {intent['status']}, not processing.",
            public(intent),
        )
    card = card_of(act, intent["payment_method"])
    generic = Decline("card_declined", "generic_decline", "Your card was declined.")
    intent["processing"] = None
    pay(act, intent, card, decline=card.decline if succeeded else card.decline or generic)


def pay(
    act: Act,
    intent: Document,
    card: TestCard,
    *,
    decline: Decline | None,
    with_authentication: bool = False,
) -> StripeError | None:
    """Charge the card; answers the refusal, if it was one, with everything already kept."""
    charge = make_charge(act, intent, card, decline=decline, authenticated=with_authentication)
    intent["latest_charge"] = charge["id"]
    if decline is not None:
        return _fail(act, intent, decline.error(charge=charge["id"]))
    if intent["capture_method"] == "manual":
        intent["status"] = "requires_capture"
        intent["amount_capturable"] = intent["amount"]
        intent["_lapses_at"] = act.now + act.settings.authorization_seconds
        happened = "payment_intent.amount_capturable_updated"
    else:
        intent["status"] = "succeeded"
        intent["amount_received"] = intent["amount"]
        happened = "payment_intent.succeeded"
    act.keep(intent)
    act.announce(happened, intent)
    return None


def _wait_for_the_bank(act: Act, intent: Document) -> None:
    intent["status"] = "processing"
    intent["processing"] = {"type": "card", "card": {}}
    act.keep(intent)
    act.announce("payment_intent.processing", intent)


def _ask_the_holder(act: Act, intent: Document) -> None:
    page = f"{act.public_url}/3ds/{intent['id']}"
    intent["status"] = "requires_action"
    if intent["_return_url"]:
        redirect = {"return_url": intent["_return_url"], "url": page}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": redirect}
    else:
        script: dict[str, Any] = {"type": "three_d_secure_redirect", "stripe_js": page}
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": script}
    act.keep(intent)
    act.announce("payment_intent.requires_action", intent)


def _fail(act: Act, intent: Document, error: StripeError) -> StripeError:
    method = act.store.load("payment_method", intent["payment_method"])
    error.body["payment_method"] = public(method or {})
    intent["last_payment_error"] = dict(error.body)
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    act.keep(intent)
    act.announce("payment_intent.payment_failed", intent)
    error.body["payment_intent"] = public(intent)
    return error
