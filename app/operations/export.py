"""Everything the shop keeps about a person, as JSON that is written while it is read.

A page at a time, each in a transaction of its own that ends before the page is handed on: however
much there is, and however slowly somebody reads, neither memory nor a connection waits for it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Tuple, select, tuple_
from sqlalchemy.orm import Mapper, Session

from app.accounts.models import User
from app.operations.breaches import public_id
from app.operations.personal import ACCOUNT, KINDS, PREFIXES, Kind
from app.platform.db import Database
from app.platform.metrics import ACCOUNTS

PAGE_ROWS = 200


def document(db: Database, user: User, *, page_rows: int = PAGE_ROWS) -> Iterator[str]:
    """One JSON object in pieces: `account`, then a list of each kind of thing, oldest first.

    Amounts are in minor units.
    """
    yield '{"account": ' + json.dumps(_told(ACCOUNT, user))
    for name, kind in KINDS.items():
        yield f', "{name}": ['
        separator = ""
        for page in _pages(db, kind, kind.of(user), page_rows):
            yield separator + ", ".join(json.dumps(row) for row in page)
            separator = ", "
        yield "]"
    ACCOUNTS.labels(outcome="exported").inc()
    yield "}"


def _pages(
    db: Database, kind: Kind, mine: ColumnElement[bool], page_rows: int
) -> Iterator[list[dict[str, Any]]]:
    mapper = kind.model.__mapper__
    after: Sequence[Any] | None = None
    while True:
        wanted = select(kind.model).where(mine).order_by(*mapper.primary_key).limit(page_rows)
        if after is not None:
            wanted = wanted.where(tuple_(*mapper.primary_key) > _as_key(mapper, after))
        with db.reading() as session:
            rows = session.scalars(wanted).all()
            page = _tell(session, kind, rows)
        if page:
            yield page
        if len(rows) < page_rows:
            return
        after = mapper.primary_key_from_instance(rows[-1])


def _as_key(mapper: Mapper[Any], values: Sequence[Any]) -> Tuple:
    return tuple_(*values, types=[column.type for column in mapper.primary_key])


def _tell(session: Session, kind: Kind, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """These rows, each with what belongs to it."""
    page = [_told(kind, row) for row in rows]
    for name, inner in kind.within.items():
        found = _within(session, inner, [row.id for row in rows])
        for row, told in zip(rows, page, strict=True):
            told[name] = found[row.id]
    return page


def _within(
    session: Session, kind: Kind, owners: Sequence[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    if not owners:
        return found
    column = getattr(kind.model, kind.owner)
    order = kind.model.__mapper__.primary_key
    rows = session.scalars(select(kind.model).where(column.in_(owners)).order_by(*order)).all()
    for row, told in zip(rows, _tell(session, kind, rows), strict=True):
        found[getattr(row, kind.owner)].append(told)
    return found


def _told(kind: Kind, row: Any) -> dict[str, Any]:
    return {name: _plain(kind, name, getattr(row, name)) for name in kind.columns}


def _plain(kind: Kind, name: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return public_id(kind.prefix if name == "id" else PREFIXES.get(name, ""), value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
