"""What the catalog does on hearing of stock and of itself."""

import pytest
from sqlalchemy import select

from app.accounts.models import Merchant
from app.catalog import reactions
from app.catalog.cache import ProductCache
from app.catalog.events import ProductUpdated
from app.catalog.models import Product, Sku, SkuStatus
from app.events.registry import reactions as reactions_to
from app.inventory import service as inventory
from app.inventory.events import StockReceived, StockReleased, StockReserved
from app.platform.ids import new_id
from tests.factories import make_sku


@pytest.fixture
def cache(db, redis):
    fresh = ProductCache(redis, db)
    reactions.keep_fresh(fresh)
    return fresh


@pytest.fixture
def sku(db):
    with db.transaction() as session:
        return make_sku(session, stock=5)


def react(db, type_, fact):
    with db.transaction() as session:
        for reaction in reactions_to(reactions.CONSUMER, type_):
            reaction(session, fact)


def total(db, product_id):
    with db.reading() as session:
        return session.scalar(select(Product.stock_total).where(Product.id == product_id))


def test_the_total_follows_the_stock_however_often_it_is_told(db, cache, sku):
    with db.transaction() as session:
        warehouse_id = session.get_one(Merchant, sku.merchant_id).default_warehouse_id
        inventory.adjust(
            session, sku_id=sku.id, warehouse_id=warehouse_id, delta=-5, reference=new_id()
        )

    for _ in range(2):
        react(db, "stock.reserved", StockReserved(new_id(), (sku.id,)))

    assert total(db, sku.product_id) == 0


def test_what_cannot_be_bought_is_not_counted(db, cache, sku):
    with db.transaction() as session:
        session.get_one(Sku, sku.id).status = SkuStatus.ARCHIVED

    react(db, "stock.received", StockReceived(sku.id, new_id(), 1))

    assert total(db, sku.product_id) == 0


@pytest.mark.parametrize("type_", ["product.updated", "stock.released"])
def test_shoppers_see_a_change_after_the_fact_was_heard(db, cache, sku, type_):
    def render(product):
        return f"{product.name} {product.in_stock}"

    cache.get(sku.product_id, render)
    with db.transaction() as session:
        session.get_one(Product, sku.product_id).name = "New name"
    fact = {
        "product.updated": ProductUpdated(sku.product_id, sku.merchant_id, 2),
        "stock.released": StockReleased(new_id(), (sku.id,)),
    }[type_]

    react(db, type_, fact)

    assert cache.get(sku.product_id, render) == "New name True"


def test_a_fact_about_something_unknown_changes_nothing(db, cache, sku):
    react(db, "stock.received", StockReceived(new_id(), new_id(), 1))

    assert total(db, sku.product_id) == 5
