"""What the hits are made of: every facet over all pages, counted in one pass and one statement.

Counting many hits costs more than finding twenty, and nobody sees a few more or less: the counts of
a broad search are kept for some seconds. Those of a narrow one are always made anew.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from threading import Lock
from uuid import UUID

from sqlalchemy.orm import Session

from app.adapters.search.postgres.matching import Match, sql
from app.catalog.ports import Count, Facets
from app.platform.ids import encode

PRICE_EDGES = (0, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000)  # minor units
_STARS = (4, 3, 2, 1)
_BROAD, _KEEP_SECONDS, _KEPT_MAX = 1_000, 10.0, 256
_Row = tuple[str, str | None, int]  # the value as text, its name, how many

# GROUPING() sets a bit for each column a row is not grouped by, the first column's highest.
_COUNT = """
WITH counted AS (
    SELECT grouping(category_id, merchant_id, price, rating, in_stock) AS facet,
        category_id, merchant_id, price, rating, in_stock, count(*) AS n
    FROM (
        SELECT p.category_id, p.merchant_id, width_bucket(p.price, CAST(:edges AS bigint[])) AS
        price,     floor(p.rating)::int AS rating, p.stock_total > 0 AS in_stock
        FROM products p WHERE {conditions}
    ) matched
    GROUP BY GROUPING SETS (category_id, merchant_id, price, rating, in_stock)
)
SELECT 'category', above.slug, above.name, sum(n)
    FROM counted JOIN categories branch ON branch.id = category_id JOIN categories above
        ON branch.path = above.path OR starts_with(branch.path, above.path || '/')
    WHERE facet = 15 GROUP BY above.slug, above.name
UNION ALL SELECT 'merchant', m.id::text, m.name, n
    FROM counted JOIN merchants m ON m.id = merchant_id WHERE facet = 23
UNION ALL SELECT 'price', price::text, NULL, n FROM counted WHERE facet = 27
UNION ALL SELECT 'rating', rating::text, NULL, n FROM counted WHERE facet = 29
UNION ALL SELECT 'in_stock', in_stock::text, NULL, n FROM counted WHERE facet = 30
"""


class FacetCounts:
    """Counts facets, and remembers those of broad searches for a while."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, Facets]] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, match: Match, *, question: Hashable) -> Facets:
        """How many hits each filter would leave; a category counts all that lies below it."""
        with self._lock:
            until, facets = self._kept.get(question, (0.0, None))
        if facets is not None and until > time.monotonic():
            return facets
        facets = _count(session, match)
        if sum(count.count for count in facets.in_stock) >= _BROAD:
            with self._lock:
                self._kept[question] = (time.monotonic() + _KEEP_SECONDS, facets)
                self._kept.move_to_end(question)
                while len(self._kept) > _KEPT_MAX:
                    self._kept.popitem(last=False)
        return facets


def _count(session: Session, match: Match) -> Facets:
    counts: dict[str, list[_Row]] = defaultdict(list)
    statement = sql(_COUNT.format(conditions=" AND ".join(match.conditions)))
    parameters = match.parameters | {"edges": list(PRICE_EDGES)}
    for facet, value, name, count in session.execute(statement, parameters):
        counts[facet].append((value, name, int(count)))
    return Facets(
        category=_most_first(counts["category"]),
        price=tuple(
            Count(value=_price_range(int(bucket)), count=count)
            for bucket, _, count in sorted(counts["price"], key=lambda row: int(row[0]))
        ),
        rating=_ratings({int(stars): count for stars, _, count in counts["rating"]}),
        in_stock=_most_first(counts["in_stock"]),
        merchant=_most_first(
            [(encode("mer", UUID(value)), name, count) for value, name, count in counts["merchant"]]
        ),
    )


def _most_first(rows: list[_Row]) -> tuple[Count, ...]:
    ranked = sorted(rows, key=lambda row: (-row[2], row[1] or "", row[0]))
    return tuple(Count(value=value, name=name, count=count) for value, name, count in ranked)


def _price_range(bucket: int) -> str:
    """The filter of a bucket: its ends belong to it, so the upper one is a unit below the next."""
    low = PRICE_EDGES[bucket - 1]
    return f"{low}..{PRICE_EDGES[bucket] - 1}" if bucket < len(PRICE_EDGES) else f"{low}.."


def _ratings(by_star: dict[int, int]) -> tuple[Count, ...]:
    """So many stars and up, as the filter means it."""
    counts = [
        Count(value=f"{stars}..", count=sum(n for own, n in by_star.items() if own >= stars))
        for stars in _STARS
    ]
    return tuple(count for count in counts if count.count)
