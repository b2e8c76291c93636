"""Hot products: filled by one, forgotten in time, never older than what was just written."""

import threading
import time

import pytest

from app.catalog.cache import ProductCache
from app.catalog.models import Product
from app.catalog.views import ProductView
from app.platform.ids import new_id
from app.platform.redis import connect
from tests.factories import make_sku
from tests.statements import statements


def render(product: ProductView) -> str:
    return f"{product.name} at {product.price}"


@pytest.fixture
def cache(db, redis):
    return ProductCache(redis, db)


@pytest.fixture
def product_id(db):
    with db.transaction() as session:
        return make_sku(session, price=500).product_id


def rename(db, product_id, name):
    with db.transaction() as session:
        session.get_one(Product, product_id).name = name


def test_a_second_reader_does_not_ask_postgresql(db, cache, product_id):
    first = cache.get(product_id, render)

    with statements(db) as seen:
        second = cache.get(product_id, render)

    assert first == second
    assert first.endswith(" at 500")
    assert seen == []


def test_what_is_not_there_is_remembered_too_until_it_is_forgotten(db, cache):
    nobody = new_id()
    assert cache.get(nobody, render) is None

    with statements(db) as seen:
        assert cache.get(nobody, render) is None

    assert seen == []


def test_of_many_readers_at_once_one_fills(db, redis, product_id):
    fills: list[str] = []
    start = threading.Barrier(8)
    answers: list[str | None] = []

    def slow(product: ProductView) -> str:
        fills.append(product.name)
        time.sleep(0.1)
        return render(product)

    def read() -> None:
        mine = ProductCache(redis, db)
        start.wait()
        answers.append(mine.get(product_id, slow))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(fills) == 1
    assert len(set(answers)) == 1
    assert len(answers) == 8


def test_a_reader_does_not_wait_long_for_a_filler_that_is_stuck(db, redis, cache, product_id):
    filling, done = threading.Event(), threading.Event()

    def stuck(product: ProductView) -> str:
        filling.set()
        done.wait(10)
        return render(product)

    filler = threading.Thread(target=cache.get, args=(product_id, stuck))
    filler.start()
    filling.wait(10)

    answer = cache.get(product_id, render)

    done.set()
    filler.join()
    assert answer.endswith(" at 500")


def test_what_was_written_is_read_once_it_was_forgotten(db, cache, product_id):
    cache.get(product_id, render)
    rename(db, product_id, "New name")

    cache.forget([product_id])

    assert cache.get(product_id, render) == "New name at 500"


def test_a_late_filler_never_puts_the_old_text_over_the_new_one(db, cache, product_id):
    def slow(product: ProductView) -> str:
        """Its row is read; now somebody else writes, forgets and reads anew."""
        rename(db, product_id, "New name")
        cache.forget([product_id])
        assert cache.get(product_id, render) == "New name at 500"
        return render(product)

    cache.get(product_id, slow)

    assert cache.get(product_id, render) == "New name at 500"


def test_a_late_filler_is_refused_after_a_flush_too(db, redis, cache, product_id):
    def slow(product: ProductView) -> str:
        rename(db, product_id, "New name")
        redis.flushall()
        return render(product)

    cache.get(product_id, slow)

    assert cache.get(product_id, render) == "New name at 500"


def test_texts_end_by_themselves_and_not_all_at_once(db, redis, cache):
    with db.transaction() as session:
        ids = [make_sku(session).product_id for _ in range(6)]
    for product_id in ids:
        cache.get(product_id, render)

    lives = [redis.pttl(key) for key in redis.keys("*:text")]

    assert all(0 < life <= 60_000 for life in lives)
    assert max(lives) - min(lives) > 100


def test_without_redis_every_reader_asks_postgresql(db, product_id):
    away = ProductCache(connect("redis://127.0.0.1:1/0"), db)

    away.forget([product_id])

    assert away.get(product_id, render).endswith(" at 500")
    assert away.get(new_id(), render) is None
