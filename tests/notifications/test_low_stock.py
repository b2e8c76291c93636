"""A merchant is told once each time a SKU falls to its mark."""

import threading

import pytest
from sqlalchemy import select

from app.accounts.models import Merchant
from app.catalog import reactions, service
from app.catalog.models import Sku
from app.events.models import OutboxEvent
from app.inventory import service as inventory
from app.inventory.events import StockAdjusted
from app.platform.ids import new_id
from tests.factories import make_merchant, make_sku


@pytest.fixture
def sku(db):
    with db.transaction() as session:
        return make_sku(session, stock=10, low_stock_at=4)


@pytest.fixture
def move(db):
    """Correct the count of a SKU, as a sale or a delivery would, and let the catalog hear of it."""

    def move(sku, delta, *, times=1):
        with db.transaction() as session:
            place = session.get_one(Merchant, sku.merchant_id).default_warehouse_id
            inventory.adjust(
                session, sku_id=sku.id, warehouse_id=place, delta=delta, reference=new_id()
            )
        for _ in range(times):
            with db.transaction() as session:
                reactions.recount_delivered(session, StockAdjusted(sku.id, place, delta))

    return move


def told(db):
    """How much was left, each time somebody was told."""
    with db.reading() as session:
        found = session.scalars(
            select(OutboxEvent).where(OutboxEvent.type == "stock.low").order_by(OutboxEvent.seq)
        )
        return [event.payload["data"]["left"] for event in found]


def is_low(db, sku):
    with db.reading() as session:
        return session.get_one(Sku, sku.id).is_low


def test_a_sku_that_falls_to_its_mark_is_told_of_once(db, sku, move):
    move(sku, -5)
    before = told(db)

    move(sku, -1, times=3)
    move(sku, -2)

    assert before == []
    assert told(db) == [4]
    assert is_low(db, sku)


def test_each_dip_is_told_of_anew(db, sku, move):
    move(sku, -7)
    move(sku, +1)
    still = is_low(db, sku)
    move(sku, +4)
    back = is_low(db, sku)
    move(sku, -8)

    assert (still, back) == (True, False)
    assert told(db) == [3, 0]


def test_consumers_at_once_tell_of_a_dip_once(db, sku):
    with db.transaction() as session:
        place = session.get_one(Merchant, sku.merchant_id).default_warehouse_id
        inventory.adjust(session, sku_id=sku.id, warehouse_id=place, delta=-9, reference=new_id())
    gun = threading.Barrier(4)

    def hear():
        gun.wait()
        for _ in range(5):
            with db.transaction() as session:
                reactions.recount_delivered(session, StockAdjusted(sku.id, place, -9))

    consumers = [threading.Thread(target=hear) for _ in range(4)]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join(60)

    assert told(db) == [1]


def test_dips_and_deliveries_at_once_leave_the_mark_as_the_stock_is(db, sku):
    with db.transaction() as session:
        place = session.get_one(Merchant, sku.merchant_id).default_warehouse_id
    gun = threading.Barrier(2)

    def swing(delta):
        gun.wait()
        for _ in range(8):
            for part in (delta, -delta):
                with db.transaction() as session:
                    inventory.adjust(
                        session, sku_id=sku.id, warehouse_id=place, delta=part, reference=new_id()
                    )
                with db.transaction() as session:
                    reactions.recount_delivered(session, StockAdjusted(sku.id, place, part))

    movers = [threading.Thread(target=swing, args=(delta,)) for delta in (-4, -4)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join(60)

    assert not is_low(db, sku)
    assert set(told(db)) <= {2}


def test_the_general_mark_of_a_merchant_stands_for_skus_without_their_own(db, move):
    with db.transaction() as session:
        merchant = make_merchant(session, settings={"low_stock_at": 8})
        plain = make_sku(session, merchant=merchant, stock=9)
        own = make_sku(session, merchant=merchant, stock=9, low_stock_at=2)

    move(plain, -1)
    move(own, -1)

    assert told(db) == [8]
    assert (is_low(db, plain), is_low(db, own)) == (True, False)


def test_without_a_mark_nobody_is_told(db, move):
    with db.transaction() as session:
        sku = make_sku(session, stock=3)

    move(sku, -3)

    assert told(db) == []


def test_a_mark_that_is_raised_above_the_stock_tells_at_once(db, sku):
    changes = {"skus": [{"code": sku.code, "low_stock_at": 10}]}

    with db.transaction() as session:
        service.update(session, sku.product_id, merchant_id=sku.merchant_id, changes=changes)
    with db.transaction() as session:
        changes["skus"][0]["low_stock_at"] = None
        service.update(session, sku.product_id, merchant_id=sku.merchant_id, changes=changes)

    assert told(db) == [10]
    assert not is_low(db, sku)


def test_what_is_not_sold_any_more_is_not_told_of(db, sku, move):
    with db.transaction() as session:
        session.get_one(Sku, sku.id).status = "archived"

    move(sku, -10)

    assert told(db) == []
