"""Captures: taking what was authorized, whole or in parts.

https://docs.stripe.com/payments/multicapture
"""

from devstack.stripe.acts import Act, new_id, public
from devstack.stripe.charges import has_multicapture
from devstack.stripe.errors import StripeError, invalid_request, missing, unexpected_state
from devstack.stripe.intents import merged, retrieve
from devstack.stripe.money import written
from devstack.stripe.refunds import release
from devstack.stripe.store import Document


def capture(act: Act, identity: str, parameters: Document) -> Document:
    """Take what was authorized, or a part; the rest is let go unless more captures are to come."""
    intent = retrieve(act, identity)
    _check_capturable(intent)
    if "capture_expired" in act.faults:
        raise _expired(intent)
    charge = act.store.load("charge", intent["latest_charge"])
    if charge is None:
        raise missing("charge", str(intent["latest_charge"]), param="intent")
    multicapture = has_multicapture(charge) and "multicapture_off" not in act.faults
    wanted: int | None = parameters.get("amount_to_capture")
    amount: int = intent["amount_capturable"] if wanted is None else wanted
    final = parameters.get("final_capture", True) or amount == intent["amount_capturable"]
    _check_capture(intent, amount, multicapture=multicapture, final=parameters.get("final_capture"))
    intent["metadata"] = merged(intent["metadata"], parameters.get("metadata"))
    before = intent["amount_capturable"]
    charge["amount_captured"] += amount
    charge["captured"] = final
    charge["balance_transaction"] = charge["balance_transaction"] or new_id("txn")
    intent["amount_received"] = charge["amount_captured"]
    intent["amount_capturable"] = 0 if final else before - amount
    if final and not has_multicapture(charge) and amount < before:
        release(act, charge, before - amount)
    if final:
        intent["status"], intent["_lapses_at"] = "succeeded", None
    act.store.save(charge)
    act.keep(intent)
    _announce_capture(act, intent, charge, before, final=final)
    return intent


def _check_capturable(intent: Document) -> None:
    if intent["status"] == "requires_capture":
        return
    reason = (
        "already been captured."
        if intent["status"] == "succeeded"
        else f"a status of {intent['status']}. Only a PaymentIntent with one of the following "
        "statuses may be captured: requires_capture."
    )
    message = f"This PaymentIntent could not be captured because it has {reason}"
    raise unexpected_state(message, public(intent))


def _expired(intent: Document) -> StripeError:
    return invalid_request(
        "The charge cannot be captured as the authorization has expired.",
        code="charge_expired_for_capture",
        payment_intent=public(intent),
    )


def _check_capture(
    intent: Document, amount: int, *, multicapture: bool, final: bool | None
) -> None:
    if final is False and not multicapture:
        raise invalid_request(
            "You cannot set `final_capture` to false: multicapture is not available for this "
            "PaymentIntent.",
            param="final_capture",
            payment_intent=public(intent),
        )
    if amount > intent["amount_capturable"]:
        raise invalid_request(
            f"The amount_to_capture ({written(amount, intent['currency'])}) is greater than the "
            "PaymentIntent's amount_capturable "
            f"({written(intent['amount_capturable'], intent['currency'])}).",
            code="amount_too_large",
            param="amount_to_capture",
            payment_intent=public(intent),
        )
    if amount == 0 and not (multicapture and intent["amount_received"] and final is not False):
        raise invalid_request(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )


def _announce_capture(
    act: Act, intent: Document, charge: Document, before: int, *, final: bool
) -> None:
    if has_multicapture(charge):
        act.announce("charge.updated", charge, previous={"balance_transaction": None})
    if final:
        act.announce("charge.captured", charge, previous={"captured": False})
    act.announce(
        "payment_intent.amount_capturable_updated", intent, previous={"amount_capturable": before}
    )
    if final:
        act.announce("payment_intent.succeeded", intent)
