"""What the API says about itself is true, complete and kept beside the code."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from app.web.examples import speaks
from devstack.openapi import DOCUMENT, rendered

PROBLEM = "application/problem+json"


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """The document as it is served."""
    return dict(app.test_client().get("/openapi.json").json or {})


def test_the_document_in_the_repository_is_the_one_that_is_served(document: dict[str, Any]) -> None:
    assert DOCUMENT.read_text() == rendered(document), "stale: run `make openapi`"


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []


def test_every_schema_is_one_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)

    references = {node["$ref"] for node in _nodes(document) if "$ref" in node}
    assert references
    assert [ref for ref in sorted(references) if not _target(document, ref)] == []


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for name, operation in _operations(document):
        refusals = {
            status: _resolved(document, response)
            for status, response in operation["responses"].items()
            if not status.startswith(("2", "3"))
        }
        assert refusals, name
        for status, response in refusals.items():
            if (name, status) != ("GET /readyz", "503"):  # a probe says which part is away
                assert list(response["content"]) == [PROBLEM], (name, status)


def test_every_operation_says_who_may_call_it_and_what_it_does(document: dict[str, Any]) -> None:
    for name, operation in _operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        assert "security" in operation, name


def test_every_field_shows_what_it_looks_like(document: dict[str, Any]) -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not speaks(described)
    ]

    assert silent == []


def test_every_example_is_one(document: dict[str, Any]) -> None:
    wrong = [
        f"{name}.{field}: {error.message}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if "example" in described
        for error in OAS31Validator(described | _components(document)).iter_errors(
            described["example"]
        )
    ]

    assert wrong == []


def _components(document: dict[str, Any]) -> dict[str, Any]:
    return {"components": document["components"]}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def _nodes(inside: Any) -> Iterator[dict[str, Any]]:
    if isinstance(inside, dict):
        yield inside
    for inner in inside.values() if isinstance(inside, dict) else inside:
        if isinstance(inner, dict | list):
            yield from _nodes(inner)


def _target(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found.get(name, {})
    return found


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return dict(_target(document, node["$ref"])) if "$ref" in node else node
