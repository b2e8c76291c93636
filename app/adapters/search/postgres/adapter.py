"""Product search on PostgreSQL: full text first, trigrams where a word is misspelled.

Sources: PostgreSQL manual, ch. 12 (text search) and F.33 (pg_trgm).
"""

from typing import Any

from sqlalchemy import Row

from app.adapters.search.postgres import keyset, matching
from app.adapters.search.postgres.facets import FacetCounts
from app.catalog.ports import Found, Hit, Search
from app.catalog.views import image_url
from app.platform.db import Database

# Category and picture are looked up after sort and limit: for the rows of the page alone.
_PAGE = """
SELECT p.id, p.merchant_id, p.name, p.slug, p.rating, p.rating_count, p.price, p.currency,
    p.created_at, p.stock_total > 0 AS in_stock, {score} AS score,
    (SELECT c.slug FROM categories c WHERE c.id = p.category_id) AS category,
    (SELECT i.object_key FROM product_images i WHERE i.product_id = p.id
        ORDER BY i.position LIMIT 1) AS object_key
FROM products p WHERE {conditions} ORDER BY {order} LIMIT :rows
"""


class PostgresSearch:
    """Finds products in the shop's own database: always up to date, nothing to rebuild."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._facets = FacetCounts()

    def find(self, search: Search) -> Found:
        """One page and the facets over all pages, in three statements at most."""
        with self._db.reading() as session:
            match = matching.understand(session, search)
            statement, parameters = _page(search, match)
            rows = session.execute(matching.sql(statement), parameters).all()
            facets = self._facets.of(session, match, question=(search.text, search.filters))
        hits, more = rows[: search.limit], len(rows) > search.limit
        return Found(
            hits=tuple(_hit(row) for row in hits),
            facets=facets,
            next=keyset.position(hits[-1], search.order) if more else None,
        )


def _page(search: Search, match: matching.Match) -> tuple[str, dict[str, Any]]:
    """The statement of a page and its parameters: one row more than asked tells of a next page."""
    keys = keyset.keys(search.order, match.score)
    conditions, parameters = match.conditions, match.parameters | {"rows": search.limit + 1}
    if search.after is not None:
        conditions = (*conditions, keyset.beyond(keys))
        parameters |= keyset.values(search.order, search.after)
    statement = _PAGE.format(
        score=match.score, conditions=" AND ".join(conditions), order=keyset.ordered(keys)
    )
    return statement, parameters


def _hit(row: Row[Any]) -> Hit:
    return Hit(
        id=row.id,
        merchant_id=row.merchant_id,
        name=row.name,
        slug=row.slug,
        category=row.category,
        rating=float(row.rating),
        rating_count=row.rating_count,
        price=row.price,
        currency=row.currency,
        in_stock=row.in_stock,
        created_at=row.created_at,
        image_url=image_url(row.object_key),
    )
