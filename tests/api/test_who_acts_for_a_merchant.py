"""Who was let go makes nothing that outlives their access token."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts.models import Role
from app.catalog.models import Sku
from app.platform.ids import encode
from app.wiring import Providers
from tests.api.people import PASSWORD, Person
from tests.api.snapshots import rows
from tests.factories import make_sku, make_user

KEYS, PEOPLE = "/v1/merchant/api-keys", "/v1/merchant/people"
WANTED: dict[str, Any] = {"name": "Robot", "scopes": ["stock:read"]}


@pytest.fixture
def sku(providers: Providers) -> Sku:
    """What the merchant sells."""
    with providers.db.transaction() as session:
        return make_sku(session, stock=5)


@pytest.fixture
def boss(client: FlaskClient, providers: Providers, sku: Sku) -> Person:
    """Somebody who sells for the merchant."""
    return _seller(client, providers, sku)


@pytest.fixture
def colleague(client: FlaskClient, providers: Providers, sku: Sku) -> Person:
    """Somebody else who does."""
    return _seller(client, providers, sku)


def _seller(client: FlaskClient, wired: Providers, sku: Sku) -> Person:
    hashed = wired.passwords.hash(PASSWORD)
    with wired.db.transaction() as session:
        user = make_user(
            session, role=Role.MERCHANT, merchant_id=sku.merchant_id, password_hash=hashed
        )
    proof = {"Authorization": f"Bearer {wired.tokens.issue(user)}"}
    return Person(client, proof, {"user_id": encode("usr", user.id)})


def _told(answer: TestResponse) -> dict[str, Any]:
    return dict(answer.json or {})


def _go(boss: Person, colleague: Person, how: str) -> None:
    """The colleague is let go, or leaves for good."""
    if how == "removed":
        assert boss.delete(f"{PEOPLE}/{colleague.ids['user_id']}").status_code == 204
    else:
        gone = colleague.post("/v1/account/erase", {"password": PASSWORD})
        assert gone.status_code == 204, gone.json


@pytest.mark.parametrize("how", ["removed", "erased"])
@pytest.mark.parametrize("act", ["make a key", "invite", "let go", "take a key back"])
def test_who_was_let_go_lets_nobody_in_and_nobody_out(
    providers: Providers, boss: Person, colleague: Person, act: str, how: str
) -> None:
    key = _told(boss.post(KEYS, WANTED))
    _go(boss, colleague, how)
    before = rows(providers.db)

    answer = {
        "make a key": lambda: colleague.post(KEYS, WANTED),
        "invite": lambda: colleague.post(PEOPLE, {"email": "friend@example.com"}),
        "let go": lambda: colleague.delete(f"{PEOPLE}/{boss.ids['user_id']}"),
        "take a key back": lambda: colleague.delete(f"{KEYS}/{key['id']}"),
    }[act]()

    assert (answer.status_code, _told(answer)["code"]) == (403, "forbidden")
    assert rows(providers.db) == before


def test_a_key_says_who_made_it(boss: Person, colleague: Person) -> None:
    made = [_told(person.post(KEYS, WANTED)) for person in (boss, colleague)]

    listed = _told(boss.get(KEYS))["data"]

    people = [boss.ids["user_id"], colleague.ids["user_id"]]
    assert [each["created_by"] for each in made] == people
    assert [each["created_by"] for each in listed] == people[::-1]


@pytest.mark.parametrize(
    "until", ["9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59+12:00", "2200-01-01T00:00:00Z"]
)
def test_a_key_lives_no_longer_than_calendars_do(boss: Person, until: str) -> None:
    answer = boss.post(KEYS, WANTED | {"expires_at": until})

    assert answer.status_code == 422
    assert _told(answer)["errors"][0]["field"] == "expires_at"
    assert _told(boss.get(KEYS))["data"] == []
