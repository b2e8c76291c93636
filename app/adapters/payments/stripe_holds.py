"""A payment intent in the shop's words."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.payments.ports import Hold, HoldStatus

_STATUS: dict[str, HoldStatus] = {
    "requires_capture": "authorized",
    "requires_action": "requires_action",
    "requires_confirmation": "processing",
    "requires_payment_method": "declined",
    "processing": "processing",
    "succeeded": "captured",
    "canceled": "canceled",
}
_CAPTURE = "capture_"


def capture_mark(capture_id: UUID) -> str:
    """What an intent says of a capture in its metadata; Stripe takes 40 characters."""
    return f"{_CAPTURE}{capture_id.hex}"


def hold(intent: dict[str, Any]) -> Hold:
    """The intent as a hold; `refunded` is only known where its charge came with it."""
    captured = intent.get("amount_received") or 0
    charge, metadata = intent.get("latest_charge"), dict(intent.get("metadata") or {})
    card = _card(charge)
    return Hold(
        reference=intent["id"],
        status=_STATUS[intent["status"]],
        amount=intent["amount"],
        currency=intent["currency"].upper(),
        captured=captured,
        refunded=_refunded(charge, captured),
        next_action=_next_action(intent.get("next_action")),
        decline=_decline(intent.get("last_payment_error")),
        metadata=metadata,
        multicapture=_in_parts(card),
        capture_before=_moment(card.get("capture_before")),
        captures=frozenset(_captures(metadata)),
    )


def declined(error: Any, body: dict[str, Any]) -> Hold:
    """A refused request as a hold; the intent Stripe made for it, if any, comes in the error."""
    told = ((error.json_body or {}).get("error")) or {}
    intent = told.get("payment_intent")
    decline = _decline(told) or _decline({"message": str(error)})
    if intent:
        made = hold(intent)
        return Hold(
            reference=made.reference,
            status="declined",
            amount=made.amount,
            currency=made.currency,
            decline=decline,
            metadata=made.metadata,
        )
    return Hold(
        reference=None,
        status="declined",
        amount=body["amount"],
        currency=body["currency"].upper(),
        decline=decline,
        metadata=dict(body["metadata"]),
    )


def _refunded(charge: Any, captured: int) -> int:
    """What was given back of the money taken.

    Stripe also counts as refunded what a last partial capture let go, except with multicapture.
    """
    if not isinstance(charge, dict) or not captured:
        return 0
    let_go = 0 if _in_parts(_card(charge)) else charge["amount"] - charge["amount_captured"]
    given_back: int = charge["amount_refunded"] - let_go
    return max(0, min(captured, given_back))


def _card(charge: Any) -> dict[str, Any]:
    if not isinstance(charge, dict):
        return {}
    return (charge.get("payment_method_details") or {}).get("card") or {}


def _in_parts(card: Mapping[str, Any]) -> bool:
    return (card.get("multicapture") or {}).get("status") == "available"


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _captures(metadata: Mapping[str, str]) -> Iterator[UUID]:
    """The ids the hold was captured under; what somebody else wrote there is none."""
    for name in metadata:
        if name.startswith(_CAPTURE):
            with suppress(ValueError):
                yield UUID(name.removeprefix(_CAPTURE))


def _next_action(action: dict[str, Any] | None) -> dict[str, Any] | None:
    if action is None:
        return None
    redirect = action.get("redirect_to_url") or {}
    return {**action, "type": action["type"], "url": redirect.get("url")}


def _decline(error: dict[str, Any] | None) -> dict[str, Any] | None:
    if not error:
        return None
    return {
        "code": "payment_declined",
        "reason": error.get("decline_code") or error.get("code") or error.get("type"),
        "message": error.get("message") or "The payment was declined.",
    }
