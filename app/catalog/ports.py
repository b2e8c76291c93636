"""What the catalog needs from outside: somebody who finds products."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class SortKey(StrEnum):
    """What results can be ordered by."""

    RELEVANCE = "relevance"
    PRICE = "price"
    RATING = "rating"
    CREATED_AT = "created_at"


@dataclass(frozen=True)
class Order:
    """One key of an order. Relevance goes from the best down."""

    key: SortKey
    descending: bool


@dataclass(frozen=True)
class Between:
    """Both ends belong to the range; None is open. Prices in minor units, ratings 0 to 5."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Filters:
    """What must hold for a product to be found; several categories or merchants mean any of
    them."""

    categories: tuple[str, ...] = ()
    merchants: tuple[UUID, ...] = ()
    price: Between | None = None
    rating: Between | None = None
    in_stock: bool | None = None


# Where a page ended: the sort keys' values of its last hit, then its id. JSON values alone.
Position = tuple[int | float | str, ...]


@dataclass(frozen=True)
class Search:
    """One question: `limit` hits after a position, in an order that the id makes total."""

    text: str = ""
    filters: Filters = field(default_factory=Filters)
    order: tuple[Order, ...] = (Order(SortKey.CREATED_AT, descending=True),)
    limit: int = 20
    after: Position | None = None


@dataclass(frozen=True)
class Hit:
    """A product in a list: minor units, category slug."""

    id: UUID
    merchant_id: UUID
    name: str
    slug: str
    category: str | None
    rating: float
    rating_count: int
    price: int
    currency: str
    in_stock: bool
    created_at: datetime
    image_url: str | None = None


@dataclass(frozen=True)
class Count:
    """How many hits a filter would leave; `value` is the filter's own word."""

    value: str
    count: int
    name: str | None = None


@dataclass(frozen=True)
class Facets:
    """What the hits are made of, over all pages."""

    category: tuple[Count, ...] = ()
    price: tuple[Count, ...] = ()
    rating: tuple[Count, ...] = ()
    in_stock: tuple[Count, ...] = ()
    merchant: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Found:
    """A page of hits; `next` is None on the last one."""

    hits: tuple[Hit, ...]
    facets: Facets
    next: Position | None


class ProductSearch(Protocol):
    """Finds what is for sale: by words and with typos, filtered, counted, in a total order."""

    def find(self, search: Search) -> Found:
        """One page. Walking from position to position meets every product exactly once.

        Raises BadCursor for a position that does not fit the order.
        """
        ...
