"""The whole document, word by word: whatever is sent, nothing breaks, and nothing undocumented
comes back."""

import re
from collections.abc import Iterator
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
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.factories import ADDRESS

Known = dict[str, Any]
A_TYPE_ID = re.compile("[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")
EXAMPLES = 5  # of each operation for each caller and each intent
CALLERS = ("nobody", "visitor", "guest", "customer", "merchant", "ops")
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
    """A shop whose people all own something."""
    return street(providers, queue, client)


@pytest.fixture
def described(app: Flask) -> OpenApiSchema:
    """The document as it is served, less its catch-all: a status that is not named is a finding."""
    document = dict(app.test_client().get("/openapi.json").json or {})
    for _, _, operation in _operations(document):
        operation["responses"].pop("default")
        operation["security"] = []  # who calls is the test's choice, not a token made up
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return schema


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
def test_whatever_is_sent_the_answer_is_documented(
    caller: str, shop: Street, described: OpenApiSchema
) -> None:
    person = shop.people[caller]
    known: Known = shop.people["merchant"].ids | person.ids | {"provider": "stripe"}

    findings = [
        finding
        for operation in _gentle_ones_first(described)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for finding in _tried(operation, mode, person, known)
    ]
    shop.queue.drain()

    assert not findings, "\n\n".join(findings)


def test_a_method_that_is_not_there_is_told_which_are(
    described: OpenApiSchema, client: FlaskClient, shop: Street
) -> None:
    known = shop.people["merchant"].ids | shop.people["guest"].ids | {"provider": "stripe"}
    for path, item in described.raw_schema["paths"].items():
        allowed = {method.upper() for method in item if method != "parameters"}
        shaped = {
            each["name"]: each["schema"].get("example") for each in item.get("parameters", ())
        }
        address = path.format_map(shaped | known)

        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
            answer = client.open(address, method=method)

            assert answer.status_code == 405, (method, path)
            assert answer.mimetype == "application/problem+json"
            assert (answer.json or {})["code"] == "method_not_allowed"
            assert set(re.split(", ?", answer.headers["Allow"])) - {"HEAD", "OPTIONS"} == allowed


def _gentle_ones_first(described: OpenApiSchema) -> list[APIOperation]:
    operations = [result.ok() for result in described.get_all_operations()]
    return sorted(operations, key=lambda operation: operation.method.upper() == "DELETE")


def _tried(
    operation: APIOperation, mode: GenerationMode, person: Person, known: Known
) -> Iterator[str]:
    """What is wrong with an operation's answers; every other call names things that are there."""
    whole = {"shipping_address": ADDRESS} if mode is GenerationMode.POSITIVE else {}
    turns = cycle([known | whole, {}])

    @BRIEFLY
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        names = next(turns)
        for given_ in (case.path_parameters, case.query, case.body):
            _name(given_, names)
        case.call_and_validate(headers=person.headers, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:  # nothing about it can be sent wrongly
        return
    except (FailureGroup, Exception) as error:
        yield f"{operation.label} ({mode.value}): {error}"


def _name(given: Any, known: Known) -> None:
    """Put what is there in place of well-formed names of nothing."""
    if isinstance(given, list):
        for each in given:
            _name(each, known)
    if not isinstance(given, dict):
        return
    for name, value in given.items():
        _name(value, known)
        is_name = isinstance(value, str) and (name == "provider" or A_TYPE_ID.fullmatch(value))
        if name in known and (is_name or isinstance(value, dict)):
            given[name] = known[name]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method.upper(), operation
