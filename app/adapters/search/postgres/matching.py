"""Which products a search means: the words, misspelled or not, and the filters, as conditions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Numeric, cast, false, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Merchant, MerchantStatus
from app.catalog.models import Category, Product, ProductStatus
from app.catalog.ports import Between, Filters, Search

_SIMILAR = "0.5"  # finds "lether" and "shos"; below it "boot" begins to find "book"
_WORDS_MAX = 8
_SCORE = 1_000_000  # ranks are compared as whole numbers, so that a position is exact


@dataclass(frozen=True)
class Match:
    """The conditions of a search, and how well a product fits it as a whole number."""

    conditions: tuple[ColumnElement[bool], ...]
    score: ColumnElement[int]


def understand(session: Session, search: Search) -> Match:
    """Read the words and resolve the categories, in one statement and only where there are any.

    Where no product has the words as they stand, each is taken as misspelled.
    """
    text = re.sub(r"[\x00-\x1f\ud800-\udfff]", " ", search.text).strip()
    spelled: bool = True
    category_ids: tuple[UUID, ...] = ()
    if text or search.filters.categories:
        spelled, category_ids = _look_up(session, text, search.filters.categories)
    conditions = (*_visible(), *_filtered(search.filters, category_ids))
    if not text:
        return Match(conditions, literal(0, BigInteger))
    words, score = _spelled(text) if spelled else _misspelled(text)
    return Match((*conditions, words), score)


def _look_up(
    session: Session, text: str, categories: Sequence[str]
) -> tuple[bool, tuple[UUID, ...]]:
    root, branch = aliased(Category), aliased(Category)
    below = or_(branch.path == root.path, branch.path.startswith(root.path + "/"))
    branches = (
        select(branch.id)
        .join(root, below)
        .where(or_(root.slug.in_(categories), root.path.in_(categories)))
    )
    found = select(Product.id).where(_spelled(text)[0], Product.status == ProductStatus.ACTIVE)
    row = session.execute(
        select(
            found.exists() if text else literal(True),
            func.array(branches.scalar_subquery()),
            func.set_config("pg_trgm.word_similarity_threshold", _SIMILAR, True),
        )
    ).one()
    return row[0], tuple(row[1])


def _spelled(text: str) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    query = func.websearch_to_tsquery("english", text)
    rank = func.ts_rank(Product.search, query)
    return Product.search.bool_op("@@")(query), _whole(rank)


def _misspelled(text: str) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    words = [word for word in re.findall(r"\w+", text.lower()) if len(word) > 2][:_WORDS_MAX]
    if not words:
        return false(), literal(0, BigInteger)
    similar: ColumnElement[Any] = literal(0)
    conditions: list[ColumnElement[bool]] = []
    for word in words:
        conditions.append(literal(word).bool_op("<%")(Product.name))
        similar = similar + func.word_similarity(word, Product.name)
    together = conditions[0]
    for condition in conditions[1:]:
        together = together & condition
    return together, _whole(similar)


def _whole(rank: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.floor(rank * _SCORE), BigInteger)


def _visible() -> tuple[ColumnElement[bool], ...]:
    away = select(Merchant.id).where(Merchant.status != MerchantStatus.ACTIVE)
    return (
        Product.status == ProductStatus.ACTIVE,
        Product.price.is_not(None),
        Product.merchant_id != func.all(func.array(away.scalar_subquery())),
    )


def _filtered(filters: Filters, category_ids: Sequence[UUID]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.categories:
        conditions.append(Product.category_id.in_(category_ids))
    if filters.merchants:
        conditions.append(Product.merchant_id.in_(filters.merchants))
    if filters.in_stock is not None:
        conditions.append(Product.stock_total > 0 if filters.in_stock else Product.stock_total <= 0)
    if filters.price:
        conditions += _between(Product.price.expression, filters.price)
    if filters.rating:
        conditions += _between(Product.rating.expression, filters.rating)
    return conditions


def _between(column: ColumnElement[Any], between: Between) -> list[ColumnElement[bool]]:
    conditions = []
    if between.low is not None:
        conditions.append(column >= _exact(column, between.low))
    if between.high is not None:
        conditions.append(column <= _exact(column, between.high))
    return conditions


def _exact(column: ColumnElement[Any], end: float) -> ColumnElement[Any]:
    """The end in the column's own type: another one would keep PostgreSQL from the index."""
    if isinstance(column.type, BigInteger):
        return literal(int(end), BigInteger())
    return literal(Decimal(str(end)), Numeric())
