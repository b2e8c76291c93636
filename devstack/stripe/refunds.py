"""Refunds: money given back, never more than was captured; a bank may still send it back.

https://docs.stripe.com/refunds#failed-refunds
"""

from devstack.stripe.acts import Act, new_id
from devstack.stripe.charges import refundable
from devstack.stripe.errors import invalid_request, missing
from devstack.stripe.money import written
from devstack.stripe.payment_methods import card_of
from devstack.stripe.store import Document


def create(act: Act, parameters: Document) -> Document:
    """Give back a captured amount, or what is left of it."""
    charge = _charge_of(act, parameters)
    left = refundable(charge)
    if left == 0:
        raise invalid_request(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = parameters.get("amount", left)
    if amount > left:
        money = charge["currency"]
        untouched = left == charge["amount"]
        limit = "charge amount" if untouched else "unrefunded amount on charge"
        raise invalid_request(
            f"Refund amount ({written(amount, money)}) is greater than {limit} "
            f"({written(left, money)})",
            param="amount",
        )
    refund = _refund(act, charge, amount, parameters)
    _play_card(act, charge, refund)
    act.store.insert(refund, parent=charge["payment_intent"])
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["captured"] and refundable(charge) == 0
    act.store.save(charge)
    act.announce("refund.created", refund)
    act.announce("charge.refunded", charge)
    return refund


def retrieve(act: Act, identity: str) -> Document:
    """The refund as it is now."""
    refund = act.store.load("refund", identity)
    if refund is None:
        raise missing("refund", identity, param="id")
    return refund


def release(act: Act, charge: Document, amount: int) -> None:
    """Let go what was authorized and is not taken; Stripe shows it as refunded, too."""
    charge["amount_refunded"] += amount
    charge["_released"] += amount
    act.store.insert(_refund(act, charge, amount, {}), parent=charge["payment_intent"])


def settle(act: Act, refund: Document, *, succeeded: bool) -> None:
    """The bank has answered a refund: taken, or sent back to the account, where it lies again."""
    if refund["status"] == "failed":
        raise invalid_request("This refund has failed already.")
    before, refund["_lapses_at"] = refund["status"], None
    refund["status"] = "succeeded" if succeeded else "failed"
    if not succeeded:
        refund["failure_reason"] = "expired_or_canceled_card"
        refund["failure_balance_transaction"] = new_id("txn")
        _take_back(act, refund)
    act.store.save(refund)
    for kind in ("refund.updated", "charge.refund.updated"):
        act.announce(kind, refund, previous={"status": before})
    if not succeeded:
        act.announce("refund.failed", refund)


def _play_card(act: Act, charge: Document, refund: Document) -> None:
    card = card_of(act, charge["payment_method"])
    refund["status"], refund["_ends"] = card.refund, card.refund_ends
    if card.refund_ends is not None:
        refund["_lapses_at"] = act.now + act.settings.refund_seconds


def _take_back(act: Act, refund: Document) -> None:
    charge = act.store.load("charge", refund["charge"])
    if charge is None:
        raise missing("charge", refund["charge"], param="charge")
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    act.store.save(charge)


def _charge_of(act: Act, parameters: Document) -> Document:
    given = [name for name in ("charge", "payment_intent") if parameters.get(name)]
    if not given:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
        )
    if "payment_intent" in given:
        intent = act.store.load("payment_intent", parameters["payment_intent"])
        if intent is None:
            raise missing("payment_intent", parameters["payment_intent"], param="payment_intent")
        identity = intent["latest_charge"]
    if "charge" in given:
        identity = parameters["charge"]
    charge = act.store.load("charge", identity) if identity else None
    if charge is None and "charge" in given:
        raise missing("charge", str(identity), param="charge")
    if charge is None or charge["amount_captured"] == 0:
        owner = parameters.get("payment_intent") or (charge or {})["payment_intent"]
        raise invalid_request(
            f"This PaymentIntent ({owner}) does not have a successful charge to refund.",
            param=given[0],
        )
    if len(given) == 2 and charge["payment_intent"] != parameters["payment_intent"]:
        raise invalid_request(
            f"The charge {charge['id']} does not belong to {parameters['payment_intent']}.",
            param="charge",
        )
    return charge


def _refund(act: Act, charge: Document, amount: int, parameters: Document) -> Document:
    given = parameters.get("metadata") or {}
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn") if charge["balance_transaction"] else None,
        "charge": charge["id"],
        "created": act.created,
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": {key: value for key, value in given.items() if value != ""},
        "payment_intent": charge["payment_intent"],
        "reason": parameters.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
