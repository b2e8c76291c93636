"""What the emulator remembers: one SQLite file, or memory, behind one lock."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

Document = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created INTEGER NOT NULL, parent TEXT, lapses_at REAL, pending INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_newest ON objects (kind, created, seq);
CREATE INDEX IF NOT EXISTS objects_family ON objects (parent, kind) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_lapsing ON objects (lapses_at) WHERE lapses_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_pending ON objects (pending) WHERE pending > 0;
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, endpoint TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, request_id TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS search_snapshots (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, visible_at REAL NOT NULL,
    document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS search_snapshots_by_id ON search_snapshots (id, visible_at);
"""


class StoredAnswer(NamedTuple):
    """The answer kept under an idempotency key, and what it was asked."""

    fingerprint: str
    endpoint: str
    status: int
    body: bytes
    request_id: str
    created: float


class Store:
    """Objects as JSON documents with the few columns they are found by; what begins with `_` in a
    document is the emulator's own and is never shown."""

    def __init__(self, data: str) -> None:
        self.lock = threading.RLock()
        self._database = sqlite3.connect(data, check_same_thread=False, isolation_level=None)
        self._run = self._database.execute
        if data != ":memory:":
            self._run("PRAGMA journal_mode=WAL")
        self._run("PRAGMA synchronous=OFF")
        self._database.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One act at a time: everything inside is kept, or nothing."""
        with self.lock:
            self._run("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._run("ROLLBACK")
                raise
            self._run("COMMIT")

    def insert(self, document: Document, *, parent: str | None = None, pending: int = 0) -> None:
        """Keep a new object; `parent` is the payment intent it belongs to."""
        self._run(
            "INSERT INTO objects (id, kind, created, parent, lapses_at, pending, document) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                document["id"],
                document["object"],
                document["created"],
                parent,
                document.get("_lapses_at"),
                pending,
                json.dumps(document),
            ),
        )

    def save(self, document: Document) -> None:
        """Keep an object as it is now."""
        self._run(
            "UPDATE objects SET document = ?, lapses_at = ? WHERE id = ?",
            (json.dumps(document), document.get("_lapses_at"), document["id"]),
        )

    def load(self, kind: str, identity: str) -> Document | None:
        """The object as it is now, or nothing."""
        row = self._run(
            "SELECT document FROM objects WHERE id = ? AND kind = ?", (identity, kind)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def position(self, kind: str, identity: str) -> tuple[int, int] | None:
        """Where an object stands in the order of its kind: (created, seq)."""
        found: tuple[int, int] | None = self._run(
            "SELECT created, seq FROM objects WHERE id = ? AND kind = ?", (identity, kind)
        ).fetchone()
        return found

    def select(self, condition: str, values: tuple[Any, ...]) -> Iterator[Document]:
        """Objects by a condition written in this package, one by one."""
        for (document,) in self._run(
            f"SELECT document FROM objects WHERE {condition}",  # noqa: S608  # never a caller's words
            values,
        ):
            yield json.loads(document)

    def lapsed(self, now: float) -> list[Document]:
        """Payment intents whose authorization is over by this time, and refunds to be answered."""
        return list(self.select("lapses_at <= ?", (now,)))

    def counts(self) -> dict[str, int]:
        """How many objects of each kind there are."""
        return dict(self._run("SELECT kind, count(*) FROM objects GROUP BY kind").fetchall())

    def statuses(self) -> dict[str, int]:
        """How many payment intents stand in each status."""
        return dict(
            self._run(
                "SELECT json_extract(document, '$.status'), count(*) FROM objects "
                "WHERE kind = 'payment_intent' GROUP BY 1"
            ).fetchall()
        )

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in ("objects", "idempotency", "search_snapshots"):
                self._run(f"DELETE FROM {table}")  # noqa: S608  # three names, all here

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self._database.close()

    # Idempotency keys

    def answer(self, key: str) -> StoredAnswer | None:
        """What was answered under this key."""
        row = self._run(
            "SELECT fingerprint, endpoint, status, body, request_id, created FROM idempotency "
            "WHERE key = ?",
            (key,),
        ).fetchone()
        return StoredAnswer(*row) if row else None

    def keep_answer(self, key: str, answer: StoredAnswer) -> None:
        """Remember an answer under its key; an expired one is written over."""
        self._run("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)", (key, *answer))

    # Webhooks

    def pending_events(self) -> list[Document]:
        """Events not yet delivered, oldest first: a restart goes on with them."""
        return list(self.select("pending > 0 ORDER BY seq", ()))

    def delivered(self, event_id: str) -> None:
        """The event has arrived, or was given up."""
        with self.transaction():
            self._run("UPDATE objects SET pending = 0 WHERE id = ?", (event_id,))

    # The search index, which lags

    def index(self, document: Mapping[str, Any], *, visible_at: float) -> None:
        """Show an object to the search from this time on, as it is now."""
        self._run(
            "INSERT INTO search_snapshots (id, visible_at, document) VALUES (?, ?, ?)",
            (document["id"], visible_at, json.dumps(document)),
        )

    def indexed(self, now: float) -> Iterator[Document]:
        """Every payment intent as the search knows it at this time, newest first."""
        rows = self._run(
            "SELECT document FROM search_snapshots AS shown WHERE visible_at <= ?1 AND seq = "
            "(SELECT max(seq) FROM search_snapshots WHERE id = shown.id AND visible_at <= ?1) "
            "ORDER BY json_extract(document, '$.created') DESC, seq DESC",
            (now,),
        )
        for (document,) in rows:
            yield json.loads(document)
