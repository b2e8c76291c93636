"""Many buyers at once against the second gate: real threads, real transactions, no luck."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.inventory import service
from app.inventory.ledger import BalanceBroken, Entry, post
from app.inventory.models import LedgerReason, Reservation, ReservationStatus
from app.inventory.service import Want
from app.platform.db import Database
from app.platform.ids import new_id
from tests.factories import make_merchant, make_sku, make_warehouse, put_stock
from tests.inventory.conftest import add_checkout, balances, contradictions, new_sku

THREADS = 32


@pytest.fixture
def crowd(database_url: str) -> Iterator[Database]:
    """A database handle with a connection for each of the crowd."""
    database = Database(database_url, pool_size=THREADS)
    yield database
    database.dispose()


def wants(db: Database, lines: Sequence[dict[UUID, int]]) -> list[Want]:
    with db.transaction() as session:
        return [Want(add_checkout(session, each), None, each) for each in lines]


def at_once(acts: Sequence[Callable[[], object]]) -> list[object]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda act: act(), acts))


def buy(db: Database, *buyers: Want) -> int:
    """How many of these got their units."""
    with db.transaction() as session:
        outcome = service.reserve(session, buyers, seconds=900)
    return sum(not short for short in outcome.values())


def test_a_hundred_units_go_to_exactly_a_hundred_of_four_hundred_buyers(crowd: Database) -> None:
    sku = new_sku(crowd, stock=100)
    buyers = wants(crowd, [{sku: 1}] * 400)

    sold = at_once([lambda buyer=buyer: buy(crowd, buyer) for buyer in buyers])

    assert sum(sold) == 100
    assert balances(crowd, sku) == [(0, 100)]
    assert contradictions(crowd) == []


def test_units_split_over_two_warehouses_are_all_sold_and_no_more(crowd: Database) -> None:
    with crowd.transaction() as session:
        merchant = make_merchant(session)
        row = make_sku(session, merchant=merchant, stock=37)
        other = make_warehouse(session, merchant_id=merchant.id, priority=20)
        put_stock(session, sku=row, warehouse_id=other.id, qty=63)
        sku = row.id
    buyers = wants(crowd, [{sku: 3}] * 60)

    sold = at_once([lambda buyer=buyer: buy(crowd, buyer) for buyer in buyers])

    assert sum(sold) == 33
    assert sum(available for available, _ in balances(crowd, sku)) == 1
    assert contradictions(crowd) == []


def test_batches_of_buyers_served_side_by_side_sell_exactly_what_is_there(crowd: Database) -> None:
    sku = new_sku(crowd, stock=100)
    buyers = wants(crowd, [{sku: 1}] * 160)
    batches = [buyers[start : start + 10] for start in range(0, 160, 10)]

    sold = at_once([lambda batch=batch: buy(crowd, *batch) for batch in batches])

    assert sum(sold) == 100
    assert contradictions(crowd) == []


def test_carts_that_cross_each_other_do_not_block_each_other_for_good(crowd: Database) -> None:
    skus = [new_sku(crowd, stock=50) for _ in range(4)]
    dice = random.Random(7)
    buyers = wants(crowd, [dict.fromkeys(dice.sample(skus, 3), 1) for _ in range(80)])

    def buy_and_leave(buyer: Want) -> None:
        buy(crowd, buyer)
        with crowd.transaction() as session:
            service.release(session, [buyer.checkout_id])

    at_once([lambda buyer=buyer: buy_and_leave(buyer) for buyer in buyers])

    assert [balances(crowd, sku) for sku in skus] == [[(50, 0)]] * 4
    assert contradictions(crowd) == []


def test_one_checkout_reserved_by_many_at_once_holds_its_units_once(crowd: Database) -> None:
    sku = new_sku(crowd, stock=100)
    [buyer] = wants(crowd, [{sku: 2}])

    sold = at_once([lambda: buy(crowd, buyer)] * THREADS)

    assert set(sold) == {1}
    assert balances(crowd, sku) == [(98, 2)]


def test_one_checkout_released_by_many_at_once_gives_its_units_back_once(crowd: Database) -> None:
    sku = new_sku(crowd, stock=100)
    [buyer, other] = wants(crowd, [{sku: 2}, {sku: 5}])
    buy(crowd, buyer, other)

    def leave() -> int:
        with crowd.transaction() as session:
            return len(service.release(session, [buyer.checkout_id]))

    given = at_once([leave] * THREADS)

    assert sum(given) == 1
    assert balances(crowd, sku) == [(95, 5)]
    assert contradictions(crowd) == []


def test_one_receipt_told_by_many_at_once_counts_once(crowd: Database) -> None:
    with crowd.transaction() as session:
        sku, warehouse, receipt = make_sku(session).id, make_warehouse(session).id, new_id()

    def tell() -> bool:
        with crowd.transaction() as session:
            return service.receive(
                session, sku_id=sku, warehouse_id=warehouse, qty=7, reference=receipt
            )

    told = at_once([tell] * THREADS)

    assert sum(told) == 1
    assert balances(crowd, sku) == [(7, 0)]
    assert contradictions(crowd) == []


def test_selling_restocking_and_counting_at_once_never_loses_a_unit(crowd: Database) -> None:
    with crowd.transaction() as session:
        sku, warehouse = make_sku(session), make_warehouse(session).id
        put_stock(session, sku=sku, warehouse_id=warehouse, qty=40)
    place = {"sku_id": sku.id, "warehouse_id": warehouse}
    buyers = wants(crowd, [{sku.id: 1}] * 60)

    def restock() -> None:
        with crowd.transaction() as session:
            service.receive(session, **place, qty=3, reference=new_id())

    def count() -> None:
        with crowd.transaction() as session:
            service.adjust(session, **place, delta=1, reference=new_id())

    sales = [lambda buyer=buyer: buy(crowd, buyer) for buyer in buyers]
    at_once([*sales[:30], *[restock] * 10, *sales[30:], *[count] * 10])

    [(available, reserved)] = balances(crowd, sku.id)
    assert available + reserved == 40 + 30 + 10
    with crowd.reading() as session:
        active = session.scalar(
            select(func.sum(Reservation.qty)).where(Reservation.status == ReservationStatus.ACTIVE)
        )
    assert active == reserved
    assert contradictions(crowd) == []


def test_a_move_below_zero_is_refused_even_where_nobody_looked_first(db: Database) -> None:
    sku = new_sku(db, stock=1)
    with db.reading() as session:
        warehouse = session.scalar(text("SELECT warehouse_id FROM inventory"))
    too_much = Entry(sku, warehouse, available=-2, reserved=2, reference=new_id())
    before = REGISTRY.get_sample_value("inventory_oversell_total")

    with pytest.raises(BalanceBroken), db.transaction() as session:
        post(session, LedgerReason.RESERVE, [too_much])

    assert REGISTRY.get_sample_value("inventory_oversell_total") - before == 1
    assert balances(db, sku) == [(1, 0)]
    assert contradictions(db) == []


@pytest.mark.parametrize("column", ["stock_available", "stock_reserved"])
def test_the_table_itself_refuses_a_balance_below_zero(db: Database, column: str) -> None:
    new_sku(db, stock=1)

    with pytest.raises(IntegrityError), db.transaction() as session:
        session.execute(text(f"UPDATE inventory SET {column} = -1"))
