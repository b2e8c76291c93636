"""Rows handed to a statement from outside."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import TableValuedAlias, column, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine


def unnested(
    name: str, columns: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]
) -> TableValuedAlias:
    """Rows handed to PostgreSQL as one array a column: one statement fits any number of them, so
    that it is compiled once and its plan is kept. A VALUES list is compiled anew at every call.

    https://docs.sqlalchemy.org/en/20/core/connections.html#caching-limitations
    """
    arrays = [literal(list(values), ARRAY(kind)) for kind, values in columns.values()]
    names = [column(title, kind) for title, (kind, _) in columns.items()]
    return func.unnest(*arrays).table_valued(*names, name=name).render_derived()
