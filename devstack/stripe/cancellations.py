"""Cancellations: an intent given up, by the shop or by time."""

from devstack.stripe.acts import Act, public
from devstack.stripe.captures import capture
from devstack.stripe.errors import unexpected_state
from devstack.stripe.intents import retrieve
from devstack.stripe.refunds import release
from devstack.stripe.store import Document

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


def cancel(act: Act, identity: str, parameters: Document) -> Document:
    """Give the intent up; what is authorized is let go, what is captured cannot be."""
    intent = retrieve(act, identity)
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(
            "You cannot cancel this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            f"canceled: {', '.join(CANCELABLE)}.",
            public(intent),
        )
    if intent["amount_received"]:
        raise unexpected_state(
            "You cannot cancel this PaymentIntent because it has already been partially captured. "
            "Capture an amount of 0 with `final_capture` set to true to release the rest.",
            public(intent),
        )
    close(act, intent, reason=parameters.get("cancellation_reason"))
    return intent


def close(act: Act, intent: Document, *, reason: str | None) -> None:
    """End an intent that took no money."""
    held = intent["status"] == "requires_capture"
    intent.update(
        status="canceled",
        canceled_at=act.created,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
        processing=None,
        _lapses_at=None,
    )
    act.keep(intent)
    act.announce("payment_intent.canceled", intent)
    charge = act.store.load("charge", intent["latest_charge"]) if held else None
    if charge is not None:
        release(act, charge, charge["amount"])
        charge["refunded"] = True
        act.store.save(charge)
        act.announce("charge.refunded", charge)


def lapse(act: Act, intent: Document) -> None:
    """The authorization is over: canceled, or succeeded with what was captured in parts."""
    if intent["amount_received"]:
        capture(act, intent["id"], {"amount_to_capture": 0})
    else:
        close(act, intent, reason="automatic")
