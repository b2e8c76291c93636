"""How the emulator refuses: Stripe's own error bodies (https://docs.stripe.com/api/errors)."""

from collections.abc import Mapping
from typing import Any


class StripeError(Exception):
    """One refusal as Stripe words it: an HTTP status and the content of `{"error": {…}}`."""

    def __init__(self, status: int, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        present = {name: value for name, value in fields.items() if value is not None}
        if "code" in present:
            page = str(present["code"]).replace("_", "-")
            present["doc_url"] = f"https://stripe.com/docs/error-codes/{page}"
        self.body: dict[str, Any] = {"message": message, **present}


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None, **fields: Any
) -> StripeError:
    """A request Stripe cannot take: 400, `invalid_request_error`."""
    return StripeError(400, message, type="invalid_request_error", code=code, param=param, **fields)


def missing(kind: str, identity: str, *, param: str, status: int = 404) -> StripeError:
    """A thing that does not exist, named as Stripe names it: No such payment_intent: 'pi_1'."""
    return StripeError(
        status,
        f"No such {kind}: '{identity[:255]}'",
        type="invalid_request_error",
        code="resource_missing",
        param=param,
    )


def unexpected_state(message: str, intent: Mapping[str, Any]) -> StripeError:
    """An act this payment intent's status does not allow; the intent comes with the refusal."""
    return invalid_request(
        message, code="payment_intent_unexpected_state", payment_intent=dict(intent)
    )


def card_error(message: str, *, code: str, param: str | None = None, **fields: Any) -> StripeError:
    """The card was refused: 402, `card_error`."""
    return StripeError(402, message, type="card_error", code=code, param=param, **fields)


def unauthorized(message: str) -> StripeError:
    """No API key, or one this account does not know: 401."""
    error = StripeError(401, message, type="invalid_request_error")
    error.headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    return error


def unknown_url(method: str, path: str) -> StripeError:
    """A path this API does not have: 404."""
    return StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs "
        "or we can help at https://support.stripe.com/.",
        type="invalid_request_error",
    )


def rate_limited() -> StripeError:
    """Too many requests at once: 429, safe to repeat because nothing was done."""
    error = StripeError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        type="invalid_request_error",
        code="rate_limit",
    )
    error.headers["Stripe-Should-Retry"] = "true"
    return error


def server_error() -> StripeError:
    """Something broke on Stripe's side: 500, `api_error`; what was done is not said."""
    return StripeError(
        500,
        "An unknown error occurred. We have been notified of the problem.",
        type="api_error",
    )
