"""Stripe: payment intents with manual capture. Its words and errors stop here.

https://docs.stripe.com/api/payment_intents ·
https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.adapters.payments import stripe_errors, stripe_holds
from app.config import Settings
from app.payments.errors import BadSignature, NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.payments.ports import Hold, ProviderEvent, StoredRequest
from app.platform.metrics import PSP_REQUEST_SECONDS
from app.platform.money import Money
from app.platform.seams import calling_out

if TYPE_CHECKING:
    from stripe import StripeClient

CONNECT_SECONDS_MAX = 5.0
CONNECTIONS_KEPT = 32
PAGE = 100  # the most Stripe lists at once
EVENT_SECONDS_MAX = 300  # older signatures are replays (https://docs.stripe.com/webhooks)
NEVER_CHANGE_A_PAYMENT = frozenset(
    {
        "payment_intent.created",
        "charge.succeeded",
        "charge.failed",
        "charge.captured",
        "charge.updated",
        "refund.created",
        "refund.updated",
    }
)  # each comes with another event of its intent that is looked at


class StripePayments:
    """The payment port in Stripe's words. The library is loaded with the first call."""

    name = "stripe"

    def __init__(
        self,
        *,
        api_key: str,
        api_base: str = "",
        webhook_secret: str = "",
        seconds_max: float = 20.0,
    ) -> None:
        self._api_key, self._api_base = api_key, api_base.rstrip("/")
        self._webhook_secret, self._seconds_max = webhook_secret, seconds_max

    @classmethod
    def from_settings(cls, settings: Settings) -> "StripePayments":
        """The account and the address the environment names."""
        return cls(
            api_key=settings.stripe_api_key.get_secret_value(),
            api_base=settings.stripe_api_base,
            webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
            seconds_max=settings.psp_seconds_max,
        )

    def authorization(
        self,
        amount: Money,
        *,
        token: str,
        payment_id: UUID,
        checkout_id: UUID,
        order_id: UUID,
        return_url: str,
    ) -> StoredRequest:
        """A confirmed intent that is captured later, in parts where the account may."""
        return StoredRequest(
            {
                "amount": amount.minor,
                "currency": amount.currency.lower(),
                "capture_method": "manual",
                "confirm": True,
                "payment_method": token,
                "payment_method_types": ["card"],
                "payment_method_options": {"card": {"request_multicapture": "if_available"}},
                "return_url": return_url,
                "metadata": {
                    "payment_id": str(payment_id),
                    "checkout_id": str(checkout_id),
                    "order_id": str(order_id),
                },
            }
        )

    def authorize(self, request: StoredRequest, *, key: str) -> Hold:
        """Send the stored request as it was written; the caller committed it and its key before."""
        import stripe

        try:
            with self._acting("authorize"):
                intent = self._intents.create(
                    _sorted(request.body),
                    {"idempotency_key": key},
                )
        except stripe.CardError as error:
            hold = stripe_holds.declined(error, request.body)
            replayed = stripe_errors.is_replay(error.headers)
        except stripe.InvalidRequestError as error:
            hold = stripe_holds.declined(error, request.body)
            replayed = stripe_errors.is_replay(error.headers)
        else:
            hold = stripe_holds.hold(intent.to_dict())
            replayed = stripe_errors.is_replay(_headers(intent))
        return self._as_it_is_now(hold) if replayed else hold

    def retrieve(self, reference: str) -> Hold:
        """The intent as it is now, with what its charge gave back."""
        import stripe

        try:
            with self._looking("retrieve"):
                intent = self._intents.retrieve(reference, {"expand": ["latest_charge"]})
        except stripe.InvalidRequestError as error:
            raise NotAtProvider(f"Stripe does not know {reference}.") from error
        return stripe_holds.hold(intent.to_dict())

    def find(self, payment_id: UUID, *, since: datetime, until: datetime) -> Hold | None:
        """List the intents of the window: Stripe's search lags, its lists do not."""
        for intent in self._listed(since, until, {}):
            if (intent.get("metadata") or {}).get("payment_id") == str(payment_id):
                return self.retrieve(intent["id"])
        return None

    def holds(self, *, since: datetime, until: datetime) -> Iterator[Hold]:
        """All intents of the window, with what their charges gave back."""
        expanded = {"expand": ["data.latest_charge"]}
        return map(stripe_holds.hold, self._listed(since, until, expanded))

    def void(self, reference: str, *, key: str) -> Hold:
        """Cancel the intent; where Stripe will not, the intent itself says why."""
        import stripe

        try:
            with self._acting("void"):
                intent = self._intents.cancel(reference, {}, {"idempotency_key": key})
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                raise NotAtProvider(f"Stripe does not know {reference}.") from error
            return self.retrieve(reference)
        return stripe_holds.hold(intent.to_dict())

    def refund(self, reference: str, *, key: str) -> Hold:
        """Give back what is left of the captured money; a second time there is nothing left."""
        import stripe

        try:
            with self._acting("refund"):
                self._client.v1.refunds.create(
                    {"payment_intent": reference}, {"idempotency_key": key}
                )
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                raise NotAtProvider(f"Stripe does not know {reference}.") from error
        return self.retrieve(reference)

    def verify_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """Check Stripe's signature and its age, then read the event."""
        import stripe

        try:
            text = payload.decode()
            stripe.WebhookSignature.verify_header(
                text, signature, self._webhook_secret, EVENT_SECONDS_MAX
            )
            # PostgreSQL keeps no NUL in a JSON document.
            return _event(json.loads(text.replace("\\u0000", "\\ufffd")))
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
            raise BadSignature("This was not signed by Stripe, or too long ago.") from error

    def close(self) -> None:
        """Hang up; the next call connects anew."""
        self.__dict__.pop("_client", None)
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()

    def _listed(
        self, since: datetime, until: datetime, options: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        window = {"gte": int(since.timestamp()), "lte": int(until.timestamp()) + 1}
        parameters = {"created": window, "limit": PAGE, **options}
        while True:
            with self._looking("list"):
                page = self._intents.list(parameters)
            yield from (intent.to_dict() for intent in page.data)
            if not page.has_more:
                return
            parameters["starting_after"] = page.data[-1].id

    def _as_it_is_now(self, hold: Hold) -> Hold:
        """An answer Stripe repeats is as old as its key: look again."""
        if hold.reference is None:
            return hold
        try:
            now = self.retrieve(hold.reference)
        except (ProviderAway, NotAtProvider) as away:
            raise OutcomeUnknown(Silence.NO_ANSWER, away.detail) from away
        return hold if now.status == hold.status == "declined" else now

    @contextmanager
    def _acting(self, operation: str) -> Iterator[None]:
        with stripe_errors.of_acts(), self._called(operation):
            yield

    @contextmanager
    def _looking(self, operation: str) -> Iterator[None]:
        with stripe_errors.of_looks(), self._called(operation):
            yield

    @contextmanager
    def _called(self, operation: str) -> Iterator[None]:
        with calling_out(f"psp.{operation}"):
            began = perf_counter()
            try:
                yield
            finally:
                PSP_REQUEST_SECONDS.labels(provider=self.name, operation=operation).observe(
                    perf_counter() - began
                )

    @property
    def _intents(self) -> Any:
        return self._client.v1.payment_intents

    @cached_property
    def _client(self) -> "StripeClient":
        """One client and one pool of kept connections for the process; it never retries by
        itself."""
        import stripe

        patience = (min(CONNECT_SECONDS_MAX, self._seconds_max), self._seconds_max)
        return stripe.StripeClient(
            self._api_key,
            base_addresses={"api": self._api_base} if self._api_base else None,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=patience, session=self._session),
        )

    @cached_property
    def _session(self) -> Any:
        import requests

        session = requests.Session()
        kept = requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS_KEPT)
        session.mount("https://", kept)
        session.mount("http://", kept)
        # A proxy of the environment leads to the real Stripe, not to an address given here.
        session.trust_env = not self._api_base
        return session


def _sorted(body: Any) -> Any:
    """The body in one order, whatever order it was kept in: the same bytes every time."""
    if isinstance(body, Mapping):
        return {name: _sorted(body[name]) for name in sorted(body)}
    if isinstance(body, list):
        return [_sorted(item) for item in body]
    return body


def _headers(intent: Any) -> Mapping[str, str]:
    return intent.last_response.headers if intent.last_response is not None else {}


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
