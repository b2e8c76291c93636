"""Operations let merchants in, and merchants their people."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.models import MailedToken, Role, TokenPurpose
from app.events.models import OutboxEvent
from app.platform.db import Database
from app.platform.ids import decode, encode, new_id
from app.wiring import Providers
from tests.api.mailed import mailed
from tests.api.people import Person
from tests.api.snapshots import rows
from tests.conftest import Clock
from tests.factories import make_merchant, make_sku, make_user

MERCHANTS, PEOPLE = "/v1/ops/merchants", "/v1/merchant/people"
WEEK = 7 * 86_400
PASSWORD = "correct horse battery"
BARN: dict[str, Any] = {
    "name": "Blue Barn",
    "slug": "blue-barn",
    "currency": "EUR",
    "country": "DE",
    "owner_email": "eve@example.com",
}


@pytest.fixture
def ops(client: FlaskClient, providers: Providers) -> Person:
    """An operator."""
    return _signed_in(client, providers, role=Role.OPS)


def _signed_in(client: FlaskClient, wired: Providers, **given: Any) -> Person:
    with wired.db.transaction() as session:
        user = make_user(session, **given)
    proof = {"Authorization": f"Bearer {wired.tokens.issue(user)}"}
    return Person(client, proof, {"user_id": encode("usr", user.id)})


def _told(answer: TestResponse) -> dict[str, Any]:
    return dict(answer.json or {})


def _owner(client: FlaskClient, wired: Providers, email: str = "eve@example.com") -> Person:
    """Whoever was invited, once they chose a password and signed in."""
    token = mailed(wired, TokenPurpose.INVITE, email)
    chosen = client.post("/v1/auth/reset", json={"token": token, "password": PASSWORD})
    assert chosen.status_code == 204, chosen.json
    session = client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    return Person(client, {"Authorization": f"Bearer {_told(session)['access_token']}"})


def test_a_merchant_let_in_can_sell_once_its_owner_chose_a_password(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    opened = ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)

    made = owner.post(
        "/v1/products",
        {
            "name": "Boot",
            "description": "",
            "skus": [{"code": "B", "price": 100, "currency": "EUR", "weight_g": 1, "stock": 3}],
        },
    )

    places = _told(owner.get("/v1/merchant/warehouses"))["data"]
    assert (opened.status_code, made.status_code) == (201, 201)
    assert _told(opened)["status"] == "active"
    assert [(place["country"], place["default"]) for place in places] == [("DE", True)]
    assert _told(owner.get("/v1/account"))["merchant_id"] == _told(opened)["id"]
    assert _told(owner.get("/v1/account"))["email_verified"] is True


def test_an_owner_without_a_password_cannot_sign_in_and_may_ask_for_a_letter(
    client: FlaskClient, providers: Providers, ops: Person, clock: Clock
) -> None:
    ops.post(MERCHANTS, BARN)
    body = {"email": "eve@example.com", "password": "!"}
    guessed = client.post("/v1/auth/login", json=body)
    invited = mailed(providers, TokenPurpose.INVITE, "eve@example.com")
    clock.advance(WEEK)

    late = client.post("/v1/auth/reset", json={"token": invited, "password": PASSWORD})
    client.post("/v1/auth/forgot", json={"email": "eve@example.com"})
    token = mailed(providers, TokenPurpose.RESET, "eve@example.com")
    chosen = client.post("/v1/auth/reset", json={"token": token, "password": PASSWORD})

    assert guessed.status_code == 401
    assert (late.status_code, chosen.status_code) == (422, 204)


def test_an_invitation_is_announced_with_its_token_and_no_secret(
    providers: Providers, ops: Person
) -> None:
    opened = _told(ops.post(MERCHANTS, BARN))

    with providers.db.reading() as session:
        wanted = select(OutboxEvent.payload).where(OutboxEvent.type == "account.invited")
        facts = session.scalars(wanted).one()["data"]
        token_id = session.scalars(select(MailedToken.id)).one()
    assert facts["merchant_id"] == str(decode("mer", opened["id"]))
    assert facts["token_id"] == str(token_id)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.OPS])
def test_an_address_that_has_an_account_owns_no_new_merchant(
    client: FlaskClient, providers: Providers, ops: Person, role: Role
) -> None:
    _signed_in(client, providers, email="EVE@example.com", role=role)
    before = rows(providers.db)

    answer = ops.post(MERCHANTS, BARN)

    assert (answer.status_code, _told(answer)["code"]) == (409, "email_taken")
    assert rows(providers.db) == before


def test_a_slug_belongs_to_one_merchant(ops: Person, providers: Providers) -> None:
    ops.post(MERCHANTS, BARN)
    before = rows(providers.db)

    answer = ops.post(MERCHANTS, BARN | {"owner_email": "bob@example.com"})

    assert (answer.status_code, _told(answer)["code"]) == (409, "slug_taken")
    assert rows(providers.db) == before


def test_a_merchant_sent_again_under_its_key_comes_once(ops: Person) -> None:
    first = ops.post(MERCHANTS, BARN, Idempotency_Key="k")

    again = ops.post(MERCHANTS, BARN, Idempotency_Key="k")

    assert _told(again) == _told(first)
    assert len(_told(ops.get(MERCHANTS))["data"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "Blue Barn"}, "slug"),
        ({"slug": "-"}, "slug"),
        ({"currency": "QQQ"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"country": "Germany"}, "country"),
        ({"owner_email": "eve"}, "owner_email"),
        ({"name": " "}, "name"),
        ({"status": "suspended"}, "status"),
        ({"settings": {}}, "settings"),
    ],
)
def test_a_merchant_that_is_not_acceptable_is_refused(
    ops: Person, change: dict[str, Any], field: str
) -> None:
    answer = ops.post(MERCHANTS, BARN | change)

    assert answer.status_code == 422
    assert _told(answer)["errors"][0]["field"] == field


def test_merchants_are_listed_a_page_at_a_time_and_shown(ops: Person, db: Database) -> None:
    with db.transaction() as session:
        made = [encode("mer", make_merchant(session).id) for _ in range(3)]

    first = _told(ops.get(f"{MERCHANTS}?limit=2"))
    rest = _told(ops.get(f"{MERCHANTS}?limit=2&after={first['next']}"))

    assert [each["id"] for each in first["data"] + rest["data"]] == made[::-1]
    assert _told(ops.get(f"{MERCHANTS}/{made[0]}"))["id"] == made[0]


def test_a_merchant_nobody_knows_is_not_found(ops: Person) -> None:
    unknown = f"{MERCHANTS}/{encode('mer', new_id())}"

    answers = [ops.get(unknown), ops.post(f"{unknown}/suspend"), ops.post(f"{unknown}/activate")]

    assert {(answer.status_code, _told(answer)["code"]) for answer in answers} == {
        (404, "merchant_not_found")
    }


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.MERCHANT])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", MERCHANTS),
        ("POST", MERCHANTS),
        ("GET", MERCHANTS + "/{id}"),
        ("POST", MERCHANTS + "/{id}/suspend"),
        ("POST", MERCHANTS + "/{id}/activate"),
    ],
)
def test_merchants_are_let_in_by_operators_alone(
    client: FlaskClient, providers: Providers, role: Role, method: str, path: str
) -> None:
    with providers.db.transaction() as session:
        merchant_id = make_merchant(session).id
    mine = {"merchant_id": merchant_id} if role is Role.MERCHANT else {}
    person = _signed_in(client, providers, role=role, **mine)
    address = path.format(id=encode("mer", merchant_id))

    answer = client.open(address, method=method, json=BARN, headers=person.headers)

    assert answer.status_code == 403
    assert client.open(address, method=method, json=BARN).status_code == 401


def test_what_a_suspended_merchant_sells_is_neither_found_nor_bought_until_it_goes_on(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    with providers.db.transaction() as session:
        sku = make_sku(session, stock=5)
    shopper = _signed_in(client, providers)
    shopper.cart(encode("sku", sku.id))
    path = f"{MERCHANTS}/{encode('mer', sku.merchant_id)}"
    line = {"sku_id": encode("sku", sku.id), "qty": 1}

    suspended = _told(ops.post(f"{path}/suspend"))["status"]
    found = _told(client.get("/v1/products"))["data"]
    seen = client.get(f"/v1/products/{encode('prd', sku.product_id)}").status_code
    added = client.post("/v1/cart", json=line)
    bought = shopper.buy()
    active = _told(ops.post(f"{path}/activate"))["status"]

    assert (suspended, active) == ("suspended", "active")
    assert found == []
    assert seen == 404
    assert (added.status_code, _told(added)["code"]) == (409, "sku_not_for_sale")
    assert (bought.status_code, _told(bought)["code"]) == (409, "sku_not_for_sale")
    assert client.post("/v1/cart", json=line).status_code == 201
    assert shopper.buy().status_code == 202


def test_a_merchants_people_invite_each_other_and_let_each_other_go(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)
    invited = owner.post(PEOPLE, {"email": "bob@example.com", "name": "Bob"})
    before = [each["status"] for each in _told(owner.get(PEOPLE))["data"]]
    bob = _owner(client, providers, "bob@example.com")
    session = client.post("/v1/auth/login", json={"email": "bob@example.com", "password": PASSWORD})

    gone = owner.delete(f"{PEOPLE}/{_told(invited)['id']}")

    shown = {"refresh_token": _told(session)["refresh_token"]}
    assert (invited.status_code, before) == (201, ["active", "invited"])
    assert bob.get(PEOPLE).status_code in (200, 403)  # an access token lives out its minutes
    assert gone.status_code == 204
    assert client.post("/v1/auth/refresh", json=shown).status_code == 401
    assert [each["email"] for each in _told(owner.get(PEOPLE))["data"]] == ["eve@example.com"]


def test_somebody_removed_is_a_customer_from_then_on(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)
    bob_id = _told(owner.post(PEOPLE, {"email": "bob@example.com"}))["id"]
    _owner(client, providers, "bob@example.com")
    owner.delete(f"{PEOPLE}/{bob_id}")

    session = client.post("/v1/auth/login", json={"email": "bob@example.com", "password": PASSWORD})

    bob = Person(client, {"Authorization": f"Bearer {_told(session)['access_token']}"})
    assert _told(bob.get("/v1/account"))["role"] == "customer"
    assert bob.get(PEOPLE).status_code == 403


def test_an_invitation_taken_back_opens_nothing(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)
    bob_id = _told(owner.post(PEOPLE, {"email": "bob@example.com"}))["id"]
    token = mailed(providers, TokenPurpose.INVITE, "bob@example.com")
    owner.delete(f"{PEOPLE}/{bob_id}")

    answer = client.post("/v1/auth/reset", json={"token": token, "password": PASSWORD})

    assert (answer.status_code, _told(answer)["code"]) == (422, "token_refused")


def test_the_last_of_a_merchants_people_cannot_be_removed(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)
    mine = _told(owner.get("/v1/account"))["id"]

    answer = owner.delete(f"{PEOPLE}/{mine}")

    assert (answer.status_code, _told(answer)["code"]) == (409, "last_of_merchant")


def test_another_merchants_people_do_not_exist(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)
    with providers.db.transaction() as session:
        other = make_merchant(session)
        theirs = make_user(session, role=Role.MERCHANT, merchant_id=other.id)
        customer = make_user(session)

    for user in (theirs, customer):
        answer = owner.delete(f"{PEOPLE}/{encode('usr', user.id)}")
        assert (answer.status_code, _told(answer)["code"]) == (404, "person_not_found")
    assert len(_told(owner.get(PEOPLE))["data"]) == 1


@pytest.mark.parametrize("more", [{"role": "ops"}, {"merchant_id": "x"}, {"password": "x"}])
def test_an_invitation_assigns_nothing_the_shop_decides(
    client: FlaskClient, providers: Providers, ops: Person, more: dict[str, str]
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)

    answer = owner.post(PEOPLE, {"email": "bob@example.com"} | more)

    assert (answer.status_code, _told(answer)["errors"][0]["field"]) == (422, next(iter(more)))


def test_an_address_that_has_an_account_is_not_invited(
    client: FlaskClient, providers: Providers, ops: Person
) -> None:
    ops.post(MERCHANTS, BARN)
    owner = _owner(client, providers)

    answer = owner.post(PEOPLE, {"email": "EVE@example.com"})

    assert (answer.status_code, _told(answer)["code"]) == (409, "email_taken")
