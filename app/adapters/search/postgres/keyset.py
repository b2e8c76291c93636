"""Walking an order without offsets: a position is the last hit's values, the id makes it total."""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.catalog.errors import BadCursor
from app.catalog.ports import Order, Position, SortKey

Key = tuple[str, bool]  # what is compared, and whether it goes down
_INT_MAX = 2**63 - 1


def keys(order: tuple[Order, ...], score: str) -> list[Key]:
    """The columns of an order; the id goes the way of the last, so that one index can serve
    both."""
    named = [
        (score if part.key is SortKey.RELEVANCE else f"p.{part.key}", part.descending)
        for part in order
    ]
    return [*named, ("p.id", named[-1][1])]


def ordered(keys: list[Key]) -> str:
    """ORDER BY."""
    return ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column, descending in keys)


def beyond(keys: list[Key]) -> str:
    """The condition of what comes after the values :after0, :after1, …"""
    columns = [column for column, _ in keys]
    values = [f":after{place}" for place in range(len(keys))]
    ways = {descending for _, descending in keys}
    if len(ways) == 1:
        return f"({', '.join(columns)}) {_past(ways.pop())} ({', '.join(values)})"
    steps = []
    for depth, (column, descending) in enumerate(keys):
        same = [f"{columns[place]} = {values[place]}" for place in range(depth)]
        steps.append(" AND ".join([*same, f"{column} {_past(descending)} {values[depth]}"]))
    first, down = keys[0]
    bound = f"{first} {_past(down)}= {values[0]}"  # what the index can start from
    return f"{bound} AND (({') OR ('.join(steps)}))"


def values(order: tuple[Order, ...], after: Position) -> dict[str, Any]:
    """The values of a position as parameters. Raises BadCursor where it does not fit the order."""
    if len(after) != len(order) + 1:
        raise BadCursor("This cursor belongs to another search.")
    try:
        named = [_value(part.key, value) for part, value in zip(order, after, strict=False)]
        named.append(UUID(str(after[-1])))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BadCursor("This cursor belongs to another search.") from error
    return {f"after{place}": value for place, value in enumerate(named)}


def position(row: Row[Any], order: tuple[Order, ...]) -> Position:
    """Where a hit stands, in JSON values."""
    found = {
        SortKey.PRICE: row.price,
        SortKey.RATING: float(row.rating),
        SortKey.CREATED_AT: row.created_at.isoformat(),
        SortKey.RELEVANCE: row.score,
    }
    return (*(found[part.key] for part in order), str(row.id))


def _past(descending: bool) -> str:
    return "<" if descending else ">"


def _value(key: SortKey, value: object) -> Any:
    if key is SortKey.CREATED_AT:
        return datetime.fromisoformat(str(value))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("not a number")
    if key is SortKey.RATING:
        return Decimal(str(value))
    if not isinstance(value, int) or abs(value) > _INT_MAX:
        raise TypeError("not a whole number")
    return value
