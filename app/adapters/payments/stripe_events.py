"""What Stripe tells: only what it signed, lately, is read.

https://docs.stripe.com/webhooks · https://docs.stripe.com/api/events/types
"""

import json
from typing import Any

from app.payments.errors import BadSignature
from app.payments.ports import ProviderEvent

EVENT_SECONDS_MAX = 300  # older signatures are replays (https://docs.stripe.com/webhooks)
NEVER_CHANGE_A_PAYMENT = frozenset(
    {
        "payment_intent.created",
        "charge.succeeded",
        "charge.failed",
        "charge.captured",
        "charge.updated",
        "refund.created",
    }
)  # each comes with another event of its intent that is looked at


def verified(payload: bytes, signature: str, *, secret: str) -> ProviderEvent:
    """Check the signature and its age, then read the event. Raises BadSignature."""
    import stripe

    try:
        text = payload.decode()
        stripe.WebhookSignature.verify_header(text, signature, secret, EVENT_SECONDS_MAX)
        # PostgreSQL keeps no NUL in a JSON document.
        return _event(json.loads(text.replace("\\u0000", "\\ufffd")))
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
        raise BadSignature("This was not signed by Stripe, or too long ago.") from error


def _event(body: dict[str, Any]) -> ProviderEvent:
    identity, kind = body["id"], body["type"]
    if not isinstance(identity, str) or not isinstance(kind, str):
        raise TypeError("an event has an id and a type")
    thing = body["data"]["object"]
    family = kind.split(".")[0]
    reference = thing.get("id") if family == "payment_intent" else thing.get("payment_intent")
    known = family in ("payment_intent", "charge", "refund")
    return ProviderEvent(
        id=identity,
        type=kind,
        object_id=reference if known else None,
        body=body,
        known=known,
        worth_a_look=known and kind not in NEVER_CHANGE_A_PAYMENT,
    )
