"""Every order in which admissions, commits, lapses, loads and flushes can meet ends without
drift."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.checkout.models import Checkout
from app.inventory import service
from app.inventory.errors import GateAway, OutOfStock
from app.inventory.gate import Gate
from app.inventory.service import Want
from app.platform.db import Database
from app.platform.ids import new_id
from app.platform.redis import ShopRedis
from app.saga.states import SagaState
from tests.inventory.conftest import CheckoutDemand, add_checkout, fail, go_on, new_sku
from tests.inventory.stage import StagedDatabase, every_order, play

pytestmark = pytest.mark.unaudited("change_not_announced", "saga_unlike_journal")

STOCK = 5
LIFE = 600
ACTS = [
    "buy", "buy too", "cancel", "roll back", "die",
    "load", "reconcile", "lapse", "lapse too", "forget",
]  # fmt: skip


class Street:
    """One SKU with a few units, and what people and machines do to it."""

    def __init__(self, db: Database, redis: ShopRedis) -> None:
        self.db, self.redis = db, redis
        self.gate = Gate(redis, db, CheckoutDemand())
        self.sku = new_sku(db, stock=STOCK)

    def begin_again(self) -> None:
        """End every purchase that still waits, and fill an empty gate."""
        with self.db.transaction() as session:
            session.execute(update(Checkout).values(state=SagaState.FAILED))
            service.release(session, session.scalars(select(Checkout.id)).all())
        self.redis.flushall()
        self.load()

    def accept(self, checkout_id: UUID, qty: int) -> bool:
        try:
            self.gate.admit(checkout_id, {self.sku: qty}, LIFE)
        except (OutOfStock, GateAway):
            return False
        with self.db.transaction() as session:
            add_checkout(session, {self.sku: qty}, id=checkout_id)
        self.gate.settle(checkout_id, [self.sku])
        return True

    def buy(self, checkout_id: UUID, qty: int) -> None:
        if not self.accept(checkout_id, qty):
            return
        with self.db.transaction() as session:
            wanted = Want(checkout_id, None, {self.sku: qty})
            short = service.reserve(session, [wanted], seconds=900)[checkout_id]
            (fail if short else go_on)(session, [checkout_id])
        if short:
            self.gate.mark_dirty([self.sku])

    def buy_and_cancel(self, checkout_id: UUID, qty: int) -> None:
        self.buy(checkout_id, qty)
        with self.db.transaction() as session:
            freed = service.release(session, [checkout_id])
        self.gate.mark_dirty(freed)

    def roll_back(self, checkout_id: UUID, qty: int) -> None:
        try:
            self.gate.admit(checkout_id, {self.sku: qty}, LIFE)
        except (OutOfStock, GateAway):
            return
        self.gate.withdraw(checkout_id, [self.sku])

    def admit_and_die(self, checkout_id: UUID) -> None:
        try:
            self.gate.admit(checkout_id, {self.sku: 1}, 0)
        except (OutOfStock, GateAway):
            return

    def load(self) -> None:
        self.gate.load([self.sku])

    def load_dirty(self) -> None:
        self.gate.load_dirty(10)

    def let_lapse(self, checkout_id: UUID) -> None:
        self.redis.zadd(f"{{g0}}:flight:{self.sku}", {str(checkout_id): 1}, xx=True)

    def forget(self) -> None:
        self.redis.flushall()

    def drifts(self) -> list[object]:
        """What is still wrong once nobody acts and the reconciler found nothing more to do.

        The first look finds who lapsed; the load of each minute is not waited for.
        """
        self.gate.check([self.sku])
        while self.gate.load_dirty(10):
            pass
        return list(self.gate.check([self.sku]))


@pytest.fixture
def street(database_url: str, redis: ShopRedis) -> Iterator[Street]:
    database = StagedDatabase(database_url, pool_size=10)
    yield Street(database, redis)
    database.dispose()


def test_a_load_may_meet_an_accept_and_a_lapse_in_any_order(street: Street) -> None:
    def perform(choose: Callable[[int], int]) -> None:
        street.begin_again()
        buyer = new_id()

        play(
            [lambda: street.accept(buyer, 2), street.load, lambda: street.let_lapse(buyer)], choose
        )

        assert street.drifts() == []

    perform(lambda _options: 0)  # sends the scripts: from now on every order has the same steps
    orders = every_order(perform)

    assert orders > 140


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    names=st.lists(st.sampled_from(ACTS), min_size=2, max_size=6, unique=True),
    turns=st.lists(st.integers(0, 59), min_size=10, max_size=60),
)
def test_a_whole_street_may_meet_in_any_order(
    street: Street, names: list[str], turns: list[int]
) -> None:
    street.begin_again()
    ids = [new_id() for _ in range(5)]
    acts: dict[str, Callable[[], object]] = {
        "buy": lambda: street.buy(ids[0], 2),
        "buy too": lambda: street.buy(ids[1], 4),
        "cancel": lambda: street.buy_and_cancel(ids[2], 1),
        "roll back": lambda: street.roll_back(ids[3], 1),
        "die": lambda: street.admit_and_die(ids[4]),
        "load": street.load,
        "reconcile": street.load_dirty,
        "lapse": lambda: street.let_lapse(ids[0]),
        "lapse too": lambda: street.let_lapse(ids[2]),
        "forget": street.forget,
    }
    order = iter(turns)

    play([acts[name] for name in names], lambda options: next(order, 0) % options)

    assert street.drifts() == []
