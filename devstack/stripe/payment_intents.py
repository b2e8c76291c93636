"""Payment intents: their making, their changes, and what each status allows.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

import secrets

from devstack.stripe.acts import Act, new_id, public
from devstack.stripe.charges import has_multicapture
from devstack.stripe.confirmation import check_confirmable, confirm_intent
from devstack.stripe.errors import invalid_request, missing, unexpected_state
from devstack.stripe.money import CURRENCIES, LARGEST_AMOUNT, smallest_amount, written
from devstack.stripe.payment_methods import resolve
from devstack.stripe.refunds import release
from devstack.stripe.store import Document

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
UPDATABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
MONEY_FIELDS = frozenset({"amount", "currency", "payment_method", "capture_method"})
PLAIN_FIELDS = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


def create(act: Act, parameters: Document) -> Document:
    """Make an intent, and confirm it at once where asked."""
    check_amount(parameters["amount"], parameters["currency"])
    if parameters.get("return_url") and not parameters.get("confirm"):
        raise invalid_request(
            "The parameter `return_url` cannot be passed when creating a PaymentIntent unless "
            "`confirm` is set to true.",
            param="return_url",
        )
    intent = _new_intent(act, parameters)
    if parameters.get("payment_method"):
        intent["payment_method"] = resolve(act, parameters["payment_method"])
        intent["status"] = "requires_confirmation"
    if parameters.get("confirm"):
        check_confirmable(intent, parameters)
    act.keep(intent, new=True)
    act.announce("payment_intent.created", intent)
    if parameters.get("confirm"):
        confirm_intent(act, intent, parameters)
    return intent


def check_amount(amount: int, currency: str) -> None:
    """Refuse what Stripe cannot charge: a foreign currency, too little, too much."""
    if currency not in CURRENCIES:
        raise invalid_request(
            f"Invalid currency: {currency[:20]}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(CURRENCIES))}",
            param="currency",
        )
    if amount > LARGEST_AMOUNT:
        most = written(LARGEST_AMOUNT, currency)
        raise invalid_request(
            f"Amount must be no more than {most}", code="amount_too_large", param="amount"
        )
    least = smallest_amount(currency)
    if amount < least:
        raise invalid_request(
            f"Amount must be at least {written(least, currency)} {currency}",
            code="amount_too_small",
            param="amount",
        )


def retrieve(act: Act, identity: str) -> Document:
    """The intent as it is now."""
    intent = act.store.load("payment_intent", identity)
    if intent is None:
        raise missing("payment_intent", identity, param="intent")
    return intent


def update(act: Act, identity: str, parameters: Document) -> Document:
    """Change what may still be changed; metadata and description always may."""
    intent = retrieve(act, identity)
    touched = MONEY_FIELDS & parameters.keys()
    if touched and intent["status"] not in UPDATABLE:
        raise unexpected_state(
            f"This PaymentIntent's {sorted(touched)[0]} could not be updated because it has a "
            f"status of {intent['status']}. You may only update the {sorted(touched)[0]} of a "
            f"PaymentIntent with one of the following statuses: {', '.join(UPDATABLE)}.",
            public(intent),
        )
    intent["amount"] = parameters.get("amount", intent["amount"])
    intent["currency"] = parameters.get("currency", intent["currency"])
    intent["capture_method"] = parameters.get("capture_method", intent["capture_method"])
    check_amount(intent["amount"], intent["currency"])
    _take_fields(intent, parameters)
    _take_payment_method(act, intent, parameters)
    act.keep(intent)
    return intent


def confirm(act: Act, identity: str, parameters: Document) -> Document:
    """Try to pay with the intent's card, or with the one given now."""
    intent = retrieve(act, identity)
    if intent["status"] in UPDATABLE:
        intent["capture_method"] = parameters.get("capture_method", intent["capture_method"])
        intent["_return_url"] = parameters.get("return_url") or intent["_return_url"]
        _take_fields(intent, parameters)
        _take_payment_method(act, intent, parameters)
    check_confirmable(intent, parameters)
    confirm_intent(act, intent, parameters)
    return intent


def capture(act: Act, identity: str, parameters: Document) -> Document:
    """Take what was authorized, or a part; the rest is let go unless more captures are to come."""
    intent = retrieve(act, identity)
    _check_capturable(intent)
    charge = act.store.load("charge", intent["latest_charge"])
    if charge is None:
        raise missing("charge", str(intent["latest_charge"]), param="intent")
    multicapture = has_multicapture(charge) and "multicapture_off" not in act.faults
    amount = parameters.get("amount_to_capture", intent["amount_capturable"])
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


def merged(metadata: dict[str, str], changes: dict[str, str] | None) -> dict[str, str]:
    """Metadata after a change: an empty value unsets its key, an empty whole unsets all."""
    if not changes:
        return metadata
    if changes == {"": ""}:
        return {}
    return {key: value for key, value in {**metadata, **changes}.items() if value != ""}


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


def _take_fields(intent: Document, parameters: Document) -> None:
    for name in PLAIN_FIELDS:
        if name in parameters:
            intent[name] = parameters[name]
    intent["metadata"] = merged(intent["metadata"], parameters.get("metadata"))
    card = (parameters.get("payment_method_options") or {}).get("card") or {}
    intent["payment_method_options"]["card"].update(card)


def _take_payment_method(act: Act, intent: Document, parameters: Document) -> None:
    if parameters.get("payment_method"):
        intent["payment_method"] = resolve(act, parameters["payment_method"])
        intent["status"] = "requires_confirmation"
        intent["next_action"] = None


def _new_intent(act: Act, parameters: Document) -> Document:
    identity = new_id("pi")
    types = parameters.get("payment_method_types")
    automatic = parameters.get("automatic_payment_methods")
    if types and automatic and automatic.get("enabled"):
        raise invalid_request(
            "You may only specify one of these parameters: automatic_payment_methods, "
            "payment_method_types.",
            param="payment_method_types",
        )
    enabled = not types and (automatic is None or automatic.get("enabled", False))
    redirects = (automatic or {}).get("allow_redirects", "always")
    intent: Document = {
        "id": identity,
        "object": "payment_intent",
        "amount": parameters["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": (
            {"allow_redirects": redirects, "enabled": True} if enabled else None
        ),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": parameters.get("capture_method", "automatic_async"),
        "client_secret": f"{identity}_secret_{secrets.token_hex(12)}",
        "confirmation_method": parameters.get("confirmation_method", "automatic"),
        "created": act.created,
        "currency": parameters["currency"],
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {**CARD_OPTIONS}},
        "payment_method_types": types or ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        "_return_url": parameters.get("return_url"),
        "_lapses_at": None,
    }
    _take_fields(intent, parameters)
    return intent


CARD_OPTIONS = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}
