"""What the catalog does on hearing of stock and of itself: totals are counted, texts forgotten."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

from app.catalog import service
from app.catalog.cache import ProductCache
from app.catalog.events import ProductCreated, ProductDeleted, ProductUpdated
from app.events.registry import on
from app.inventory.events import (
    StockAdjusted,
    StockReceived,
    StockReleased,
    StockReserved,
    StockReturned,
)
from app.platform.db import ShopSession

CONSUMER = "catalog"

_caches: list[ProductCache] = []


def keep_fresh(cache: ProductCache) -> None:
    """Name the cache of this process that forgets what the facts say has changed."""
    _caches[:] = [cache]


@on(StockReserved, consumer=CONSUMER)
@on(StockReleased, consumer=CONSUMER)
def recount_held(session: ShopSession, moved: StockReserved | StockReleased) -> None:
    """A checkout took units or gave them back: what is left may change what can be bought."""
    _recount(session, moved.sku_ids)


@on(StockReceived, consumer=CONSUMER)
@on(StockAdjusted, consumer=CONSUMER)
@on(StockReturned, consumer=CONSUMER)
def recount_delivered(
    session: ShopSession, moved: StockReceived | StockAdjusted | StockReturned
) -> None:
    """Units came, or a count was corrected."""
    _recount(session, [moved.sku_id])


@on(ProductCreated, consumer=CONSUMER)
@on(ProductUpdated, consumer=CONSUMER)
@on(ProductDeleted, consumer=CONSUMER)
def forget_the_text(
    session: ShopSession, written: ProductCreated | ProductUpdated | ProductDeleted
) -> None:
    """The writer forgot it too, right after its commit, unless it died just then."""
    _forget(session, [written.product_id])


def _recount(session: ShopSession, sku_ids: Collection[UUID]) -> None:
    _forget(session, service.refresh_totals(session, sku_ids))


def _forget(session: ShopSession, product_ids: Collection[UUID]) -> None:
    for cache in _caches:
        session.afterwards(partial(cache.forget, product_ids))
