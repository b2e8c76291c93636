"""Charges: one attempt to take money from a card."""

from typing import Any

from devstack.stripe.acts import Act, new_id
from devstack.stripe.cards import Decline, TestCard
from devstack.stripe.store import Document

UNUSED: Document = {
    "object": "charge",
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "calculated_statement_descriptor": "CARTWRIGHT",
    "customer": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "livemode": False,
    "on_behalf_of": None,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "review": None,
    "source_transfer": None,
    "transfer_data": None,
    "_released": 0,
}
CHECKS = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
PLAIN_CARD: Document = {
    "authorization_code": "123456",
    "country": "US",
    "exp_month": 12,
    "exp_year": 2034,
    "installments": None,
    "mandate": None,
    "network_transaction_id": None,
    "regulated_status": "unregulated",
    "wallet": None,
}


def make_charge(
    act: Act, intent: Document, card: TestCard, *, decline: Decline | None, authenticated: bool
) -> Document:
    """Try the card for the whole amount; the charge succeeds, or stands as failed."""
    manual = intent["capture_method"] == "manual"
    captured = decline is None and not manual
    charge: Document = {
        **UNUSED,
        "id": new_id("ch"),
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if captured else 0,
        "balance_transaction": new_id("txn") if captured else None,
        "billing_details": _billing_details(),
        "captured": captured,
        "created": act.created,
        "currency": intent["currency"],
        "description": intent["description"],
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(decline),
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": _details(act, intent, card, authenticated=authenticated),
        "receipt_email": intent["receipt_email"],
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "succeeded",
        "transfer_group": intent["transfer_group"],
    }
    act.store.insert(charge, parent=intent["id"])
    act.announce("charge.failed" if decline else "charge.succeeded", charge)
    return charge


def has_multicapture(charge: Document) -> bool:
    """Whether this authorization may be captured more than once."""
    status: str = charge["payment_method_details"]["card"]["multicapture"]["status"]
    return status == "available"


def refundable(charge: Document) -> int:
    """What can still be given back, in minor units: captured less refunded."""
    return int(charge["amount_captured"] - (charge["amount_refunded"] - charge["_released"]))


def _billing_details() -> Document:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": address, "email": None, "name": None, "phone": None, "tax_id": None}


def _outcome(decline: Decline | None) -> Document:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": (decline.reason or decline.code) if decline else None,
        "risk_level": "normal",
        "seller_message": (
            "The bank did not return any further details with this decline."
            if decline
            else "Payment complete."
        ),
        "type": "issuer_declined" if decline else "authorized",
    }


def _details(act: Act, intent: Document, card: TestCard, *, authenticated: bool) -> Document:
    manual = intent["capture_method"] == "manual"
    asked: Any = intent["payment_method_options"]["card"].get("request_multicapture")
    multicapture = (
        manual
        and asked == "if_available"
        and act.settings.multicapture
        and "multicapture_off" not in act.faults
    )
    details: Document = {
        **PLAIN_CARD,
        "amount_authorized": intent["amount"] if manual else None,
        "brand": card.brand,
        "checks": dict(CHECKS),
        "extended_authorization": {"status": "disabled"},
        "fingerprint": f"emulated{card.last4}",
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "last4": card.last4,
        "multicapture": {"status": "available" if multicapture else "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "overcapture": {
            "maximum_amount_capturable": intent["amount"],
            "status": "unavailable",
        },
        "three_d_secure": _three_d_secure() if authenticated else None,
    }
    if manual:
        details["capture_before"] = act.created + act.settings.authorization_seconds
    return {"card": details, "type": "card"}


def _three_d_secure() -> Document:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
