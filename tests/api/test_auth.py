"""Signing up, in, on and out, through the door."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app, wiring
from app.accounts.models import Role, User
from app.accounts.passwords import Passwords
from app.platform.db import Database
from app.platform.ids import encode
from app.platform.redis import connect
from app.wiring import Providers
from tests.factories import make_sku

ADA = {"email": "ada@example.com", "password": "correct horse battery"}


def test_registering_signs_in(client: FlaskClient, providers: Providers) -> None:
    answer = client.post("/v1/auth/register", json=ADA)

    assert answer.status_code == 200
    assert answer.json is not None
    assert set(answer.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 900
    claims = providers.tokens.read(answer.json["access_token"])
    assert (claims.role, claims.email) == (Role.CUSTOMER, "ada@example.com")


def test_a_taken_email_is_told(client: FlaskClient) -> None:
    client.post("/v1/auth/register", json=ADA)

    answer = client.post("/v1/auth/register", json=ADA | {"email": "ADA@Example.com"})

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
    assert answer.json["errors"][0]["field"] == "email"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"email": "nul\0@example.com"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": None}, "password"),
        ({"role": "ops"}, "role"),
    ],
)
def test_a_registration_that_is_not_acceptable_is_refused(
    client: FlaskClient, change: dict[str, object], field: str
) -> None:
    answer = client.post("/v1/auth/register", json=ADA | change)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["field"] == field


def test_signing_in_takes_the_email_in_any_case(client: FlaskClient) -> None:
    client.post("/v1/auth/register", json=ADA)

    answer = client.post("/v1/auth/login", json=ADA | {"email": " Ada@EXAMPLE.com "})

    assert answer.status_code == 200


def test_a_wrong_password_and_an_unknown_email_look_the_same(client: FlaskClient) -> None:
    client.post("/v1/auth/register", json=ADA)

    wrong = client.post("/v1/auth/login", json=ADA | {"password": "wrong"})
    unknown = client.post("/v1/auth/login", json=ADA | {"email": "eve@example.com"})
    odd = client.post("/v1/auth/login", json=ADA | {"email": "no address at all"})

    assert wrong.json is not None
    assert unknown.json is not None
    assert odd.json is not None
    assert (wrong.status_code, wrong.json["code"]) == (401, "bad_credentials")
    for other in (unknown, odd):
        assert other.status_code == 401
        assert dict(other.json or {}) | {"request_id": ""} == wrong.json | {"request_id": ""}


def test_an_account_nobody_can_sign_in_to_refuses(client: FlaskClient, db: Database) -> None:
    with db.transaction() as session:
        session.add(User(email="ada@example.com", password_hash="!", role=Role.CUSTOMER))

    answer = client.post("/v1/auth/login", json=ADA)

    assert answer.status_code == 401


def test_a_hash_of_an_older_cost_is_made_anew_at_sign_in(
    client: FlaskClient, providers: Providers, db: Database
) -> None:
    older = Passwords("default").hash(ADA["password"])
    with db.transaction() as session:
        session.add(User(email=ADA["email"], password_hash=older, role=Role.CUSTOMER))

    answer = client.post("/v1/auth/login", json=ADA)

    with db.reading() as session:
        kept = session.scalars(select(User.password_hash)).one()
    assert answer.status_code == 200
    assert kept != older
    assert providers.passwords.matches(ADA["password"], kept)


def test_a_refresh_gives_a_new_session_and_the_old_token_ends_both(client: FlaskClient) -> None:
    first = client.post("/v1/auth/register", json=ADA).json
    assert first is not None
    shown = {"refresh_token": first["refresh_token"]}

    second = client.post("/v1/auth/refresh", json=shown)
    reused = client.post("/v1/auth/refresh", json=shown)
    after = client.post(
        "/v1/auth/refresh", json={"refresh_token": (second.json or {})["refresh_token"]}
    )

    assert second.status_code == 200
    assert reused.json is not None
    assert (reused.status_code, reused.json["code"]) == (401, "refresh_refused")
    assert after.status_code == 401


def test_signing_out_ends_the_session_and_says_nothing(client: FlaskClient) -> None:
    session = client.post("/v1/auth/register", json=ADA).json
    assert session is not None
    shown = {"refresh_token": session["refresh_token"]}

    out = client.post("/v1/auth/logout", json=shown)
    unknown = client.post("/v1/auth/logout", json={"refresh_token": "cwr_unknown"})
    refreshed = client.post("/v1/auth/refresh", json=shown)

    assert (out.status_code, unknown.status_code) == (204, 204)
    assert refreshed.status_code == 401


def test_guessing_passwords_from_one_address_is_stopped(providers: Providers) -> None:
    changed = providers.settings.model_copy(update={"logins_per_minute": 3})
    wiring.use(replace(providers, settings=changed))
    client = create_app().test_client()

    answers = [client.post("/v1/auth/login", json=ADA).status_code for _ in range(4)]

    assert answers == [401, 401, 401, 429]


def test_signing_in_goes_on_while_redis_is_away(providers: Providers) -> None:
    url = "redis://127.0.0.1:1/0"
    changed = providers.settings.model_copy(update={"redis_url": url})
    wiring.use(replace(providers, settings=changed, redis=connect(url)))
    client = create_app().test_client()

    answer = client.post("/v1/auth/register", json=ADA)

    assert answer.status_code == 200


def test_a_guest_who_signs_in_finds_their_cart_there(client: FlaskClient, db: Database) -> None:
    with db.transaction() as session:
        sku = make_sku(session, stock=5)
    line = {"sku_id": encode("sku", sku.id), "qty": 2}
    guest = client.post("/v1/cart", json=line).json
    assert guest is not None

    session_ = client.post(
        "/v1/auth/register", json=ADA, headers={"X-Cart-Token": guest["token"]}
    ).json

    assert session_ is not None
    bearer = {"Authorization": f"Bearer {session_['access_token']}"}
    mine = client.get("/v1/cart", headers=bearer).json
    assert mine is not None
    assert [(kept["sku_id"], kept["qty"]) for kept in mine["lines"]] == [(line["sku_id"], 2)]


def test_a_cart_token_that_is_not_good_keeps_nobody_from_signing_in(client: FlaskClient) -> None:
    answer = client.post("/v1/auth/register", json=ADA, headers={"X-Cart-Token": "nonsense"})

    assert answer.status_code == 200
