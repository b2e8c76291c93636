"""Who asks too often is told when to come back; Redis away makes nobody wait or fail."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import wiring
from app.config import Settings
from app.platform.ids import new_id
from app.wiring import Providers
from tests.web.conftest import make_door

PURCHASES = "/trial/purchases"
Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def strict(providers: Providers) -> FlaskClient:
    """A door that lets each shopper check out twice a minute."""
    return _door(providers, checkouts_per_minute=2).test_client()


def test_a_shopper_who_checks_out_too_often_is_told_when_to_return(
    strict: FlaskClient, bearer: Bearer
) -> None:
    mine = bearer(id=new_id())
    for _ in range(2):
        strict.post(PURCHASES, json={"name": "oak"}, headers=mine)

    answer = strict.post(PURCHASES, json={"name": "oak"}, headers=mine)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (429, "rate_limited")
    assert answer.mimetype == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert answer.json["retry"]["retryable"] is True
    assert answer.headers["RateLimit-Limit"] == "2"
    assert answer.headers["RateLimit-Remaining"] == "0"


def test_another_shopper_at_the_same_address_is_not_held_up(
    strict: FlaskClient, bearer: Bearer
) -> None:
    mine = bearer(id=new_id())
    for _ in range(3):
        strict.post(PURCHASES, json={"name": "oak"}, headers=mine)

    answer = strict.post(PURCHASES, json={"name": "oak"}, headers=bearer(id=new_id()))

    assert answer.status_code == 202


def test_an_answer_says_how_much_is_left(strict: FlaskClient, bearer: Bearer) -> None:
    answer = strict.post(PURCHASES, json={"name": "oak"}, headers=bearer(id=new_id()))

    assert answer.headers["RateLimit-Limit"] == "2"
    assert answer.headers["RateLimit-Remaining"] == "1"
    assert 0 <= int(answer.headers["RateLimit-Reset"]) <= 61
    assert "Retry-After" not in answer.headers


def test_guests_are_counted_by_their_address_and_forwarded_headers_are_not_believed(
    strict: FlaskClient, providers: Providers
) -> None:
    for number in range(3):
        answer = strict.post(
            PURCHASES,
            json={"name": "oak"},
            headers={
                "X-Cart-Token": providers.cart_tokens.issue(new_id()),
                "X-Forwarded-For": f"203.0.113.{number}",
            },
        )

    assert answer.status_code == 429


def test_a_configured_proxy_is_believed(providers: Providers) -> None:
    client = _door(providers, checkouts_per_minute=1, trusted_proxies=1).test_client()

    answers = [
        client.post(
            PURCHASES, json={"name": "oak"}, headers={"X-Forwarded-For": f"203.0.113.{number}"}
        ).status_code
        for number in (1, 2, 2)
    ]

    assert answers == [202, 202, 429]


def test_a_bad_token_is_refused_and_does_not_disturb_the_limiter(strict: FlaskClient) -> None:
    bad = {"Authorization": "Bearer nonsense"}

    answers = [strict.post(PURCHASES, headers=bad).status_code for _ in range(3)]

    assert answers == [401, 401, 429]


def test_while_redis_is_away_the_limit_holds_in_this_process(
    providers: Providers, bearer: Bearer
) -> None:
    client = _door(
        providers, checkouts_per_minute=2, redis_url="redis://127.0.0.1:1/0"
    ).test_client()
    mine = bearer(id=new_id())

    answers = [
        client.post(PURCHASES, json={"name": "oak"}, headers=mine).status_code for _ in range(3)
    ]

    assert answers == [202, 202, 429]


def test_one_address_cannot_ask_without_end(providers: Providers) -> None:
    client = _door(providers, requests_per_minute=3).test_client()

    answers = [client.get("/trial/orders/x").status_code for _ in range(2)]
    answers += [client.get("/trial/sleep").status_code for _ in range(4)]

    assert answers[-1] == 429
    assert 200 in answers


def _door(providers: Providers, **settings: object) -> Flask:
    changed: Settings = providers.settings.model_copy(update=settings)
    wired = replace(providers, settings=changed)
    wiring.use(wired)
    return make_door(wired)
