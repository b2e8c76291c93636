"""Databases for tests, each as the migrations left it: made once, emptied and lent again.

Copying a database costs half a second, emptying one a few milliseconds. One whose tables, functions
or triggers a test has changed is thrown away instead, and so is one that has grown or been lent
often.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql

from devstack.servers.postgres import EmbeddedPostgres

TEMPLATE = "test_template"
LENT_MAX = 60
BYTES_MAX = 24 * 1024 * 1024  # a fresh one has ten
_SHAPE = """
    SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
        SELECT concat('c', oid, relkind, relnatts, relchecks) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
      UNION ALL
        SELECT concat('a', a.attrelid, a.attnum, a.attnotnull, a.atthasdef, a.attisdropped)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace
      UNION ALL
        SELECT concat('k', oid, convalidated) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT concat('t', oid, tgenabled) FROM pg_trigger
      UNION ALL
        SELECT concat('f', oid, md5(prosrc)) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    ) AS shape(part)
"""
_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND relname <> 'alembic_version'
"""
_RESTART = """
    SELECT setval(seqrelid, seqstart, false) FROM pg_sequence
    WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""
_HANG_UP = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_HAS_SETTINGS = """
    SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                   WHERE d.datname = current_database())
"""


@dataclass
class _Database:
    name: str
    shape: str
    tables: list[str]
    lent: int = 0


class Databases:
    """The databases of one server, lent one test at a time."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._free: list[_Database] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """A database nobody has written to; its URL."""
        database = self._free.pop() if self._free else self._make()
        database.lent += 1
        try:
            yield self._server.url(database.name)
        finally:
            if self._emptied(database):
                self._free.append(database)
            else:
                with self._connection("postgres") as admin:
                    admin.execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")

    def _make(self) -> _Database:
        name = f"test_{uuid4().hex[:16]}"
        with self._connection("postgres") as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        with self._connection(name) as connection:
            tables = [row[0] for row in connection.execute(_TABLES)]
            return _Database(name, _one(connection, _SHAPE), tables)

    def _emptied(self, database: _Database) -> bool:
        """Empty it as it was made; False where it is not worth it, or cannot be."""
        if database.lent >= LENT_MAX:
            return False
        try:
            with self._connection(database.name) as connection:
                connection.execute(_HANG_UP)
                if _one(connection, _SHAPE) != database.shape:
                    return False
                self._empty(connection, database.tables)
                if _one(connection, _HAS_SETTINGS):
                    connection.execute(f"ALTER DATABASE {database.name} RESET ALL")
                size = _one(connection, "SELECT pg_database_size(current_database())")
                return int(size) < BYTES_MAX
        except psycopg.Error:
            return False  # a test took it away, or left it unusable

    @staticmethod
    def _empty(connection: "psycopg.Connection[tuple[object, ...]]", tables: list[str]) -> None:
        asked = sql.SQL(", ").join(
            sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(table)) for table in tables
        )
        row = connection.execute(sql.SQL("SELECT {}").format(asked)).fetchone() or ()
        with connection.transaction():
            # Neither foreign keys nor the triggers of append-only tables look on.
            connection.execute("SET LOCAL session_replication_role = replica")
            for table, is_full in zip(tables, row, strict=True):
                if is_full:
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            connection.execute(_RESTART)

    def _connection(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        url = self._server.url(name).replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True)


def _one(connection: "psycopg.Connection[tuple[object, ...]]", question: str) -> str:
    row = connection.execute(question).fetchone()
    assert row is not None
    return str(row[0]) if not isinstance(row[0], bool) else ("yes" if row[0] else "")


_BY_SERVER: "WeakKeyDictionary[EmbeddedPostgres, Databases]" = WeakKeyDictionary()


@contextmanager
def lend(server: EmbeddedPostgres) -> Iterator[str]:
    """A database of this server nobody has written to; its URL."""
    with _BY_SERVER.setdefault(server, Databases(server)).lend() as url:
        yield url
