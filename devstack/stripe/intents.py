"""What every act on a payment intent begins with."""

from devstack.stripe.acts import Act
from devstack.stripe.errors import missing
from devstack.stripe.store import Document


def retrieve(act: Act, identity: str) -> Document:
    """The intent as it is now."""
    intent = act.store.load("payment_intent", identity)
    if intent is None:
        raise missing("payment_intent", identity, param="intent")
    return intent


def merged(metadata: dict[str, str], changes: dict[str, str] | None) -> dict[str, str]:
    """Metadata after a change: an empty value unsets its key, an empty whole unsets all."""
    if not changes:
        return metadata
    if changes == {"": ""}:
        return {}
    return {key: value for key, value in {**metadata, **changes}.items() if value != ""}
