"""Hot products, as shoppers read them, kept in Redis; PostgreSQL is asked once for many readers.

A text is kept under the generation that was current before its row was read. Forgetting a product
changes the generation, so that a slow filler never puts an old text over a newer one. What is lost
here is read again; what was not forgotten in time lives until its time is up.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable
from typing import cast
from uuid import UUID, uuid4

from redis.exceptions import RedisError

from app.catalog import queries
from app.catalog.views import ProductView
from app.platform.db import Database
from app.platform.redis import ShopRedis, lua

log = logging.getLogger(__name__)

KEEP_SECONDS = 60  # the longest a missed change is shown
NOT_THERE_SECONDS = 5  # a product nobody has is asked for again after so long
_GENERATION_SECONDS = 120  # longer than any statement may take
_FILL_SECONDS = 2  # a filler that died is followed by another
_WAIT_SECONDS, _LOOK_SECONDS = 0.25, 0.01  # patience with another's fill, then read for oneself
_NOT_THERE = ""

Render = Callable[[ProductView], str]


class ProductCache:
    """Products as text, one filler at a time each. Without Redis every reader asks PostgreSQL."""

    def __init__(self, redis: ShopRedis, db: Database) -> None:
        self._redis, self._db = redis, db
        self._claim = lua(redis, "app.catalog", "claim")
        self._keep = lua(redis, "app.catalog", "keep")
        self._forget = lua(redis, "app.catalog", "forget")

    def get(self, product_id: UUID, render: Render) -> str | None:
        """A product for sale as `render` writes it; None when there is none. `render` must always
        be the same."""
        try:
            text = cast(str | None, self._redis.get(_keys(product_id)[0]))
            if text is None:
                return self._fill_or_wait(product_id, render)
        except RedisError as error:
            log.warning("product_cache_away", extra={"error": str(error)[:200]})
            return self._read(product_id, render)
        return text or None

    def forget(self, product_ids: Iterable[UUID]) -> None:
        """Make the next reader ask PostgreSQL: call it after the commit that changed these
        products.

        Redis being away is no failure: the texts end by themselves.
        """
        try:
            for product_id in set(product_ids):
                self._forget(keys=_keys(product_id), args=[uuid4().hex, _GENERATION_SECONDS * 1000])
        except RedisError as error:
            log.warning("product_not_forgotten", extra={"error": str(error)[:200]})

    def _fill_or_wait(self, product_id: UUID, render: Render) -> str | None:
        word, patience_ends = uuid4().hex, time.monotonic() + _WAIT_SECONDS
        while True:
            answer = self._claim(
                keys=_keys(product_id),
                args=[word, _GENERATION_SECONDS * 1000, _FILL_SECONDS * 1000],
            )
            if answer[0] is not None:
                return answer[0] or None
            if answer[2]:
                return self._fill(product_id, render, generation=answer[1], word=word)
            if time.monotonic() > patience_ends:
                return self._read(product_id, render)
            time.sleep(_LOOK_SECONDS)

    def _fill(self, product_id: UUID, render: Render, *, generation: str, word: str) -> str | None:
        text = self._read(product_id, render)
        seconds = NOT_THERE_SECONDS if text is None else KEEP_SECONDS
        spread = random.uniform(0.8, 1.0)  # noqa: S311  so that not all end at once
        try:
            self._keep(
                keys=_keys(product_id),
                args=[generation, text or _NOT_THERE, int(seconds * spread * 1000), word],
            )
        except RedisError as error:
            log.warning("product_not_kept", extra={"error": str(error)[:200]})
        return text

    def _read(self, product_id: UUID, render: Render) -> str | None:
        with self._db.reading() as session:
            product = queries.for_sale(session, product_id)
        return None if product is None else render(product)


def _keys(product_id: UUID) -> list[str]:
    """Tagged by the product, so that they lie together on Redis Cluster."""
    tag = f"product:{{{product_id.hex}}}"
    return [f"{tag}:text", f"{tag}:generation", f"{tag}:filler"]
