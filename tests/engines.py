"""Engines for tests: whatever asks for one shares the SQL that any of them has compiled.

A process of the shop has one engine and compiles each statement once. A test run makes thousands of
engines, one after the other, and would spend a fifth of its time compiling the same statements.
"""

from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Dialect, Engine

_COMPILED: dict[Any, Any] = {}
_dialects: list[Dialect] = []


def create(url: str, **options: Any) -> Engine:
    """Like SQLAlchemy's own, with everybody's compiled statements."""
    engine = create_engine(url, **options)
    if _dialects:
        engine.dialect = _dialects[0]
        engine.update_execution_options(compiled_cache=_COMPILED)
    else:
        event.listen(engine, "engine_connect", lambda connection: _share(connection.dialect))
    return engine


def _share(dialect: Dialect) -> None:
    """Only one that has met a server knows which SQL it speaks."""
    if not _dialects:
        _dialects.append(dialect)
