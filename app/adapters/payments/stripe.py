"""Stripe: payment intents with manual capture. Its words and errors stop here.

https://docs.stripe.com/api/payment_intents ·
https://docs.stripe.com/payments/place-a-hold-on-a-payment-method ·
https://docs.stripe.com/payments/multicapture
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.adapters.payments import stripe_errors, stripe_events, stripe_holds, stripe_refunds
from app.adapters.payments.stripe_connection import StripeConnection
from app.config import Settings
from app.payments.errors import NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.payments.ports import Hold, ProviderEvent, Repaid, StoredRequest
from app.platform.money import Money

_WITH_CHARGE = {"expand": ["latest_charge"]}  # it knows what was given back, and until when


class StripePayments(StripeConnection):
    """The payment port in Stripe's words."""

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
                **_WITH_CHARGE,
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
        except (stripe.CardError, stripe.InvalidRequestError) as error:
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
                intent = self._intents.retrieve(reference, dict(_WITH_CHARGE))
        except stripe.InvalidRequestError as error:
            raise NotAtProvider(f"Stripe does not know {reference}.") from error
        return stripe_holds.hold(intent.to_dict())

    def find(self, payment_id: UUID, *, since: datetime, until: datetime) -> Hold | None:
        """List the intents of the window: Stripe's search lags, its lists do not."""
        for intent in self._pages(self._intents, _window(since, until)):
            if (intent.get("metadata") or {}).get("payment_id") == str(payment_id):
                return self.retrieve(intent["id"])
        return None

    def holds(self, *, since: datetime, until: datetime) -> Iterator[Hold]:
        """All intents of the window, with what their charges gave back."""
        wanted = {**_window(since, until), "expand": ["data.latest_charge"]}
        return map(stripe_holds.hold, self._pages(self._intents, wanted))

    def capture(
        self, reference: str, amount: int, *, capture_id: UUID, final: bool, key: str
    ) -> Hold:
        """Take the money and write into the intent, in the same act, under which id."""
        import stripe

        parameters = {
            **_WITH_CHARGE,
            "amount_to_capture": amount,
            "metadata": {stripe_holds.capture_mark(capture_id): str(amount)},
            **({} if final else {"final_capture": False}),
        }
        try:
            with self._acting("capture"):
                intent = self._intents.capture(
                    reference, _sorted(parameters), {"idempotency_key": key}
                )
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            return self._not_captured(reference, error)
        hold = stripe_holds.hold(intent.to_dict())
        replayed = stripe_errors.is_replay(_headers(intent))
        return self._as_it_is_now(hold) if replayed else hold

    def void(self, reference: str, *, key: str) -> Hold:
        """Cancel the intent; where Stripe will not, the intent itself says why.

        One captured in part cannot be canceled: a last capture of nothing lets the rest go.
        """
        import stripe

        try:
            with self._acting("void"):
                intent = self._intents.cancel(
                    reference, dict(_WITH_CHARGE), {"idempotency_key": key}
                )
        except stripe.InvalidRequestError as error:
            _raise_missing(error, reference)
            hold = self.retrieve(reference)
            if hold.status == "authorized" and hold.captured:
                return self._closed(reference, key=f"{key}:rest")
            return hold
        return stripe_holds.hold(intent.to_dict())

    def refund(self, reference: str, *, key: str) -> Hold:
        """Give back what is left of the captured money; a second time there is nothing left."""
        import stripe

        try:
            with self._acting("refund"):
                self._refunds.create({"payment_intent": reference}, {"idempotency_key": key})
        except stripe.InvalidRequestError as error:
            _raise_missing(error, reference)
        return self.retrieve(reference)

    def repay(self, reference: str, amount: int, *, refund_id: UUID, key: str) -> Repaid:
        """A refund of so much, which carries the shop's own id."""
        import stripe

        parameters = {
            "payment_intent": reference,
            "amount": amount,
            "metadata": {stripe_refunds.REFUND_ID: str(refund_id)},
        }
        try:
            with self._acting("repay"):
                refund = self._refunds.create(parameters, {"idempotency_key": key})
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            _raise_missing(error, reference)
            raise stripe_refunds.refused(error) from error
        return stripe_refunds.repaid(refund.to_dict())

    def repayments(self, reference: str) -> Sequence[Repaid]:
        """List the refunds of the intent, whoever made them."""
        listed = self._pages(self._refunds, {"payment_intent": reference})
        return [stripe_refunds.repaid(refund) for refund in listed]

    def verify_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """Check Stripe's signature and its age, then read the event."""
        return stripe_events.verified(payload, signature, secret=self._webhook_secret)

    def _not_captured(self, reference: str, error: Any) -> Hold:
        """A capture Stripe refused; where the intent is closed already, as it is."""
        _raise_missing(error, reference)
        hold = self.retrieve(reference)
        if hold.status == "captured":
            return hold
        raise stripe_errors.capture_refused(error, hold) from error

    def _closed(self, reference: str, *, key: str) -> Hold:
        """A hold taken in part, whose rest is let go now, or was just taken or let go by others."""
        import stripe

        parameters = {"amount_to_capture": 0, "final_capture": True, **_WITH_CHARGE}
        try:
            with self._acting("void"):
                intent = self._intents.capture(reference, parameters, {"idempotency_key": key})
        except stripe.InvalidRequestError:
            return self.retrieve(reference)
        return stripe_holds.hold(intent.to_dict())

    def _as_it_is_now(self, hold: Hold) -> Hold:
        """An answer Stripe repeats is as old as its key: look again."""
        if hold.reference is None:
            return hold
        try:
            now = self.retrieve(hold.reference)
        except (ProviderAway, NotAtProvider) as away:
            raise OutcomeUnknown(Silence.NO_ANSWER, away.detail) from away
        return hold if now.status == hold.status == "declined" else now


def _window(since: datetime, until: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp()), "lte": int(until.timestamp()) + 1}}


def _raise_missing(error: Any, reference: str) -> None:
    if error.code == "resource_missing":
        raise NotAtProvider(f"Stripe does not know {reference}.") from error


def _sorted(body: Any) -> Any:
    """The body in one order, whatever order it was kept in: the same bytes every time."""
    if isinstance(body, Mapping):
        return {name: _sorted(body[name]) for name in sorted(body)}
    if isinstance(body, list):
        return [_sorted(item) for item in body]
    return body


def _headers(intent: Any) -> Mapping[str, str]:
    return intent.last_response.headers if intent.last_response is not None else {}
