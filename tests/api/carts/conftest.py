"""Shoppers of both kinds at the door."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.platform.db import Database
from app.platform.ids import encode
from app.wiring import Providers
from tests.factories import make_sku, make_user

MakeSku = Callable[..., str]
NOWHERE = "redis://127.0.0.1:1/0"


@dataclass
class Caller:
    """Somebody at the door, with what proves who they are."""

    client: FlaskClient
    headers: dict[str, str]

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send JSON."""
        return self.client.post(path, json=body, headers=self._with(headers))

    def patch(self, path: str, body: Any, **headers: str) -> TestResponse:
        """Send a change."""
        return self.client.patch(path, json=body, headers=self._with(headers))

    def get(self, path: str) -> TestResponse:
        """Ask."""
        return self.client.get(path, headers=self.headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        """Take away."""
        return self.client.delete(path, headers=self._with(headers))

    def add(self, sku_id: str, qty: int = 1, **more: Any) -> TestResponse:
        """Put units into the cart; a guest keeps the token of a new one."""
        answer = self.post("/v1/cart", {"sku_id": sku_id, "qty": qty, **more})
        if "token" in body(answer):
            self.headers = {"X-Cart-Token": body(answer)["token"]}
        return answer

    def _with(self, headers: dict[str, str]) -> dict[str, str]:
        return self.headers | {name.replace("_", "-"): value for name, value in headers.items()}


def body(answer: TestResponse) -> dict[str, Any]:
    assert isinstance(answer.json, dict)
    return answer.json


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, body(answer)["code"]


@pytest.fixture
def guest(client: FlaskClient) -> Caller:
    """A guest without a cart."""
    return Caller(client, {})


@pytest.fixture
def person(client: FlaskClient, db: Database, providers: Providers) -> Caller:
    """Somebody who signed in."""
    with db.transaction() as session:
        token = providers.tokens.issue(make_user(session))
    return Caller(client, {"Authorization": f"Bearer {token}"})


@pytest.fixture(params=["guest", "person"])
def caller(request: pytest.FixtureRequest) -> Caller:
    """Either."""
    caller: Caller = request.getfixturevalue(request.param)
    return caller


@pytest.fixture
def sku_for_sale(db: Database) -> MakeSku:
    """The public id of a committed SKU."""

    def make(**given: Any) -> str:
        with db.transaction() as session:
            return encode("sku", make_sku(session, **given).id)

    return make
