"""Product search on PostgreSQL: full text first, trigrams where a word is misspelled.

Sources: PostgreSQL manual, ch. 12 (text search) and F.33 (pg_trgm).
"""

from typing import Any

from sqlalchemy import Row, Select, select

from app.adapters.search.postgres import keyset, matching
from app.adapters.search.postgres.facets import count_facets
from app.catalog.models import Category, Product, ProductImage
from app.catalog.ports import Found, Hit, Search
from app.catalog.views import image_url
from app.platform.db import Database


class PostgresSearch:
    """Finds products in the shop's own database: always up to date, nothing to rebuild."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(self, search: Search) -> Found:
        """One page and the facets over all pages, in three statements at most."""
        with self._db.reading() as session:
            match = matching.understand(session, search)
            rows = session.execute(_page(search, match)).all()
            facets = count_facets(session, match)
        hits, more = rows[: search.limit], len(rows) > search.limit
        return Found(
            hits=tuple(_hit(row) for row in hits),
            facets=facets,
            next=keyset.position(hits[-1], search.order) if more else None,
        )


def _page(search: Search, match: matching.Match) -> Select[Any]:
    """Category and picture are looked up for the rows of the page alone: after sort and limit."""
    keys = keyset.keys(search.order, match.score)
    conditions = list(match.conditions)
    if search.after is not None:
        conditions.append(keyset.beyond(keys, search.order, search.after))
    picture = (
        select(ProductImage.object_key)
        .where(ProductImage.product_id == Product.id)
        .order_by(ProductImage.position)
        .limit(1)
        .scalar_subquery()
    )
    category = select(Category.slug).where(Category.id == Product.category_id).scalar_subquery()
    return (
        select(
            Product.id,
            Product.merchant_id,
            Product.name,
            Product.slug,
            category.label("category"),
            Product.rating,
            Product.rating_count,
            Product.price,
            Product.currency,
            (Product.stock_total > 0).label("in_stock"),
            Product.created_at,
            picture.label("object_key"),
            match.score.label("score"),
        )
        .where(*conditions)
        .order_by(*keyset.ordered(keys))
        .limit(search.limit + 1)
    )


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
