"""The first gate before a real PostgreSQL: what it admits, forgets, and sets right again."""

from uuid import UUID

import pytest

from app.inventory import service
from app.inventory.errors import OutOfStock
from app.inventory.gate import Drift, Gate
from app.inventory.service import Want
from app.platform.db import Database
from app.platform.ids import new_id
from app.platform.redis import ShopRedis
from tests.factories import make_merchant, make_sku
from tests.inventory.conftest import ADMISSION_SECONDS as LIFE
from tests.inventory.conftest import accept, add_checkout, counter, fail, go_on, new_sku


def reserve(db: Database, checkout_id: UUID, lines: dict[UUID, int]) -> bool:
    """The reserve step: hold the units and go on, or end the checkout."""
    with db.transaction() as session:
        short = service.reserve(session, [Want(checkout_id, None, lines)], seconds=900)
        (fail if short[checkout_id] else go_on)(session, [checkout_id])
    return not short[checkout_id]


def test_a_sku_nobody_asked_for_yet_is_loaded_and_admitted(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)

    gate.admit(new_id(), {sku: 2}, LIFE)

    assert counter(redis, sku) == 3


def test_sold_out_tells_each_short_sku_and_what_is_left(gate: Gate, db: Database) -> None:
    plenty, few, none = (new_sku(db, stock=units) for units in (9, 1, 0))

    with pytest.raises(OutOfStock) as refusal:
        gate.admit(new_id(), {plenty: 1, few: 2, none: 3}, LIFE)

    assert refusal.value.facts["lines"] == [
        {"sku_id": few, "wanted": 2, "left": 1},
        {"sku_id": none, "wanted": 3, "left": 0},
    ]


def test_an_unknown_sku_is_sold_out(gate: Gate) -> None:
    unknown = new_id()

    with pytest.raises(OutOfStock) as refusal:
        gate.admit(new_id(), {unknown: 1}, LIFE)

    assert refusal.value.facts["lines"] == [{"sku_id": unknown, "wanted": 1, "left": 0}]


def test_an_empty_cart_asks_nobody(gate: Gate, redis: ShopRedis) -> None:
    gate.admit(new_id(), {}, LIFE)

    assert redis.dbsize() == 0


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_purchase_up_to_its_reservation_leaves_the_gates_agreeing(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)

    checkout_id = accept(gate, db, {sku: 2})
    agreed = gate.check([sku])
    reserve(db, checkout_id, {sku: 2})

    assert (agreed, gate.check([sku])) == ([], [])
    assert counter(redis, sku) == 3


@pytest.mark.unaudited("saga_unlike_journal")
def test_only_a_load_raises_a_counter(gate: Gate, db: Database, redis: ShopRedis) -> None:
    sku = new_sku(db, stock=5)
    checkout_id = accept(gate, db, {sku: 2})
    reserve(db, checkout_id, {sku: 2})
    with db.transaction() as session:
        service.release(session, [checkout_id])
    gate.mark_dirty([sku])
    before = counter(redis, sku)

    loaded = gate.load_dirty(10)

    assert (before, loaded) == (3, 1)
    assert counter(redis, sku) == 5
    assert gate.load_dirty(10) == 0


def test_an_admission_that_was_rolled_back_comes_back_at_once(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    admission = new_id()
    gate.admit(admission, {sku: 2}, LIFE)

    gate.withdraw(admission, [sku])
    gate.load_dirty(10)

    assert counter(redis, sku) == 5


def test_an_admission_in_flight_stays_counted_by_a_load(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    gate.admit(new_id(), {sku: 2}, LIFE)

    gate.load([sku])

    assert counter(redis, sku) == 3


def test_an_admission_that_is_a_row_already_is_counted_once_by_a_load(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    admission = new_id()
    gate.admit(admission, {sku: 2}, LIFE)
    with db.transaction() as session:
        add_checkout(session, {sku: 2}, id=admission)

    gate.load([sku])

    assert counter(redis, sku) == 3
    assert gate.check([sku]) == []


def test_an_admission_nobody_came_back_for_lapses(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    gate.admit(new_id(), {sku: 5}, 0)
    with pytest.raises(OutOfStock):
        gate.admit(new_id(), {sku: 1}, LIFE)

    gate.load_dirty(10)

    assert counter(redis, sku) == 5


def test_a_row_committed_after_its_admission_lapsed_is_counted_in_the_end(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    admission = new_id()
    gate.admit(admission, {sku: 2}, 0)
    gate.load([sku])
    with db.transaction() as session:
        add_checkout(session, {sku: 2}, id=admission)

    gate.settle(admission, [sku])
    gate.load_dirty(10)

    assert counter(redis, sku) == 3


def test_after_a_flush_traffic_goes_on_and_the_gates_agree_again(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    accept(gate, db, {sku: 1})
    redis.flushall()
    redis.script_flush()

    accept(gate, db, {sku: 1})

    assert counter(redis, sku) == 3
    assert gate.check([sku]) == []


def test_an_admission_lost_in_a_flush_is_found_when_it_settles(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    admission = new_id()
    gate.admit(admission, {sku: 2}, LIFE)
    redis.flushall()
    gate.load([sku])
    lied = counter(redis, sku)
    with db.transaction() as session:
        add_checkout(session, {sku: 2}, id=admission)

    gate.settle(admission, [sku])
    gate.load_dirty(10)

    assert (lied, counter(redis, sku)) == (5, 3)


@pytest.mark.unaudited("change_not_announced", "saga_unlike_journal")
def test_where_the_first_gate_lies_the_second_still_refuses(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=1)
    gate.load([sku])
    redis.set(f"{{g0}}:free:{sku}", 100)
    buyers = [accept(gate, db, {sku: 1}) for _ in range(3)]

    reserved = [reserve(db, buyer, {sku: 1}) for buyer in buyers]
    gate.mark_dirty([sku])
    gate.load_dirty(10)

    assert sorted(reserved) == [False, False, True]
    assert counter(redis, sku) == 0


def test_a_wrong_counter_is_reported_and_healed_by_the_minutes_load(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    right, wrong = new_sku(db, stock=5), new_sku(db, stock=5)
    gate.load([right, wrong])
    redis.set(f"{{g0}}:free:{wrong}", 4)

    drifts = gate.check([right, wrong])
    gate.load_active()

    assert drifts == [Drift(wrong, counter=4, expected=5)]
    assert gate.check([right, wrong]) == []


def test_a_sku_that_waits_for_its_load_is_not_called_wrong_before_a_minute(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    gate.load([sku])
    redis.set(f"{{g0}}:free:{sku}", 4)
    gate.mark_dirty([sku])

    soon = gate.check([sku])
    redis.zadd("{g0}:dirty", {str(sku): 1})

    assert soon == []
    assert gate.check([sku]) == [Drift(sku, counter=4, expected=5)]


def test_the_minutes_load_reaches_every_sku_page_by_page(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    with db.transaction() as session:
        merchant = make_merchant(session)
        skus = [make_sku(session, merchant=merchant, stock=1).id for _ in range(205)]

    loaded = gate.load_active()

    assert loaded == 205
    assert [counter(redis, sku) for sku in skus] == [1] * 205
