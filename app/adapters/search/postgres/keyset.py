"""Walking an order without offsets: a position is the last hit's values, the id makes it total."""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Numeric,
    Row,
    UnaryExpression,
    Uuid,
    and_,
    literal,
    or_,
    tuple_,
)

from app.catalog.errors import BadCursor
from app.catalog.models import Product
from app.catalog.ports import Order, Position, SortKey

Key = tuple[ColumnElement[Any], bool]  # what is compared, and whether it goes down
_INT_MAX = 2**63 - 1


def keys(order: tuple[Order, ...], score: ColumnElement[int]) -> list[Key]:
    """The columns of an order; the id goes the way of the last, so that one index can serve
    both."""
    columns: dict[SortKey, ColumnElement[Any]] = {
        SortKey.PRICE: Product.price.expression,
        SortKey.RATING: Product.rating.expression,
        SortKey.CREATED_AT: Product.created_at.expression,
        SortKey.RELEVANCE: score,
    }
    named = [(columns[part.key], part.descending) for part in order]
    return [*named, (Product.id.expression, named[-1][1])]


def ordered(keys: list[Key]) -> list[UnaryExpression[Any]]:
    """ORDER BY."""
    return [column.desc() if descending else column.asc() for column, descending in keys]


def beyond(keys: list[Key], order: tuple[Order, ...], after: Position) -> ColumnElement[bool]:
    """What comes after a position. Raises BadCursor where it does not fit the order."""
    values = _values(order, after)
    columns = [column for column, _ in keys]
    ways = {descending for _, descending in keys}
    if len(ways) == 1:
        here, there = tuple_(*columns), tuple_(*values)
        return here < there if ways.pop() else here > there
    steps = []
    for depth, (column, descending) in enumerate(keys):
        same = [columns[i] == values[i] for i in range(depth)]
        steps.append(and_(*same, column < values[depth] if descending else column > values[depth]))
    first, down = keys[0]
    bound = first <= values[0] if down else first >= values[0]  # what the index can start from
    return and_(bound, or_(*steps))


def position(row: Row[Any], order: tuple[Order, ...]) -> Position:
    """Where a hit stands, in JSON values."""
    values = {
        SortKey.PRICE: row.price,
        SortKey.RATING: float(row.rating),
        SortKey.CREATED_AT: row.created_at.isoformat(),
        SortKey.RELEVANCE: row.score,
    }
    return (*(values[part.key] for part in order), str(row.id))


def _values(order: tuple[Order, ...], after: Position) -> list[ColumnElement[Any]]:
    if len(after) != len(order) + 1:
        raise BadCursor("This cursor belongs to another search.")
    try:
        named = [_value(part.key, value) for part, value in zip(order, after[:-1], strict=True)]
        return [*named, literal(UUID(str(after[-1])), Uuid())]
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BadCursor("This cursor belongs to another search.") from error


def _value(key: SortKey, value: object) -> ColumnElement[Any]:
    if key is SortKey.CREATED_AT:
        return literal(datetime.fromisoformat(str(value)), DateTime(timezone=True))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("not a number")
    if key is SortKey.RATING:
        return literal(Decimal(str(value)), Numeric())
    if not isinstance(value, int) or abs(value) > _INT_MAX:
        raise TypeError("not a whole number")
    return literal(value, BigInteger())
