"""What holds for every route of the shop."""

import re

from flask import Flask
from flask.testing import FlaskClient


def test_every_route_says_what_it_is_for(app: Flask) -> None:
    without = [name for name, view in app.view_functions.items() if not hasattr(view, "__scope__")]

    assert without == []


def test_every_operation_has_an_id_of_its_own_and_a_summary(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    operations = [
        operation
        for methods in document["paths"].values()
        for method, operation in methods.items()
        if method != "parameters"
    ]

    ids = [operation["operationId"] for operation in operations]
    assert len(ids) > 20
    assert sorted(set(ids)) == sorted(ids)
    assert all(re.fullmatch("[a-z][a-z_]+", operation_id) for operation_id in ids)
    assert all(operation.get("summary") for operation in operations)


def test_every_refusal_in_the_document_is_a_problem(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None

    described = document["components"]["responses"]

    assert described
    for name, response in described.items():
        assert list(response["content"]) == ["application/problem+json"], name
