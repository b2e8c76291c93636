"""A merchant's own choices and warehouses, through the door."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Merchant, Role
from app.catalog.service import receive_stock
from app.platform.db import Database
from app.platform.ids import encode
from app.wiring import Providers
from tests.factories import make_merchant, make_sku, make_user, make_warehouse
from tests.statements import statements

Headers = dict[str, str]
SEAT = {"line1": "Chausseestr. 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


def sign_in(db: Database, providers: Providers, merchant: Merchant) -> Headers:
    with db.transaction() as session:
        user = make_user(session, role=Role.MERCHANT, merchant_id=merchant.id)
    return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}


@pytest.fixture
def merchant(db: Database) -> Merchant:
    with db.transaction() as session:
        return make_merchant(session)


@pytest.fixture
def seller(db: Database, providers: Providers, merchant: Merchant) -> Headers:
    return sign_in(db, providers, merchant)


@pytest.fixture
def stranger(db: Database, providers: Providers) -> Headers:
    with db.transaction() as session:
        other = make_merchant(session)
    return sign_in(db, providers, other)


def kept(db: Database, merchant: Merchant) -> dict[str, Any]:
    with db.reading() as session:
        return session.get_one(Merchant, merchant.id).settings


def test_who_chose_nothing_sees_the_defaults(client: FlaskClient, seller: Headers) -> None:
    shown = client.get("/v1/merchant/settings", headers=seller)

    assert shown.status_code == 200
    assert shown.json == {
        "name": "Blue Barn",
        "currency": "EUR",
        "capture": "on_shipment",
        "low_stock_at": None,
        "sender_name": None,
        "legal_name": None,
        "address": None,
        "vat_id": None,
        "support_email": None,
    }


def test_what_is_chosen_stays_and_the_rest_is_left_alone(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    first = {"capture": "automatic", "low_stock_at": 5, "address": SEAT, "vat_id": "DE123456789"}
    client.patch("/v1/merchant/settings", json=first, headers=seller)

    answer = client.patch("/v1/merchant/settings", json={"legal_name": "Barn AG"}, headers=seller)

    assert answer.status_code == 200
    assert answer.json["capture"] == "automatic"
    assert answer.json["address"] == SEAT | {"line2": "", "region": ""}
    assert client.get("/v1/merchant/settings", headers=seller).json == answer.json
    assert kept(db, merchant)["legal_name"] == "Barn AG"


def test_null_goes_back_to_the_default(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    client.patch("/v1/merchant/settings", json={"low_stock_at": 5}, headers=seller)

    answer = client.patch("/v1/merchant/settings", json={"low_stock_at": None}, headers=seller)

    assert answer.json["low_stock_at"] is None
    assert kept(db, merchant) == {}


def test_a_key_makes_a_change_repeatable(client: FlaskClient, seller: Headers) -> None:
    with_key = seller | {"Idempotency-Key": "k"}
    first = client.patch("/v1/merchant/settings", json={"low_stock_at": 5}, headers=with_key)
    client.patch("/v1/merchant/settings", json={"low_stock_at": 9}, headers=seller)

    again = client.patch("/v1/merchant/settings", json={"low_stock_at": 5}, headers=with_key)

    assert again.json == first.json
    assert client.get("/v1/merchant/settings", headers=seller).json["low_stock_at"] == 9


@pytest.mark.parametrize(
    "change",
    [
        {"capture": "sometimes"},
        {"capture": None},
        {"low_stock_at": -1},
        {"low_stock_at": "5"},
        {"address": {"line1": "somewhere"}},
        {"address": SEAT | {"country": "Germany"}},
        {"vat_id": "de 1"},
        {"support_email": "nobody"},
        {"legal_name": ""},
        {"currency": "USD"},
        {"color": "blue"},
    ],
)
def test_a_choice_that_cannot_be_is_refused_and_nothing_is_written(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers, change: dict[str, Any]
) -> None:
    answer = client.patch("/v1/merchant/settings", json=change, headers=seller)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert kept(db, merchant) == {}


def test_a_merchants_choices_are_nobody_elses(
    client: FlaskClient, seller: Headers, stranger: Headers
) -> None:
    client.patch("/v1/merchant/settings", json={"low_stock_at": 5}, headers=seller)

    assert client.get("/v1/merchant/settings", headers=stranger).json["low_stock_at"] is None


def open_place(client: FlaskClient, headers: Headers, **given: Any) -> Any:
    body = {"name": "Hamburg", "country": "DE"} | given
    return client.post("/v1/merchant/warehouses", json=body, headers=headers)


def places(client: FlaskClient, headers: Headers) -> dict[str, Any]:
    rows = client.get("/v1/merchant/warehouses", headers=headers).json["data"]
    return {row["name"]: row for row in rows}


def test_a_new_warehouse_can_be_made_the_default(client: FlaskClient, seller: Headers) -> None:
    door = {"line1": "Hafenstr. 12", "city": "Hamburg", "postal_code": "20457"}

    answer = open_place(client, seller, address=door, priority=5, default=True)

    assert answer.status_code == 201
    assert answer.json == places(client, seller)["Hamburg"]
    assert answer.json["address"] == door | {"line2": "", "region": "", "phone": ""}
    assert (answer.json["default"], answer.json["shared"], answer.json["priority"]) == (
        True,
        False,
        5,
    )
    assert places(client, seller)["Main"]["default"] is False


def test_the_first_warehouse_is_the_default_and_the_second_is_not(
    client: FlaskClient, db: Database, providers: Providers
) -> None:
    with db.transaction() as session:
        newcomer = Merchant(name="New", slug="new", currency="EUR")
        session.add(newcomer)
    headers = sign_in(db, providers, newcomer)

    first, second = open_place(client, headers), open_place(client, headers, name="Kiel")

    assert (first.json["default"], second.json["default"]) == (True, False)


def test_a_merchant_without_a_warehouse_receives_nothing_anywhere(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    with db.transaction() as session:
        newcomer = session.get_one(Merchant, merchant.id)
        newcomer.default_warehouse_id = None
        sku = make_sku(session, merchant=newcomer)
    receipt = {"sku_id": encode("sku", sku.id), "qty": 1}

    nowhere = client.post("/v1/merchant/stock/receipts", json=receipt, headers=seller)
    open_place(client, seller, default=True)
    there = client.post("/v1/merchant/stock/receipts", json=receipt, headers=seller)

    assert (nowhere.status_code, nowhere.json["code"]) == (422, "no_warehouse")
    assert there.status_code == 201


def test_a_warehouse_changes_its_name_address_and_priority(
    client: FlaskClient, seller: Headers
) -> None:
    made = open_place(client, seller).json
    change = {"name": "Kiel", "priority": 7, "address": {"line1": "Kai 1", "city": "Kiel"}}

    answer = client.patch(f"/v1/merchant/warehouses/{made['id']}", json=change, headers=seller)

    assert answer.status_code == 200
    assert answer.json == places(client, seller)["Kiel"]
    assert (answer.json["priority"], answer.json["address"]["line1"]) == (7, "Kai 1")


def test_stock_goes_to_the_default_that_was_chosen(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    made = open_place(client, seller).json
    client.patch(f"/v1/merchant/warehouses/{made['id']}", json={"default": True}, headers=seller)

    with db.transaction() as session:
        sku = make_sku(session, merchant=session.get_one(Merchant, merchant.id))
        place = receive_stock(
            session, merchant_id=merchant.id, sku_id=sku.id, qty=1, reference=UUID(int=7)
        )

    assert encode("whs", place) == made["id"]


def test_a_shared_warehouse_can_be_the_default_and_is_not_changed(
    client: FlaskClient, db: Database, seller: Headers
) -> None:
    with db.transaction() as session:
        shared = encode("whs", make_warehouse(session, name="Shared").id)
    path = f"/v1/merchant/warehouses/{shared}"

    renamed = client.patch(path, json={"name": "Mine"}, headers=seller)
    chosen = client.patch(path, json={"default": True}, headers=seller)

    assert (renamed.status_code, renamed.json["code"]) == (403, "warehouse_shared")
    assert (chosen.status_code, chosen.json["default"]) == (200, True)


def test_another_merchants_warehouse_is_not_found(
    client: FlaskClient, seller: Headers, stranger: Headers
) -> None:
    made = open_place(client, seller).json

    for change in ({"name": "Mine"}, {"default": True}, {}):
        path = f"/v1/merchant/warehouses/{made['id']}"
        answer = client.patch(path, json=change, headers=stranger)
        assert (answer.status_code, answer.json["code"]) == (404, "warehouse_not_found")


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"country": "Germany"},
        {"priority": -1},
        {"default": 1},
        {"address": {"city": "Kiel"}},
        {"merchant_id": "mer_01h455vb4pex5vsknk084sn02q"},
    ],
)
def test_a_warehouse_that_cannot_be_is_refused(
    client: FlaskClient, seller: Headers, given: dict[str, Any]
) -> None:
    answer = open_place(client, seller, **given)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert list(places(client, seller)) == ["Main"]


def test_a_default_is_chosen_and_never_taken_away(client: FlaskClient, seller: Headers) -> None:
    own = places(client, seller)["Main"]["id"]

    answer = client.patch(f"/v1/merchant/warehouses/{own}", json={"default": False}, headers=seller)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")


ROUTES = (
    ("GET", "settings"),
    ("PATCH", "settings"),
    ("POST", "warehouses"),
    ("PATCH", f"warehouses/{encode('whs', UUID(int=7))}"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_only_a_merchants_own_people_enter(
    client: FlaskClient, db: Database, providers: Providers, method: str, path: str
) -> None:
    for role, status in ((None, 401), (Role.CUSTOMER, 403), (Role.OPS, 403)):
        headers = {}
        if role is not None:
            with db.transaction() as session:
                user = make_user(session, role=role)
            headers = {"Authorization": f"Bearer {providers.tokens.issue(user)}"}
        sent = {"json": {"name": "X", "country": "DE"}} if path == "warehouses" else {"json": {}}
        answer = client.open(f"/v1/merchant/{path}", method=method, headers=headers, **sent)
        assert answer.status_code == status


def test_a_choice_costs_one_statement(client: FlaskClient, db: Database, seller: Headers) -> None:
    with statements(db) as read:
        client.get("/v1/merchant/settings", headers=seller)
    with statements(db) as written:
        client.patch("/v1/merchant/settings", json={"low_stock_at": 5}, headers=seller)

    assert (len(read), len(written)) == (1, 1)
