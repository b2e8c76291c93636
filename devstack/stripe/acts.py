"""One request being carried out: what it may touch and how it tells what happened."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devstack.stripe.store import Document, Store

EVENT_TYPES = frozenset(
    {
        "charge.captured",
        "charge.failed",
        "charge.refund.updated",
        "charge.refunded",
        "charge.succeeded",
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "refund.created",
        "refund.failed",
        "refund.updated",
    }
)
API_VERSION = "2026-10-28.endive"  # what stripe-python 16.1 asks for


@dataclass(frozen=True)
class Settings:
    """How this Stripe account behaves; seconds are of the emulator's clock."""

    multicapture: bool = True
    search_lag: float = 0.0
    authorization_seconds: int = 7 * 86400
    key_seconds: int = 86400
    refund_seconds: int = 3600  # until a refund becomes what its test card makes of it


@dataclass
class Act:
    """One operation inside the store's transaction: its clock, its faults, the events it causes."""

    store: Store
    settings: Settings
    now: float
    operation: str
    public_url: str
    request_id: str | None = None
    idempotency_key: str | None = None
    with_webhook: bool = False
    faults: frozenset[str] = frozenset()
    events: list[Document] = field(default_factory=list)

    @property
    def created(self) -> int:
        """Now, in whole seconds, as Stripe writes times."""
        return int(self.now)

    def announce(
        self, kind: str, thing: Document, *, previous: Mapping[str, Any] | None = None
    ) -> None:
        """Write an event with the object as it is now; it is delivered once the act is kept."""
        data: Document = {"object": public(thing)}
        if previous is not None:
            data["previous_attributes"] = dict(previous)
        event: Document = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.created,
            "data": data,
            "livemode": False,
            "pending_webhooks": int(self.with_webhook),
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": kind,
            "_operation": self.operation,
        }
        self.store.insert(event, pending=int(self.with_webhook))
        # A copy: the objects of an act go on changing after they were announced.
        self.events.append(json.loads(json.dumps(event)) if self.with_webhook else event)

    def keep(self, intent: Document, *, new: bool = False) -> None:
        """Write a payment intent, and show it to the search when the search will know it."""
        if new:
            self.store.insert(intent)
        else:
            self.store.save(intent)
        if self.settings.search_lag > 0:
            self.store.index(intent, visible_at=self.now + self.settings.search_lag)


def new_id(prefix: str) -> str:
    """An id in the shape of Stripe's: pi_3…, ch_3…, evt_…"""
    return f"{prefix}_3{secrets.token_hex(11)}"


def public(document: Mapping[str, Any]) -> Document:
    """The object as Stripe shows it: without the emulator's own notes."""
    return {name: value for name, value in document.items() if not name.startswith("_")}
