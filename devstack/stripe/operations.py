"""The operations of the API: their paths, the parameters they take, and who carries them out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from devstack.stripe import cancellations, captures, listing, payment_intents, refunds
from devstack.stripe.acts import Act
from devstack.stripe.errors import invalid_request, missing
from devstack.stripe.forms import (
    Parser,
    Raw,
    boolean,
    choice,
    group,
    identity,
    integer,
    metadata,
    period,
    text,
)
from devstack.stripe.forms import listing as list_of
from devstack.stripe.intents import retrieve
from devstack.stripe.store import Document

Run: TypeAlias = Callable[[Act, str, Document], Document]


@dataclass(frozen=True)
class Operation:
    """One call of the API: `name` is what faults and counters know it by."""

    name: str
    method: str
    path: re.Pattern[str]
    run: Run
    parameters: Mapping[str, Parser] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def find(method: str, path: str) -> tuple[Operation, str] | None:
    """The operation a request asks for, and the id in its path, if it has one."""
    for operation in OPERATIONS:
        if operation.method == method:
            match = operation.path.fullmatch(path)
            if match:
                return operation, match[1] if match.groups() else ""
    return None


def currency(path: str, raw: Raw) -> str:
    """A three-letter currency, in any case."""
    return identity(path, raw).lower()


def web_address(path: str, raw: Raw) -> str:
    """Where the shopper goes back to after a redirect."""
    value = identity(path, raw)
    if not re.match(r"https?://[^\s/]+", value):
        raise invalid_request("Not a valid URL", code="url_invalid", param=path)
    return value


def _retrieve(kind: str, *, param: str) -> Run:
    def run(act: Act, identity: str, _parameters: Document) -> Document:
        found = act.store.load(kind, identity)
        if found is None:
            raise missing(kind, identity, param=param)
        return found

    return run


def _list(kind: str, path: str) -> Run:
    def run(act: Act, _identity: str, parameters: Document) -> Document:
        return listing.page(act, kind, parameters, url=path)

    return run


def _search(act: Act, _identity: str, parameters: Document) -> Document:
    return listing.search(act, parameters, url="/v1/payment_intents/search")


def _create_intent(act: Act, _identity: str, parameters: Document) -> Document:
    return payment_intents.create(act, parameters)


def _create_refund(act: Act, _identity: str, parameters: Document) -> Document:
    return refunds.create(act, parameters)


TEXT = text()
EXPAND = {"expand": list_of(identity)}
PAGES = {
    **EXPAND,
    "limit": integer(),
    "starting_after": identity,
    "ending_before": identity,
    "created": period,
}
CAPTURE_METHOD = choice("automatic", "automatic_async", "manual")
ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), TEXT)
SHIPPING = group(
    {
        "address": group(ADDRESS),
        **dict.fromkeys(("name", "phone", "carrier", "tracking_number"), TEXT),
    }
)
IF_AVAILABLE = choice("if_available", "never")
CARD_OPTIONS = group(
    {
        "card": group(
            {
                "capture_method": choice("manual"),
                "request_multicapture": IF_AVAILABLE,
                "request_extended_authorization": IF_AVAILABLE,
                "request_overcapture": IF_AVAILABLE,
                "request_incremental_authorization": IF_AVAILABLE,
                "request_three_d_secure": choice("any", "automatic", "challenge"),
            }
        )
    }
)
SHARED: dict[str, Parser] = {
    **EXPAND,
    "payment_method": identity,
    "payment_method_types": list_of(choice("card")),
    "payment_method_options": CARD_OPTIONS,
    "receipt_email": text(800),
    "setup_future_usage": choice("off_session", "on_session"),
    "shipping": SHIPPING,
    "capture_method": CAPTURE_METHOD,
}
DESCRIBED: dict[str, Parser] = {
    "amount": integer(least=1),
    "currency": currency,
    "description": text(1000),
    "metadata": metadata,
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
    "transfer_group": TEXT,
}
CONFIRMED: dict[str, Parser] = {
    "off_session": boolean,
    "return_url": web_address,
    "error_on_requires_action": boolean,
    "use_stripe_sdk": boolean,
}
CREATE: dict[str, Parser] = {
    **SHARED,
    **DESCRIBED,
    **CONFIRMED,
    "confirm": boolean,
    "confirmation_method": choice("automatic", "manual"),
    "automatic_payment_methods": group(
        {"enabled": boolean, "allow_redirects": choice("always", "never")}
    ),
}
CAPTURE: dict[str, Parser] = {
    **EXPAND,
    "amount_to_capture": integer(least=0),
    "final_capture": boolean,
    "metadata": metadata,
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
}
CANCEL: dict[str, Parser] = {
    **EXPAND,
    "cancellation_reason": choice("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
}
REFUND: dict[str, Parser] = {
    **EXPAND,
    "payment_intent": identity,
    "charge": identity,
    "amount": integer(least=1),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": metadata,
}


def _operation(
    name: str,
    request: str,
    run: Callable[..., Document],
    parameters: Mapping[str, Parser],
    *required: str,
) -> Operation:
    method, path = request.split()
    pattern = re.compile(path.replace("{id}", "([A-Za-z0-9_-]{1,255})"))
    return Operation(name, method, pattern, run, parameters, required)


def _get_intent(act: Act, identity: str, _parameters: Any) -> Document:
    return retrieve(act, identity)


INTENTS = "/v1/payment_intents"
OPERATIONS = (
    _operation(
        "payment_intents.create", f"POST {INTENTS}", _create_intent, CREATE, "amount", "currency"
    ),
    _operation(
        "payment_intents.list",
        f"GET {INTENTS}",
        _list("payment_intent", INTENTS),
        PAGES,
    ),
    _operation(
        "payment_intents.search",
        f"GET {INTENTS}/search",
        _search,
        {**EXPAND, "query": identity, "limit": integer(), "page": identity},
        "query",
    ),
    _operation(
        "payment_intents.retrieve",
        f"GET {INTENTS}/{{id}}",
        _get_intent,
        {**EXPAND, "client_secret": identity},
    ),
    _operation(
        "payment_intents.update",
        f"POST {INTENTS}/{{id}}",
        payment_intents.update,
        {**SHARED, **DESCRIBED},
    ),
    _operation(
        "payment_intents.confirm",
        f"POST {INTENTS}/{{id}}/confirm",
        payment_intents.confirm,
        {**SHARED, **CONFIRMED, "client_secret": identity},
    ),
    _operation(
        "payment_intents.capture",
        f"POST {INTENTS}/{{id}}/capture",
        captures.capture,
        CAPTURE,
    ),
    _operation(
        "payment_intents.cancel", f"POST {INTENTS}/{{id}}/cancel", cancellations.cancel, CANCEL
    ),
    _operation(
        "charges.list",
        "GET /v1/charges",
        _list("charge", "/v1/charges"),
        {**PAGES, "payment_intent": identity},
    ),
    _operation("charges.retrieve", "GET /v1/charges/{id}", _retrieve("charge", param="id"), EXPAND),
    _operation("refunds.create", "POST /v1/refunds", _create_refund, REFUND),
    _operation(
        "refunds.list",
        "GET /v1/refunds",
        _list("refund", "/v1/refunds"),
        {**PAGES, "payment_intent": identity, "charge": identity},
    ),
    _operation("refunds.retrieve", "GET /v1/refunds/{id}", _retrieve("refund", param="id"), EXPAND),
    _operation(
        "events.list",
        "GET /v1/events",
        _list("event", "/v1/events"),
        {**PAGES, "type": identity, "types": list_of(identity)},
    ),
    _operation("events.retrieve", "GET /v1/events/{id}", _retrieve("event", param="id"), EXPAND),
    _operation(
        "payment_methods.retrieve",
        "GET /v1/payment_methods/{id}",
        _retrieve("payment_method", param="payment_method"),
        EXPAND,
    ),
)
NAMES = frozenset(operation.name for operation in OPERATIONS)
