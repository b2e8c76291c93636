"""The same key and body is the same act once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import wiring
from app.accounts.models import Role
from app.inventory.models import Warehouse
from app.platform.clock import milliseconds
from app.platform.db import Database
from app.platform.idempotency import IdempotencyKey, write
from app.platform.ids import new_id
from app.platform.redis import ShopRedis, connect
from app.wiring import Providers
from tests.conftest import Clock

SHELVES, PURCHASES = "/trial/shelves", "/trial/purchases"
Headers = dict[str, str]


@pytest.fixture
def keyed(bearer: Callable[..., Headers]) -> Headers:
    """Headers of a customer who sends a key."""
    return bearer(Role.CUSTOMER) | {"Idempotency-Key": "key-1"}


def test_a_repeat_gets_the_same_answer_and_changes_nothing(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    first = caller.post(SHELVES, json={"name": "oak"}, headers=keyed)
    second = caller.post(SHELVES, json={"name": "oak"}, headers=keyed)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.data == first.data
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert _shelves(db) == 1


def test_the_same_words_in_another_order_are_the_same_request(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    for body in (b'{"name": "oak", "qty": 2}', b'{ "qty":2,"name":"oak" }'):
        answer = caller.post(SHELVES, data=body, content_type="application/json", headers=keyed)

    assert answer.status_code == 201
    assert _shelves(db) == 1


def test_a_key_with_another_body_is_refused(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    caller.post(SHELVES, json={"name": "oak"}, headers=keyed)

    answer = caller.post(SHELVES, json={"name": "elm"}, headers=keyed)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert _shelves(db) == 1


def test_a_key_is_one_callers_own(
    caller: FlaskClient, bearer: Callable[..., Headers], db: Database
) -> None:
    for user_id in (new_id(), new_id()):
        caller.post(
            SHELVES, json={"name": "oak"}, headers=bearer(id=user_id) | {"Idempotency-Key": "k"}
        )

    assert _shelves(db) == 2


def test_a_key_of_nobody_is_ignored(caller: FlaskClient, db: Database) -> None:
    for _ in range(2):
        caller.post(SHELVES, json={"name": "oak"}, headers={"Idempotency-Key": "k"})

    assert _shelves(db) == 2


def test_a_refusal_that_would_be_the_same_again_is_kept(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    first = caller.post(SHELVES, json={"name": ""}, headers=keyed)
    second = caller.post(SHELVES, json={"name": ""}, headers=keyed)

    assert (first.status_code, second.status_code) == (422, 422)
    assert second.data == first.data
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("name", "status"), [("sold out", 409), ("broken", 500)])
def test_a_refusal_that_may_change_is_not_kept(
    caller: FlaskClient, keyed: Headers, db: Database, name: str, status: int
) -> None:
    answer = caller.post(SHELVES, json={"name": name}, headers=keyed)

    assert answer.status_code == status
    assert _keys(db) == 0
    assert _shelves(db) == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "with blank", "ümlaut"])
def test_a_key_out_of_bounds_is_refused(
    caller: FlaskClient, bearer: Callable[..., Headers], key: str
) -> None:
    headers = bearer() | {"Idempotency-Key": key.encode().decode("latin-1")}

    answer = caller.post(SHELVES, json={"name": "oak"}, headers=headers)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_invalid")


def test_of_many_twins_at_once_one_acts_and_all_get_its_answer(
    door: Flask, keyed: Headers, db: Database
) -> None:
    def send(_: int) -> tuple[int, bytes]:
        answer = door.test_client().post(SHELVES, json={"name": "oak"}, headers=keyed)
        return answer.status_code, answer.data

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(16)))

    assert len(answers) == 1
    assert answers.pop()[0] == 201
    assert _shelves(db) == 1


def test_a_twin_of_one_that_takes_too_long_is_told_to_come_back(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    scope, request_hash = _remember_and_forget(caller, keyed, db)
    with db.transaction() as first:
        write(
            first,
            scope=scope,
            key="key-1",
            request_hash=request_hash,
            status=None,
            response=None,
        )

        answer = caller.post("/trial/impatient", headers=keyed)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_key_in_flight")
    assert answer.json["retry"] == {"retryable": True, "after_seconds": 1}
    assert answer.headers["Retry-After"] == "1"


def test_half_an_act_is_never_kept_though_its_view_swallowed_the_refusal(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    answer = caller.post("/trial/careless", headers=keyed)

    assert answer.status_code == 500
    assert (_shelves(db), _keys(db)) == (0, 0)


def test_a_key_is_forgotten_after_its_day(
    caller: FlaskClient, keyed: Headers, db: Database, clock: Clock
) -> None:
    caller.post(SHELVES, json={"name": "oak"}, headers=keyed)
    clock.advance(25 * 3600)

    answer = caller.post(SHELVES, json={"name": "elm"}, headers=keyed)

    assert answer.status_code == 201
    assert _shelves(db) == 2


def test_where_only_the_id_is_kept_a_repeat_shows_what_became_of_it(
    caller: FlaskClient, keyed: Headers, db: Database
) -> None:
    first = caller.post(PURCHASES, json={"name": "oak"}, headers=keyed)
    second = caller.post(PURCHASES, json={"name": "oak"}, headers=keyed)

    assert first.json is not None
    assert first.json["state"] == "new"
    assert second.json == {"id": first.json["id"], "state": "later"}
    assert second.headers["Idempotent-Replayed"] == "true"
    assert _shelves(db) == 1


def test_twins_that_keep_the_id_alone_act_once(door: Flask, keyed: Headers, db: Database) -> None:
    def send(_: int) -> str:
        answer = door.test_client().post(PURCHASES, json={"name": "oak"}, headers=keyed)
        assert answer.json is not None
        return str(answer.json["id"])

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(send, range(16)))

    assert len(made) == 1
    assert _shelves(db) == 1


def test_a_repeat_finds_its_purchase_though_redis_forgot_and_all_is_sold(
    caller: FlaskClient, keyed: Headers, redis: ShopRedis, db: Database
) -> None:
    first = caller.post(PURCHASES, json={"name": "last one"}, headers=keyed)
    redis.flushall()

    second = caller.post(PURCHASES, json={"name": "last one"}, headers=keyed)

    assert first.json is not None
    assert second.json == {"id": first.json["id"], "state": "later"}
    assert _shelves(db) == 1


def test_a_repeat_finds_its_purchase_while_redis_is_away(
    caller: FlaskClient, keyed: Headers, providers: Providers
) -> None:
    first = caller.post(PURCHASES, json={"name": "oak"}, headers=keyed)
    wiring.use(replace(providers, redis=connect("redis://127.0.0.1:1/0")))

    second = caller.post(PURCHASES, json={"name": "oak"}, headers=keyed)

    assert first.json is not None
    assert second.json == {"id": first.json["id"], "state": "later"}


def test_a_new_key_in_a_sold_out_shop_is_refused_without_the_database(
    caller: FlaskClient, keyed: Headers, providers: Providers, redis: ShopRedis
) -> None:
    redis.set("idempotency:epoch", milliseconds() - 25 * 3600 * 1000)
    gone = Database("postgresql+psycopg://shop@127.0.0.1:1/none")
    wiring.use(replace(providers, db=gone))

    answer = caller.post(PURCHASES, json={"name": "sold out"}, headers=keyed)

    gone.dispose()
    assert answer.status_code == 409


def _shelves(db: Database) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Warehouse)) or 0


def _keys(db: Database) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(IdempotencyKey)) or 0


def _remember_and_forget(caller: FlaskClient, keyed: Headers, db: Database) -> tuple[str, str]:
    """The scope and hash of this request, from one that ran and whose key is gone again."""
    caller.post("/trial/impatient", headers=keyed)
    with db.transaction() as session:
        row = session.scalars(select(IdempotencyKey)).one()
        session.delete(row)
        return row.scope, row.request_hash
