"""Payment intents: their making, their changes, and what each status allows.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

import secrets

from devstack.stripe.acts import Act, new_id, public
from devstack.stripe.confirmation import check_confirmable, confirm_intent
from devstack.stripe.errors import invalid_request, unexpected_state
from devstack.stripe.intents import merged, retrieve
from devstack.stripe.money import CURRENCIES, LARGEST_AMOUNT, smallest_amount, written
from devstack.stripe.payment_methods import resolve
from devstack.stripe.store import Document

UPDATABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
MONEY_FIELDS = frozenset({"amount", "currency", "payment_method", "capture_method"})
CARD_OPTIONS = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}
UNSET: Document = {
    "object": "payment_intent",
    "amount_capturable": 0,
    "amount_received": 0,
    "status": "requires_payment_method",
    "livemode": False,
    **dict.fromkeys(
        (
            "application",
            "application_fee_amount",
            "canceled_at",
            "cancellation_reason",
            "customer",
            "customer_account",
            "description",
            "excluded_payment_method_types",
            "last_payment_error",
            "latest_charge",
            "next_action",
            "on_behalf_of",
            "payment_method",
            "payment_method_configuration_details",
            "processing",
            "receipt_email",
            "review",
            "setup_future_usage",
            "shipping",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
            "_lapses_at",
        )
    ),
}
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
        **UNSET,
        "id": identity,
        "amount": parameters["amount"],
        "amount_details": {"tip": {}},
        "automatic_payment_methods": (
            {"allow_redirects": redirects, "enabled": True} if enabled else None
        ),
        "capture_method": parameters.get("capture_method", "automatic_async"),
        "client_secret": f"{identity}_secret_{secrets.token_hex(12)}",
        "confirmation_method": parameters.get("confirmation_method", "automatic"),
        "created": act.created,
        "currency": parameters["currency"],
        "metadata": {},
        "payment_method_options": {"card": dict(CARD_OPTIONS)},
        "payment_method_types": types or ["card"],
        "_return_url": parameters.get("return_url"),
    }
    _take_fields(intent, parameters)
    return intent
