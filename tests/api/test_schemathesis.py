"""The whole document, word by word: whatever is sent, nothing breaks, and nothing undocumented
comes back."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.web.auth import CART_TOKEN_HEADER
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.busy_street import busy, signed
from tests.api.people import Street, paying, street
from tests.factories import ADDRESS

Known = dict[str, Any]
Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
A_TYPE_ID = re.compile("[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")
A_NAME = re.compile("{([^}]+)}")
EXAMPLES = 4  # of each operation for each caller and each intent
CALLERS = ("nobody", "visitor", "guest", "customer", "merchant", "machine", "rival", "ops")
OUTSIDERS = ("nobody", "rival")  # of what they name nothing is theirs
SHOWN = {"sku_id", "product_id", "merchant_id", "review_id", "carrier", "number", "provider"}
# What no schema knows and a caller does; only where all that is sent is to fit the schema.
SENSIBLE = {
    "shipping_address": ADDRESS, "payment_method_token": "pm_card_visa", "service": "standard",
    "line": 1, "qty": 1, "received": 1, "currency": "EUR", "country": "DE", "address": ADDRESS,
}  # fmt: skip
TOLD = {  # by a payment provider, and by a carrier
    "id": "evt_1", "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    "status": "in_transit", "happened_at": "2026-07-01T08:00:00Z",
}  # fmt: skip
# Some acts leave nothing to be done after them.
LAST_WORDS = ("refunds", "reject", "disable", "end", "suspend", "cancel")
# `positive_data_acceptance` is left out: what fits the schema may be refused all the same. An id
# names nothing, a cart is sold, a country is not shipped to; no schema knows that.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
]
BRIEFLY = hypothesis_settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose people all own something, at every stage."""
    return busy(street(providers, queue, client))


@pytest.fixture
def described(app: Flask) -> OpenApiSchema:
    """The document as it is served, less its catch-all: a status that is not named is a finding."""
    document = dict(app.test_client().get("/openapi.json").json or {})
    for _, _, operation in _operations(document):
        operation["responses"].pop("default")
        operation["x-for-anybody"] = {} in (operation["security"] or [{}])
        operation["security"] = []  # who calls is the test's choice, not a token made up
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return schema


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
def test_whatever_is_sent_the_answer_is_documented(
    caller: str, shop: Street, described: OpenApiSchema
) -> None:
    trial = Trial(shop, caller)

    findings = [
        finding
        for operation in _gentle_ones_first(described)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for finding in trial.findings(operation, mode)
    ]

    assert not findings, "\n\n".join(findings)


def test_every_name_in_a_path_is_that_of_something(shop: Street, described: OpenApiSchema) -> None:
    names = {name for path in described.raw_schema["paths"] for name in A_NAME.findall(path)}

    somebodys = {name for caller in CALLERS for name in shop.people[caller].ids}

    assert names - somebodys == set()


def test_whatever_may_be_looked_at_is_there_for_somebody(
    shop: Street, described: OpenApiSchema
) -> None:
    known = [(shop.people[caller], _known(shop, caller)) for caller in CALLERS]
    paths = [path for path, item in described.raw_schema["paths"].items() if "get" in item]

    unseen = [
        path
        for path in paths
        if "{" in path
        and all(who.get(path.format_map(ids)).status_code != 200 for who, ids in known)
    ]

    assert unseen == []


def test_a_body_of_blanks_is_no_json(shop: Street) -> None:
    customer = shop.people["customer"]

    answer = shop.client.put(
        "/v1/account/notifications",
        data=" \n",
        content_type="application/json",
        headers=customer.headers,
    )

    assert (answer.status_code, (answer.json or {})["code"]) == (400, "invalid_json")


def test_a_method_that_is_not_there_is_told_which_are(
    described: OpenApiSchema, client: FlaskClient, shop: Street
) -> None:
    known = _known(shop, "ops") | _known(shop, "customer")
    for path, item in described.raw_schema["paths"].items():
        allowed = {method.upper() for method in item if method != "parameters"}
        address = path.format_map(known)

        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
            answer = client.open(address, method=method)

            assert answer.status_code == 405, (method, path)
            assert answer.mimetype == "application/problem+json"
            assert (answer.json or {})["code"] == "method_not_allowed"
            assert set(re.split(", ?", answer.headers["Allow"])) - {"HEAD", "OPTIONS"} == allowed


_made: dict[tuple[str, GenerationMode], list[Case]] = {}


def _cases(operation: Operation, mode: GenerationMode) -> list[Case]:
    """What is sent to an operation, by everybody the same; it takes longer to make up than to send.

    The door is the same for all tests, so that what was made up for one fits the next.
    """
    kind = operation.label, mode
    if kind not in _made:
        _made[kind] = cases = []

        @BRIEFLY
        @given(case=operation.as_strategy(generation_mode=mode))
        def keep(case: Case) -> None:
            cases.append(case)

        with suppress(Unsatisfiable):  # nothing about it can be sent wrongly
            keep()
    return [_copy(case) for case in _made[kind]]


def _copy(case: Case) -> Case:
    return type(case)(
        case.operation,
        case.method,
        case.path,
        path_parameters=deepcopy(case.path_parameters),
        headers=deepcopy(case.headers),
        cookies=deepcopy(case.cookies),
        query=deepcopy(case.query),
        body=case.body if isinstance(case.body, NotSet) else deepcopy(case.body),
        media_type=case.media_type,
        multipart_content_types=case.multipart_content_types,
        meta=deepcopy(case.meta),
    )


@dataclass
class Trial:
    """All that one caller sends."""

    shop: Street
    caller: str

    def findings(self, operation: Operation, mode: GenerationMode) -> Iterator[str]:
        """What is wrong with an operation's answers; then the workers do what came of it."""
        ask = self._asker(operation, mode)
        for case in _cases(operation, mode):
            try:
                ask(case)
            except (FailureGroup, Exception) as error:
                yield f"{operation.label} ({mode.value}): {error}"
        self.shop.queue.drain()

    def _asker(self, operation: Operation, mode: GenerationMode) -> Callable[[Case], None]:
        """Three of four calls name what is there, at one stage or the other."""
        known, more = _known(self.shop, self.caller), _known(self.shop, self.caller, more=True)
        turns = cycle([known, more, {}, known])
        is_positive = mode is GenerationMode.POSITIVE
        sensible = SENSIBLE | self._says(operation) if is_positive else {}

        def ask(case: Case) -> None:
            names = next(turns)
            said = sensible if names else {}
            named = _name(case.path_parameters, names, said) | _name(case.body, names, said)
            _name(case.query, names, said)
            answer = case.call_and_validate(**self._sent(case, said), checks=CHECKS)
            if self.caller in OUTSIDERS and answer.status_code < 300:
                self._tells_nothing(operation, named, answer.text)

        return ask

    def _says(self, operation: Operation) -> Known:
        return self.shop.people[self.caller].says.get(_last_word(operation), {})

    def _sent(self, case: Case, said: Known) -> dict[str, Any]:
        """Who calls, what they show beside it, and the signature of what others tell."""
        headers = self.shop.people[self.caller].headers
        if CART_TOKEN_HEADER in said:
            headers = headers | {CART_TOKEN_HEADER: said[CART_TOKEN_HEADER]}
        if not said or _last_word(case.operation) != "events":
            return {"headers": headers}
        told = TOLD | {"tracking_number": _known(self.shop, self.caller)["number"]}
        body = json.dumps(case.body or told).encode()
        provider = case.path_parameters.get("provider", "carrier")
        return {"headers": headers | signed(provider, body), "data": body}

    def _tells_nothing(self, operation: Operation, named: set[str], text: str) -> None:
        """An outsider was let in: on nothing of another, and to see nothing of another."""
        if not operation.definition.raw["x-for-anybody"]:
            assert not named, f"{self.caller} was let in to {named}"
        assert not named - SHOWN, f"{self.caller} was let in to {named - SHOWN}"
        known = _known(self.shop, self.caller) | _known(self.shop, self.caller, more=True)
        told = {name for name, value in known.items() if name not in SHOWN and value in text}
        assert not told, f"{self.caller} was told {told}"


def _known(shop: Street, caller: str, *, more: bool = False) -> Known:
    """What a caller names: first what is theirs. Outsiders have nothing but what is another's."""
    owners = ("customer", "merchant") if caller in OUTSIDERS else ("merchant", caller)
    known: Known = {}
    for owner in owners:
        known |= shop.people[owner].ids
    for owner in owners if more else ():
        known |= shop.people[owner].more
    return known


def _gentle_ones_first(described: OpenApiSchema) -> list[Operation]:
    def harm(operation: Operation) -> tuple[bool, bool, int]:
        word, method = _last_word(operation), operation.method.upper()
        is_last = method == "POST" and word in LAST_WORDS
        return word == "erase", method == "DELETE", LAST_WORDS.index(word) + 1 if is_last else 0

    operations = []
    for result in described.get_all_operations():
        assert isinstance(result, Ok), result
        operations.append(result.ok())
    return sorted(operations, key=harm)


def _last_word(operation: Operation) -> str:
    return str(operation.path.rpartition("/")[2])


def _name(given: Any, known: Known, sensible: Known) -> set[str]:
    """Put what is there in place of well-formed names of nothing; gives which kinds were named."""
    if isinstance(given, list):
        return set().union(*(_name(each, known, sensible) for each in given))
    if not isinstance(given, dict):
        return set()
    named = set()
    for name, value in list(given.items()):
        named |= _name(value, known, sensible)
        if sensible.get(name, ...) is None:
            del given[name]
        elif name in sensible:
            given[name] = sensible[name]
        elif name in known and _is_name(name, value):
            given[name] = known[name]
            named.add(name)
    return named


def _is_name(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return (
        name in ("provider", "carrier", "number", "saga_id")
        or A_TYPE_ID.fullmatch(value) is not None
    )


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method.upper(), operation
