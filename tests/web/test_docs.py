"""The API describes itself, without help from other servers."""

import re

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator


@pytest.fixture
def document(lonely: FlaskClient) -> dict[str, object]:
    """The OpenAPI document of the trial routes."""
    answer = lonely.get("/openapi.json")
    assert answer.json is not None
    return dict(answer.json)


def test_every_operation_has_an_id_of_its_own(document: dict[str, object]) -> None:
    ids = [operation["operationId"] for operation in _operations(document)]

    assert "add_shelf" in ids
    assert len(set(ids)) == len(ids)


def test_errors_are_documented_as_problems(document: dict[str, object]) -> None:
    components: dict[str, dict[str, dict[str, object]]] = document["components"]  # type: ignore[assignment]

    content = components["responses"]["UNPROCESSABLE_CONTENT"]["content"]

    assert content == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }


def test_an_operation_names_what_our_decorators_refuse(document: dict[str, object]) -> None:
    operation = next(o for o in _operations(document) if o["operationId"] == "add_shelf")

    assert set(operation["responses"]) >= {
        "400", "401", "403", "409", "413", "415", "422", "429", "503", "default",
    }  # fmt: skip
    assert operation["security"] == [{"bearer": []}, {"cartToken": []}, {}]
    assert "Idempotency-Key" in [p["name"] for p in operation["parameters"]]


def test_schemas_are_valid_json_schemas(document: dict[str, object]) -> None:
    components: dict[str, dict[str, object]] = document["components"]  # type: ignore[assignment]

    for schema in components["schemas"].values():
        OAS31Validator.check_schema(schema)


def test_swagger_ui_and_all_it_needs_come_from_here(lonely: FlaskClient) -> None:
    page = lonely.get("/docs")

    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(needed) == 4
    assert all(path.startswith("/docs/") for path in needed)
    assert [lonely.get(path).status_code for path in needed] == [200] * 4
    assert "/openapi.json" in lonely.get("/docs/start.js").text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["nothing.js", "LICENSE", "..%2f__init__.py"])
def test_nothing_else_is_served_from_there(lonely: FlaskClient, name: str) -> None:
    assert lonely.get(f"/docs/{name}").status_code == 404


def _operations(document: dict[str, object]) -> list[dict]:  # type: ignore[type-arg]
    paths: dict[str, dict[str, dict[str, object]]] = document["paths"]  # type: ignore[assignment]
    return [
        operation
        for methods in paths.values()
        for method, operation in methods.items()
        if method != "parameters"
    ]
