"""What holds for every route: a scope, an operation, a document that says so."""

import re
from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from app.web.auth import Scope

# Whoever calls these is not asked who they are. A new public route is written down here, on
# purpose.
PUBLIC = {
    "GET /v1/products",
    "GET /v1/products/<product_id>",
    "GET /v1/products/<product_id>/reviews",
    "GET /v1/categories",
    "POST /v1/auth/register",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
    "POST /v1/auth/verify",
    "POST /v1/auth/forgot",
    "POST /v1/auth/reset",
    "POST /v1/psp/<provider>/events",
    "POST /v1/carriers/<carrier>/events",
    "GET /v1/tracking/<carrier>/<number>",
    "GET /v1/notifications/unsubscribe",
    "POST /v1/notifications/unsubscribe",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/<name>",
}
# A quote changes nothing; below /v1/auth keys are ignored; and what a key keeps is a hash of the
# request, from which a password could be guessed.
WITHOUT_A_KEY = [
    "POST /v1/account/erase",
    "POST /v1/auth/password",
    "POST /v1/auth/verify/resend",
    "POST /v1/cart/<cart_id>/quote",
]
UNDOCUMENTED = {"GET /openapi.json", "GET /docs", "GET /docs/<name>"}  # the document and its reader


def test_every_route_declares_a_scope(app: Flask) -> None:
    silent = [name for name, rule in _routes(app) if not _scopes(app, rule)]

    assert silent == []


def test_the_public_routes_are_these_and_no_other(app: Flask) -> None:
    found = {name for name, rule in _routes(app) if _scopes(app, rule) == (Scope.PUBLIC,)}

    assert found == PUBLIC


def test_every_route_is_an_operation_of_the_document(app: Flask) -> None:
    document = app.extensions["openapi"].spec.to_dict()
    documented = {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }

    routes = {re.sub(r"<(\w+)>", r"{\1}", name) for name, _ in _routes(app)}

    assert routes - documented == {re.sub(r"<(\w+)>", r"{\1}", name) for name in UNDOCUMENTED}
    assert documented - routes == set()


def test_every_operation_has_an_id_of_its_own(app: Flask) -> None:
    document = app.extensions["openapi"].spec.to_dict()
    ids = [
        operation.get("operationId")
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]

    assert len(ids) > 20
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_what_money_or_stock_depends_on_can_be_sent_again_under_a_key(app: Flask) -> None:
    without = [
        name
        for name, rule in _routes(app)
        if not name.startswith("GET ")
        and _scopes(app, rule) != (Scope.PUBLIC,)
        and not getattr(app.view_functions[rule.endpoint], "_apidoc", {}).get("idempotent")
    ]

    assert sorted(without) == WITHOUT_A_KEY


def _routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"<\1>", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield f"{method} {path}", rule


def _scopes(app: Flask, rule: Rule) -> tuple[Scope, ...]:
    scopes: tuple[Scope, ...] = getattr(app.view_functions[rule.endpoint], "__scope__", ())
    return scopes
