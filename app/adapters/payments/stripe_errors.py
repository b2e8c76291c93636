"""What Stripe's failures mean: which are a no, and which leave it unknown what was done.

https://docs.stripe.com/error-handling · https://docs.stripe.com/api/idempotent_requests
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.payments.errors import CaptureRefused, OutcomeUnknown, ProviderAway, Silence
from app.payments.ports import Hold

_EXPIRED = ("charge_expired_for_capture", "capture_charge_authorization_expired")


def is_replay(headers: Mapping[str, str] | None) -> bool:
    """Whether Stripe repeated an answer it had kept under the key."""
    named = {name.lower(): value for name, value in (headers or {}).items()}
    return named.get("idempotent-replayed") == "true"


@contextmanager
def of_acts() -> Iterator[None]:
    """Turn failures after which it is unknown what was done into OutcomeUnknown.

    Refusals of the card or of the request pass: they are answers.
    """
    import stripe

    try:
        yield
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        raise OutcomeUnknown(silence_of(error), _detail(error)) from error


@contextmanager
def of_looks() -> Iterator[None]:
    """Turn every failure to look into ProviderAway; that the thing is not there passes."""
    import stripe

    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.http_status != 404:
            raise ProviderAway(_detail(error)) from error
        raise
    except stripe.StripeError as error:
        raise ProviderAway(_detail(error)) from error


def capture_refused(error: Any, hold: Hold) -> CaptureRefused:
    """Why Stripe takes no money of a hold that is as it is."""
    detail = error.user_message or "Stripe refused the capture."
    if hold.status == "canceled" or error.code in _EXPIRED:
        return CaptureRefused("authorization_expired", detail)
    if error.param == "final_capture":
        return CaptureRefused("multicapture_unavailable", detail)
    return CaptureRefused(error.code or "capture_refused", detail)


def silence_of(error: Any) -> Silence:
    """Why it is unknown what this call did."""
    import stripe

    if isinstance(error, stripe.IdempotencyError):
        return Silence.KEY_MISMATCH
    status = error.http_status
    if status is None:
        return Silence.NO_ANSWER
    if status >= 500:
        return Silence.STORED_FAILURE if is_replay(error.headers) else Silence.SERVER_ERROR
    by_status = {
        401: Silence.ACCESS_REFUSED,
        403: Silence.ACCESS_REFUSED,
        409: Silence.KEY_IN_USE,
        429: Silence.RATE_LIMITED,
    }
    return by_status.get(status, Silence.NO_ANSWER)


def _detail(error: Any) -> str:
    return f"{type(error).__name__}: {error.user_message or 'no message'}"[:500]
