"""What the hits are made of: every facet over all pages, counted in one pass and one statement."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Integer, String, cast, func, null, or_, select, union_all
from sqlalchemy import literal as value_of
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Merchant
from app.adapters.search.postgres.matching import Match
from app.catalog.models import Category, Product
from app.catalog.ports import Count, Facets
from app.platform.ids import encode

PRICE_EDGES = (0, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000)  # minor units
_STARS = (4, 3, 2, 1)
_Row = tuple[str, str | None, int]  # the value as text, its name, how many


def count_facets(session: Session, match: Match) -> Facets:
    """How many hits each filter would leave; a category counts all that lies below it."""
    counts: dict[str, list[_Row]] = defaultdict(list)
    for facet, value, name, count in session.execute(_counts(match)):
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


def _counts(match: Match) -> CompoundSelect[Any]:
    counted = _counted(match)
    branch, above = aliased(Category), aliased(Category)
    upward = or_(branch.path == above.path, branch.path.startswith(above.path + "/"))
    categories = (
        select(value_of("category"), above.slug, above.name, func.sum(counted.c.n))
        .select_from(counted)
        .join(branch, branch.id == counted.c.category_id)
        .join(above, upward)
        .where(counted.c.facet == _MASK["category"])
        .group_by(above.slug, above.name)
    )
    merchants = (
        select(value_of("merchant"), cast(Merchant.id, String), Merchant.name, counted.c.n)
        .join(Merchant, Merchant.id == counted.c.merchant_id)
        .where(counted.c.facet == _MASK["merchant"])
    )
    plain = [
        select(
            value_of(facet), cast(counted.c[facet], String), cast(null(), String), counted.c.n
        ).where(counted.c.facet == _MASK[facet])
        for facet in ("price", "rating", "in_stock")
    ]
    return union_all(categories, merchants, *plain)


_COLUMNS = ("category_id", "merchant_id", "price", "rating", "in_stock")
# GROUPING() sets a bit for each column a row is *not* grouped by, the first column's highest.
_MASK = {
    name.removesuffix("_id"): 0b11111 ^ (1 << (len(_COLUMNS) - 1 - place))
    for place, name in enumerate(_COLUMNS)
}


def _counted(match: Match) -> Any:
    matched = (
        select(
            Product.category_id,
            Product.merchant_id,
            func.width_bucket(Product.price, array(PRICE_EDGES)).label("price"),
            cast(func.floor(Product.rating), Integer).label("rating"),
            (Product.stock_total > 0).label("in_stock"),
        )
        .where(*match.conditions)
        .subquery("matched")
    )
    columns = [matched.c[name] for name in _COLUMNS]
    return (
        select(func.grouping(*columns).label("facet"), *columns, func.count().label("n"))
        .group_by(func.grouping_sets(*columns))
        .cte("counted")
    )


def _most_first(rows: list[_Row]) -> tuple[Count, ...]:
    ranked = sorted(rows, key=lambda row: (-row[2], row[1] or "", str(row[0])))
    return tuple(Count(value=str(value), name=name, count=count) for value, name, count in ranked)


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
