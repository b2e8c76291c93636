"""One's own account and address book, through the door."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts.models import Role
from app.accounts.service import ADDRESSES_MAX
from app.platform.db import Database
from app.platform.ids import decode, encode, new_id
from app.wiring import Providers
from tests.api.people import Person
from tests.factories import ADDRESS, make_user
from tests.statements import statements

BOOK = "/v1/account/addresses"
ENTRY = {"address": ADDRESS, "label": "Home"}


@pytest.fixture
def ada(client: FlaskClient, providers: Providers) -> Person:
    """Somebody signed in."""
    return _somebody(client, providers)


@pytest.fixture
def eve(client: FlaskClient, providers: Providers) -> Person:
    """Somebody else."""
    return _somebody(client, providers)


def _somebody(client: FlaskClient, wired: Providers, **given: Any) -> Person:
    with wired.db.transaction() as session:
        user = make_user(session, **given)
    proof = {"Authorization": f"Bearer {wired.tokens.issue(user)}"}
    return Person(client, proof, {"user_id": encode("usr", user.id)})


def _told(answer: TestResponse) -> dict[str, Any]:
    return dict(answer.json or {})


def _book(person: Person) -> list[dict[str, Any]]:
    return list(_told(person.get(BOOK))["data"])


def test_somebody_sees_their_own_account(client: FlaskClient, providers: Providers) -> None:
    bob = _somebody(client, providers, name="Bob", locale="de")

    seen = bob.get("/v1/account")

    assert seen.status_code == 200
    assert _told(seen)["id"] == bob.ids["user_id"]
    assert _told(seen)["name"] == "Bob"
    assert set(_told(seen)) == {
        "id", "email", "email_verified", "name", "locale", "role", "merchant_id", "created_at",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/account", "/v1/account/addresses", "/v1/account/export"])
def test_a_stranger_and_a_guest_have_no_account(
    client: FlaskClient, providers: Providers, path: str
) -> None:
    token = providers.cart_tokens.issue(new_id())

    assert client.get(path).status_code == 401
    assert client.get(path, headers={"X-Cart-Token": token}).status_code == 403


def test_a_name_and_a_language_are_changed_each_alone(ada: Person) -> None:
    named = ada.patch("/v1/account", {"name": " Ada Lovelace "})
    spoken = ada.patch("/v1/account", {"locale": "de-AT"})

    assert (named.status_code, spoken.status_code) == (200, 200)
    assert _told(spoken)["name"] == "Ada Lovelace"
    assert _told(spoken)["locale"] == "de-AT"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "ops"}, "role"),
        ({"merchant_id": encode("mer", new_id())}, "merchant_id"),
        ({"email_verified": True}, "email_verified"),
        ({"email_verified_at": "2020-01-01T00:00:00Z"}, "email_verified_at"),
        ({"email": "eve@example.com"}, "email"),
        ({"password_hash": "!"}, "password_hash"),
        ({"id": encode("usr", new_id())}, "id"),
        ({"locale": "deutsch"}, "locale"),
        ({"locale": None}, "locale"),
        ({"name": "x" * 121}, "name"),
        ({"name": "nul\u0000"}, "name"),
        ({}, ""),
    ],
)
def test_what_the_shop_decides_about_an_account_cannot_be_assigned(
    ada: Person, change: dict[str, Any], field: str
) -> None:
    before = _told(ada.get("/v1/account"))

    answer = ada.patch("/v1/account", change)

    assert answer.status_code == 422
    assert _told(answer)["errors"][0]["field"] == field
    assert _told(ada.get("/v1/account")) == before


@pytest.mark.parametrize("field", ["role", "merchant_id", "email_verified_at", "erased_at"])
def test_nobody_registers_as_more_than_a_customer(client: FlaskClient, field: str) -> None:
    body = {"email": "m@example.com", "password": "correct horse battery", field: "ops"}

    answer = client.post("/v1/auth/register", json=body)

    assert (answer.status_code, _told(answer)["errors"][0]["field"]) == (422, field)


def test_the_first_address_is_the_default_until_another_is(ada: Person) -> None:
    first = ada.post(BOOK, ENTRY)
    second = ada.post(BOOK, ENTRY | {"label": "Work", "default": True})

    assert (first.status_code, second.status_code) == (201, 201)
    assert _told(first)["default"] is True
    assert [(each["label"], each["default"]) for each in _book(ada)] == [
        ("Home", False), ("Work", True),
    ]  # fmt: skip


def test_an_address_is_kept_in_the_form_a_parcel_needs(ada: Person) -> None:
    kept = ada.post(BOOK, {"address": ADDRESS | {"city": " Berlin ", "region": ""}})

    assert _told(kept)["address"]["city"] == "BERLIN"
    assert _told(kept)["label"] == ""


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"postal_code": "1"}, "bad_address", "address.postal_code"),
        ({"country": "ZZ"}, "bad_address", "address.country"),
        ({"country": "de"}, "validation_failed", "address.country"),
        ({"user_id": "x"}, "validation_failed", "address.user_id"),
    ],
)
def test_an_address_no_parcel_would_find_is_refused(
    ada: Person, change: dict[str, str], code: str, field: str
) -> None:
    answer = ada.post(BOOK, {"address": ADDRESS | change})

    assert (answer.status_code, _told(answer)["code"]) == (422, code)
    assert field in [error["field"] for error in _told(answer)["errors"]]
    assert _book(ada) == []


def test_an_entry_is_changed_and_taken_out(ada: Person) -> None:
    ada.post(BOOK, ENTRY)
    path = f"{BOOK}/{_told(ada.post(BOOK, ENTRY))['id']}"

    changed = ada.patch(path, {"address": ADDRESS | {"city": "Potsdam"}, "default": True})
    gone = ada.delete(path)
    twice = ada.delete(path)

    assert _told(changed)["address"]["city"] == "POTSDAM"
    assert _told(changed)["label"] == "Home"
    assert (gone.status_code, twice.status_code) == (204, 404)
    assert [each["default"] for each in _book(ada)] == [False]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_another_persons_address_does_not_exist(ada: Person, eve: Person, method: str) -> None:
    path = f"{BOOK}/{_told(ada.post(BOOK, ENTRY))['id']}"
    before = _book(ada)

    answer = eve.client.open(path, method=method, json={"label": "Mine"}, headers=eve.headers)

    assert (answer.status_code, _told(answer)["code"]) == (404, "address_not_found")
    assert _book(eve) == []
    assert _book(ada) == before


def test_a_book_holds_so_many_addresses(ada: Person, db: Database) -> None:
    answers = [ada.post(BOOK, ENTRY).status_code for _ in range(ADDRESSES_MAX)]

    one_more = ada.post(BOOK, ENTRY)

    assert set(answers) == {201}
    assert (one_more.status_code, _told(one_more)["code"]) == (409, "address_book_full")
    assert _told(one_more)["most"] == ADDRESSES_MAX


def test_an_address_sent_again_under_its_key_is_kept_once(ada: Person) -> None:
    first = ada.post(BOOK, ENTRY, Idempotency_Key="k")

    again = ada.post(BOOK, ENTRY, Idempotency_Key="k")

    assert _told(again) == _told(first)
    assert len(_book(ada)) == 1


def test_merchants_and_operators_have_accounts_too(
    client: FlaskClient, providers: Providers
) -> None:
    ops = _somebody(client, providers, role=Role.OPS)

    assert _told(ops.get("/v1/account"))["role"] == "ops"


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("GET", "/v1/account", 1),
        ("GET", BOOK, 2),
        ("PATCH", "/v1/account", 2),
        ("POST", BOOK, 4),
    ],
)
def test_an_account_costs_so_many_statements(
    ada: Person, providers: Providers, method: str, path: str, most: int
) -> None:
    body = {"PATCH": {"name": "Ada"}, "POST": ENTRY}.get(method)

    with statements(providers.db) as seen:
        answer = ada.client.open(path, method=method, json=body, headers=ada.headers)

    assert answer.status_code in (200, 201)
    assert len(seen) <= most, seen


def test_the_id_of_an_entry_says_what_it_is(ada: Person) -> None:
    assert decode("adr", _told(ada.post(BOOK, ENTRY))["id"])
