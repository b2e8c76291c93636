"""Counts what reaches PostgreSQL, so that a budget of statements can be held by a test.

SQLAlchemy keeps the SQL it made of a statement, where it can; making it costs more than most
statements do. One for which it cannot is no statement of a call that has a budget.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine.interfaces import CacheStats

from app.platform.db import Database

_NEVER_KEPT = (CacheStats.NO_CACHE_KEY, CacheStats.CACHING_DISABLED)


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """Collect the SQL of a block; BEGIN, COMMIT and savepoints are not statements."""
    seen: list[str] = []
    anew: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        if statement.startswith(("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")):
            return
        seen.append(statement)
        if context.compiled is not None and context.cache_hit in _NEVER_KEPT:
            anew.append(statement)

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)
    assert not anew, "compiled at every call:\n" + "\n".join(anew)
