"""Which products a search means: the words, misspelled or not, and the filters, as conditions.

SQL is put together from the fixed phrases below; what callers say travels as parameters alone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.catalog.ports import Between, Filters, Search

# How like a word a part of the name must be, by the word's length. One wrong letter leaves a long
# word less like itself than two wrong ones leave a short one unlike its neighbours.
_SIMILAR = ((7, 0.35), (5, 0.4), (0, 0.5))
_WORDS_MAX = 8

_VISIBLE = (
    "p.status = 'active'",
    "p.price IS NOT NULL",
    "p.merchant_id <> ALL (ARRAY(SELECT id FROM merchants WHERE status <> 'active'))",
)
_QUERY = "websearch_to_tsquery('english', :words)"
_SPELLED = f"p.search @@ {_QUERY}"
# Ranks are compared as whole numbers, so that a position in their order is exact.
_SCORE = "floor(({rank}) * 1000000)::bigint"

_LOOK_UP = f"""
SELECT :words = '' OR EXISTS (SELECT FROM products p WHERE p.status = 'active' AND {_SPELLED}),
    ARRAY(
        SELECT branch.id FROM categories root JOIN categories branch
            ON branch.path = root.path OR starts_with(branch.path, root.path || '/')
        WHERE root.slug = ANY (:categories) OR root.path = ANY (:categories)
    ),
    set_config('pg_trgm.word_similarity_threshold', '{_SIMILAR[0][1]}', true)
"""  # noqa: S608  constants only


@dataclass(frozen=True)
class Match:
    """The conditions of a search on `products p`, and how well one fits it as a whole number."""

    conditions: tuple[str, ...]
    parameters: dict[str, Any]
    score: str = "0::bigint"


@lru_cache(maxsize=1024)
def sql(statement: str) -> TextClause:
    """A statement, parsed once however often it is asked for."""
    return text(statement)


def understand(session: Session, search: Search) -> Match:
    """Read the words and resolve the categories, in one statement and only where there are any.

    Where no product has the words as they stand, each is taken as misspelled.
    """
    words = re.sub(r"[\x00-\x1f\ud800-\udfff]", " ", search.text).strip()
    conditions, parameters = _filtered(search.filters)
    parameters["words"] = words
    if not words and not search.filters.categories:
        return Match((*_VISIBLE, *conditions), parameters)
    looked_up = session.execute(
        sql(_LOOK_UP), {"words": words, "categories": list(search.filters.categories)}
    ).one()
    parameters["categories"] = looked_up[1]
    if not words:
        return Match((*_VISIBLE, *conditions), parameters)
    if looked_up[0]:
        score = _SCORE.format(rank=f"ts_rank(p.search, {_QUERY})")
        return Match((*_VISIBLE, _SPELLED, *conditions), parameters, score)
    return _misspelled(words, conditions, parameters)


def _misspelled(words: str, conditions: Sequence[str], parameters: dict[str, Any]) -> Match:
    """Every word must be like a part of the name; words of one or two letters are like
    everything."""
    meant = [word for word in re.findall(r"\w+", words.lower()) if len(word) > 2][:_WORDS_MAX]
    if not meant:
        return Match(("false",), parameters)
    likeness = [f"word_similarity(:word{place}, p.name)" for place in range(len(meant))]
    similar: list[str] = []
    for place, word in enumerate(meant):  # the first condition is the index's, the second exact
        similar += [f":word{place} <% p.name", f"{likeness[place]} >= :least{place}"]
        parameters[f"word{place}"] = word
        parameters[f"least{place}"] = next(like for size, like in _SIMILAR if len(word) >= size)
    rank = " + ".join(likeness)
    score = _SCORE.format(rank=rank)
    return Match((*_VISIBLE, *similar, *conditions), parameters, score)


def _filtered(filters: Filters) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    if filters.categories:
        conditions.append("p.category_id = ANY (:categories)")
    if filters.merchants:
        conditions.append("p.merchant_id = ANY (:merchants)")
        parameters["merchants"] = list(filters.merchants)
    if filters.in_stock is not None:
        conditions.append("p.stock_total > 0" if filters.in_stock else "p.stock_total <= 0")
    # An end of another type than its column would keep PostgreSQL from the index.
    ranges: tuple[tuple[str, Between | None, Callable[[float], Any]], ...] = (
        ("price", filters.price, int),
        ("rating", filters.rating, lambda end: Decimal(str(end))),
    )
    for name, between, exact in ranges:
        if between is not None and between.low is not None:
            conditions.append(f"p.{name} >= :{name}_low")
            parameters[f"{name}_low"] = exact(between.low)
        if between is not None and between.high is not None:
            conditions.append(f"p.{name} <= :{name}_high")
            parameters[f"{name}_high"] = exact(between.high)
    return conditions, parameters
