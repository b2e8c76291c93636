"""Keys for a merchant's machines: what they open, and what they never do."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app import create_app, wiring
from app.accounts.keyring import Keyring
from app.accounts.models import ApiKey, Merchant, MerchantStatus, Role
from app.accounts.service.api_keys import API_KEYS_MAX
from app.catalog.models import Sku
from app.platform.clock import utc_now
from app.platform.ids import encode, new_id
from app.platform.logging import configure
from app.web.auth import MACHINE, Scope
from app.wiring import Providers
from tests.api.people import Person
from tests.conftest import Clock
from tests.factories import make_sku, make_user
from tests.statements import statements

KEYS = "/v1/merchant/api-keys"
STOCK = "/v1/merchant/stock"
WANTED: dict[str, Any] = {"name": "Robot", "scopes": ["stock:read"]}


@pytest.fixture
def sku(providers: Providers) -> Sku:
    """What the merchant sells."""
    with providers.db.transaction() as session:
        return make_sku(session, stock=5)


@pytest.fixture
def boss(client: FlaskClient, providers: Providers, sku: Sku) -> Person:
    """One of the merchant's people."""
    return _person(client, providers, sku)


@pytest.fixture
def rival(client: FlaskClient, providers: Providers) -> Person:
    """One of another merchant's people."""
    with providers.db.transaction() as session:
        other = make_sku(session, stock=1)
    return _person(client, providers, other)


@pytest.fixture
def forgetful(providers: Providers) -> FlaskClient:
    """A door that remembers no key."""
    wiring.use(replace(providers, api_keys=Keyring(providers.db, seconds=-1)))
    return create_app().test_client()


def _person(client: FlaskClient, wired: Providers, sku: Sku) -> Person:
    with wired.db.transaction() as session:
        user = make_user(session, role=Role.MERCHANT, merchant_id=sku.merchant_id)
    return Person(client, {"Authorization": f"Bearer {wired.tokens.issue(user)}"})


def _told(answer: TestResponse) -> dict[str, Any]:
    return dict(answer.json or {})


def _make(boss: Person, *scopes: str, **given: Any) -> dict[str, Any]:
    answer = boss.post(KEYS, WANTED | {"scopes": list(scopes or WANTED["scopes"])} | given)
    assert answer.status_code == 201, answer.json
    return _told(answer)


def _machine(client: FlaskClient, key: str) -> Person:
    return Person(client, {"Authorization": f"Bearer {key}"})


def test_a_key_is_shown_once_and_opens_what_it_names(
    client: FlaskClient, boss: Person, sku: Sku
) -> None:
    new = _make(boss)

    stock = _machine(client, new["key"]).get(STOCK)

    listed = _told(boss.get(KEYS))["data"]
    assert stock.status_code == 200
    assert [line["sku_id"] for line in _told(stock)["data"]] == [encode("sku", sku.id)]
    assert [each["prefix"] for each in listed] == [new["prefix"]]
    assert new["key"].startswith(f"cw_{new['prefix']}_")
    assert "key" not in listed[0]


def test_a_repeat_of_the_same_request_makes_no_second_key_and_shows_none(boss: Person) -> None:
    first = boss.post(KEYS, WANTED, Idempotency_Key="k")

    again = boss.post(KEYS, WANTED, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (201, 201)
    assert _told(again) == _told(first) | {"key": None}
    assert len(_told(boss.get(KEYS))["data"]) == 1


def test_nothing_that_opens_is_kept(boss: Person, providers: Providers) -> None:
    secret = _told(boss.post(KEYS, WANTED, Idempotency_Key="k"))["key"]

    with providers.db.reading() as session:
        tables = ("api_keys", "idempotency_keys", "outbox")
        every = " UNION ALL ".join(f"SELECT t::text FROM {table} t" for table in tables)
        kept = "\n".join(session.execute(text(every)).scalars())

    assert len(kept) > 100
    assert secret not in kept
    assert secret.rsplit("_", 1)[1] not in kept


def test_a_key_does_what_it_names_and_nothing_else(
    client: FlaskClient, boss: Person, sku: Sku
) -> None:
    machine = _machine(client, _make(boss, "stock:read")["key"])

    receipt = machine.post(f"{STOCK}/receipts", {"sku_id": encode("sku", sku.id), "qty": 1})

    assert (receipt.status_code, _told(receipt)["code"]) == (403, "forbidden")
    assert _told(receipt)["needs"] == ["stock:write"]


def test_a_key_that_may_write_acts_for_its_merchant_and_once_under_a_key(
    client: FlaskClient, boss: Person, rival: Person, sku: Sku
) -> None:
    machine = _machine(client, _make(boss, "stock:read", "stock:write")["key"])
    receipt = {"sku_id": encode("sku", sku.id), "qty": 2}

    first = machine.post(f"{STOCK}/receipts", receipt, Idempotency_Key="k")
    again = machine.post(f"{STOCK}/receipts", receipt, Idempotency_Key="k")
    theirs = _told(rival.get(STOCK))["data"][0]["sku_id"]
    foreign = machine.post(f"{STOCK}/receipts", {"sku_id": theirs, "qty": 1})

    assert (first.status_code, again.status_code) == (201, 201)
    assert _told(machine.get(STOCK))["data"][0]["available"] == 7
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/account"),
        ("GET", "/v1/account/export"),
        ("POST", "/v1/account/erase"),
        ("POST", "/v1/auth/password"),
        ("GET", "/v1/cart"),
        ("POST", "/v1/cart"),
        ("POST", "/v1/checkout"),
        ("GET", KEYS),
        ("POST", KEYS),
        ("GET", "/v1/merchant/people"),
        ("POST", "/v1/merchant/people"),
        ("GET", "/v1/ops/merchants"),
        ("POST", "/v1/ops/merchants"),
        ("GET", "/v1/ops/sagas"),
    ],
)
def test_no_key_is_a_person_whatever_it_may_do(
    client: FlaskClient, boss: Person, method: str, path: str
) -> None:
    machine = _machine(client, _make(boss, *[scope.value for scope in MACHINE])["key"])

    answer = client.open(path, method=method, json={}, headers=machine.headers)

    assert (answer.status_code, _told(answer)["code"]) == (403, "forbidden")


def test_a_key_sees_nobodys_orders_in_the_list_of_a_shopper(
    client: FlaskClient, boss: Person
) -> None:
    machine = _machine(client, _make(boss, "orders:read")["key"])

    assert _told(machine.get("/v1/orders")) == {"data": [], "next": None}


def test_a_cart_token_beside_a_key_opens_no_cart(
    client: FlaskClient, boss: Person, providers: Providers
) -> None:
    machine = _machine(client, _make(boss, "orders:read")["key"])
    machine.headers["X-Cart-Token"] = providers.cart_tokens.issue(new_id())

    assert machine.get("/v1/cart").status_code == 403


@pytest.mark.parametrize("scope", [*sorted({*Scope} - MACHINE), "everything"])
def test_no_key_is_made_for_what_only_people_may(boss: Person, scope: str) -> None:
    answer = boss.post(KEYS, WANTED | {"scopes": ["stock:read", scope]})

    assert answer.status_code == 422
    assert _told(answer)["errors"][0]["field"] == "scopes.1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"name": ""}, "name"),
        ({"merchant_id": encode("mer", new_id())}, "merchant_id"),
        ({"key": "cw_mine_mine"}, "key"),
        ({"prefix": "mine"}, "prefix"),
        ({"expires_at": "2090-01-01T00:00:00"}, "expires_at"),
    ],
)
def test_a_key_that_is_not_acceptable_is_refused(
    boss: Person, change: dict[str, Any], field: str
) -> None:
    answer = boss.post(KEYS, WANTED | change)

    assert answer.status_code == 422
    assert _told(answer)["errors"][0]["field"] == field
    assert _told(boss.get(KEYS))["data"] == []


def test_a_key_that_would_have_expired_already_is_not_made(boss: Person, clock: Clock) -> None:
    soon = (utc_now() + timedelta(hours=1)).isoformat()
    clock.advance(3_601)

    for passed in ("2020-01-01T00:00:00Z", soon):
        answer = boss.post(KEYS, WANTED | {"expires_at": passed})
        assert (answer.status_code, _told(answer)["code"]) == (422, "expiry_passed")
        assert _told(answer)["errors"][0]["field"] == "expires_at"
    assert _told(boss.get(KEYS))["data"] == []


def test_a_merchant_holds_so_many_keys_and_one_taken_back_makes_room(
    boss: Person, rival: Person, providers: Providers, sku: Sku
) -> None:
    with providers.db.transaction() as session:
        session.add_all(
            ApiKey(merchant_id=sku.merchant_id, name="Robot", key_hash="!", **_named(number))
            for number in range(API_KEYS_MAX - 1)
        )
    last = _make(boss)

    one_more = boss.post(KEYS, WANTED)
    boss.delete(f"{KEYS}/{last['id']}")
    then = boss.post(KEYS, WANTED)

    assert (one_more.status_code, _told(one_more)["code"]) == (409, "too_many_api_keys")
    assert _told(one_more)["most"] == API_KEYS_MAX
    assert then.status_code == 201
    assert len(_told(boss.get(KEYS))["data"]) == API_KEYS_MAX
    assert rival.post(KEYS, WANTED).status_code == 201


def _named(number: int) -> dict[str, Any]:
    return {"prefix": f"robot{number}", "scopes": WANTED["scopes"]}


def test_customers_and_operators_have_no_keys(client: FlaskClient, providers: Providers) -> None:
    with providers.db.transaction() as session:
        people = [make_user(session, role=role) for role in (Role.CUSTOMER, Role.OPS)]

    for user in people:
        person = Person(client, {"Authorization": f"Bearer {providers.tokens.issue(user)}"})
        assert person.post(KEYS, WANTED).status_code == 403
        assert person.get(KEYS).status_code == 403


def test_another_merchants_key_does_not_exist(
    client: FlaskClient, boss: Person, rival: Person
) -> None:
    new = _make(boss)

    answer = rival.delete(f"{KEYS}/{new['id']}")

    assert (answer.status_code, _told(answer)["code"]) == (404, "api_key_not_found")
    assert _told(rival.get(KEYS))["data"] == []
    assert _machine(client, new["key"]).get(STOCK).status_code == 200


def test_a_key_taken_back_opens_nothing(forgetful: FlaskClient, boss: Person) -> None:
    new = _make(boss)
    machine = _machine(forgetful, new["key"])
    before = machine.get(STOCK).status_code

    gone = boss.delete(f"{KEYS}/{new['id']}")

    assert (before, gone.status_code) == (200, 204)
    assert (machine.get(STOCK).status_code, _told(machine.get(STOCK))["code"]) == (
        401, "unauthenticated",
    )  # fmt: skip
    assert _told(boss.get(KEYS))["data"] == []
    assert boss.delete(f"{KEYS}/{new['id']}").status_code == 404


def test_a_key_opens_nothing_once_it_has_expired(
    forgetful: FlaskClient, boss: Person, clock: Clock
) -> None:
    until = (utc_now() + timedelta(hours=1)).isoformat()
    machine = _machine(forgetful, _make(boss, expires_at=until)["key"])
    before = machine.get(STOCK).status_code

    clock.advance(3_601)

    assert (before, machine.get(STOCK).status_code) == (200, 401)


def test_a_suspended_merchants_keys_open_nothing_until_it_sells_again(
    forgetful: FlaskClient, boss: Person, providers: Providers, sku: Sku
) -> None:
    machine, seen = _machine(forgetful, _make(boss)["key"]), []
    for status in (MerchantStatus.SUSPENDED, MerchantStatus.ACTIVE):
        with providers.db.transaction() as session:
            session.get_one(Merchant, sku.merchant_id).status = status

        seen.append(machine.get(STOCK).status_code)

    assert seen == [401, 200]


FORGERIES: dict[str, Callable[[str], str]] = {
    "another-secret": lambda key: key[:-3] + ("AAA" if key[-3:] != "AAA" else "BBB"),
    "another-prefix": lambda key: key.replace(key.split("_")[1], "aaaaaaaaaa"),
    "prefix-alone": lambda key: "_".join(key.split("_")[:2]),
    "no-secret": lambda key: "_".join(key.split("_")[:2]) + "_",
    "kind-alone": lambda _key: "cw_",
    "long": lambda key: key + "x" * 10_000,
    "odd-letters": lambda _key: "cw_%00_é",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_key_that_is_not_one_opens_nothing_and_all_look_the_same(
    client: FlaskClient, boss: Person, forgery: str
) -> None:
    key = _make(boss)["key"]
    _machine(client, key).get(STOCK)  # it is remembered now
    forged = FORGERIES[forgery](key)

    answer = _machine(client, forged).get(STOCK)
    public = _machine(client, forged).get("/v1/orders")

    assert (answer.status_code, _told(answer)["code"]) == (401, "unauthenticated")
    assert _told(answer)["detail"] == "The API key is not known, or not valid any more."
    assert public.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_when_a_key_was_used_is_noted_once_a_minute(
    forgetful: FlaskClient, boss: Person, clock: Clock
) -> None:
    machine, noted = _machine(forgetful, _make(boss)["key"]), []
    for seconds in (0, 30, 31):
        clock.advance(seconds)
        machine.get(STOCK)
        noted.append(_told(boss.get(KEYS))["data"][0]["last_used_at"])

    assert noted[0] is not None
    assert noted[1] == noted[0]
    assert noted[2] > noted[0]


def test_a_busy_machine_costs_no_statement_of_its_own(
    client: FlaskClient, boss: Person, providers: Providers
) -> None:
    machine = _machine(client, _make(boss)["key"])
    machine.get(STOCK)

    with statements(providers.db) as seen:
        machine.get(STOCK)

    assert [statement for statement in seen if "api_keys" in statement] == []


def test_no_key_reaches_the_log_or_a_problem(client: FlaskClient, boss: Person) -> None:
    log = io.StringIO()
    configure("DEBUG", stream=log)
    try:
        key = _make(boss)["key"]
        machine = _machine(client, key)
        answers = [machine.get(STOCK), machine.get("/v1/cart"), machine.post("/v1/nothing")]
        answers.append(_machine(client, key + "x").get(STOCK))
    finally:
        configure("WARNING")

    written = log.getvalue()
    assert "api_key:" in written
    assert key not in written
    assert all(key not in answer.get_data(as_text=True) for answer in answers)


def test_the_document_says_where_a_key_may_be_shown(client: FlaskClient) -> None:
    paths = _told(client.get("/openapi.json"))["paths"]

    assert {"apiKey": []} in paths[STOCK]["get"]["security"]
    assert {"apiKey": []} not in paths[KEYS]["post"]["security"]
    assert {"apiKey": []} not in paths["/v1/account"]["get"]["security"]
