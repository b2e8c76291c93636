"""Many buyers at once through both gates, also while Redis forgets everything in the middle."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from app.inventory import queries, service
from app.inventory.errors import GateAway, OutOfStock
from app.inventory.gate import Gate
from app.inventory.service import Want
from app.platform.db import Database
from app.platform.ids import new_id
from app.platform.redis import ShopRedis, connect
from tests.inventory.conftest import (
    CheckoutDemand,
    add_checkout,
    balances,
    contradictions,
    fail,
    go_on,
    new_sku,
)

pytestmark = pytest.mark.unaudited("saga_unlike_journal")

THREADS = 32
UNITS = 100
BUYERS = 300
FORGETTING = {"never": frozenset(), "twice": frozenset({60, 140})}


class Sale:
    """One hot SKU, and buyers who come back when the gate asks them to."""

    def __init__(self, db: Database, redis: ShopRedis) -> None:
        self.db, self.redis = db, redis
        self.gate = Gate(redis, db, CheckoutDemand())
        self.sku = new_sku(db, stock=UNITS)

    def buy(self, checkout_id: UUID) -> bool:
        lines = {self.sku: 1}
        if not self._admit(checkout_id, lines):
            return False
        with self.db.transaction() as session:
            add_checkout(session, lines, id=checkout_id)
        self.gate.settle(checkout_id, lines)
        with self.db.transaction() as session:
            wanted = Want(checkout_id, None, lines)
            short = service.reserve(session, [wanted], seconds=900)[checkout_id]
            (fail if short else go_on)(session, [checkout_id])
        if short:
            self.gate.mark_dirty(lines)
        return not short

    def _admit(self, checkout_id: UUID, lines: dict[UUID, int]) -> bool:
        while True:
            try:
                self.gate.admit(checkout_id, lines, 60)
            except OutOfStock:
                return False
            except GateAway:
                continue
            return True


@pytest.fixture
def sale(database_url: str, redis_url: str) -> Iterator[Sale]:
    database = Database(database_url, pool_size=THREADS)
    client = connect(redis_url, answer_seconds=10)
    yield Sale(database, client)
    client.close()
    database.dispose()


@pytest.mark.parametrize("forgetting", FORGETTING)
def test_all_units_are_sold_and_none_twice_and_the_gates_agree_afterwards(
    sale: Sale, forgetting: str
) -> None:
    def come(number: int) -> bool:
        if number in FORGETTING[forgetting]:
            sale.redis.flushall()
        return sale.buy(new_id())

    with ThreadPoolExecutor(THREADS) as pool:
        sold = sum(pool.map(come, range(BUYERS)))
    while sale.gate.load_dirty(10):
        pass

    assert sold == UNITS
    assert balances(sale.db, sale.sku) == [(0, UNITS)]
    assert contradictions(sale.db) == []
    assert sale.gate.check([sale.sku]) == []


def test_the_gate_is_set_right_while_traffic_goes_on(sale: Sale) -> None:
    """Units come back all the time, and each of them is sold again in the end."""
    over = threading.Event()

    def reconcile() -> None:
        while not over.wait(0.02):
            sale.gate.load_dirty(10)

    def buy_and_return(_: int) -> None:
        checkout_id = new_id()
        if not sale.buy(checkout_id):
            return
        with sale.db.transaction() as session:
            freed = service.release(session, [checkout_id])
        sale.gate.mark_dirty(freed)

    with ThreadPoolExecutor(THREADS + 1) as pool:
        reconciler = pool.submit(reconcile)
        list(pool.map(buy_and_return, range(200)))
        over.set()
        reconciler.result()
    while sale.gate.load_dirty(10):
        pass

    with sale.db.reading() as session:
        assert queries.available(session, [sale.sku]) == {sale.sku: UNITS}
    assert sale.gate.check([sale.sku]) == []
    sale.gate.admit(new_id(), {sale.sku: UNITS}, 60)
