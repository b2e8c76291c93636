"""What the shop does by itself meanwhile: journals, events and letters, as they are written."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
from rich.console import Console
from rich.markup import escape

from devstack.purchase.client import parsed, send, short
from devstack.purchase.shop import PATIENCE_SECONDS, Refused, Shop

_ROUND_SECONDS = 0.02
_MAIL_ROUND_SECONDS = 0.1  # the catcher reads all its mails for an answer
_MARKS = {"succeeded": "[green]✓[/green]", "started": "→", "failed": "[red]✗[/red]"}
_ALIVE = ("running", "parked")
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TABLES = {"chk": "checkouts", "shp": "shipments", "ref": "refunds"}
_LINES = """
    SELECT j.id, extract(epoch FROM j.at - s.created_at), j.step, j.event, j.detail
    FROM saga_journal j JOIN {table} s ON s.id = j.saga_id
    WHERE j.saga_id = %s AND j.id > %s ORDER BY j.id
"""
_EVENTS = """
    SELECT seq, type, position FROM outbox
    WHERE seq > %(after)s AND (
        key = ANY(%(keys)s) OR payload->'data'->>'order_id' = ANY(%(keys)s)
        OR payload->'data'->>'checkout_id' = ANY(%(keys)s))
    ORDER BY seq
"""


class Story:
    """Reads along in the shop's own books."""

    def __init__(self, shop: Shop, console: Console) -> None:
        self._shop, self._console = shop, console
        self._url = shop.database.replace("postgresql+psycopg://", "postgresql://")
        self._events_told = 0
        self._letters_told: set[str] = set()

    def follow(self, identity: str) -> str:
        """Tell each line of a saga's journal as it is written; gives the state it ended in."""
        for number, (seconds, step, event, detail) in enumerate(self._journal(identity)):
            if number == 0:
                self._console.print("\n  [bold]the saga[/bold] [dim](since it was asked for)[/dim]")
            told = f"  [dim]{escape(short(detail))}[/dim]" if detail else ""
            mark = _MARKS.get(event, "·")
            self._console.print(f"  {mark} {seconds * 1000:5.0f} ms  {step:<10} {event}{told}")
        with psycopg.connect(self._url, autocommit=True) as books:
            return self._state(books, identity)

    def events(self, *identities: str) -> None:
        """Tell the events about these things that were not told yet."""
        keys = [_uuid(identity) for identity in identities]
        with psycopg.connect(self._url, autocommit=True) as books:
            rows = books.execute(_EVENTS, {"after": self._events_told, "keys": keys}).fetchall()
        if rows:
            self._console.print("\n  [bold]events[/bold] [dim](in the order of the outbox)[/dim]")
        for seq, kind, position in rows:
            self._events_told = seq
            where = "not published yet" if position is None else f"position {position}"
            self._console.print(f"  ◦ {kind:<24} [dim]{where}[/dim]")

    def letter(self, number: str, *words: str) -> None:
        """Wait for a new letter about an order whose subject has one of these words; show it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            _, _, content = send(self._shop.mail, "GET", "/api/messages")
            for mail in parsed(content) or []:
                if self._is_new(mail, number, words):
                    self._show(mail)
                    return
            time.sleep(_MAIL_ROUND_SECONDS)
        raise Refused(f"No letter about {number} came; see the logs of worker and consumer.")

    def _is_new(self, mail: dict[str, Any], number: str, words: tuple[str, ...]) -> bool:
        subject = mail["subject"].lower()
        return (
            number in mail["subject"] + mail["text"]
            and f"{mail['id']}" not in self._letters_told
            and any(word in subject for word in words)
        )

    def _show(self, mail: dict[str, Any]) -> None:
        self._letters_told.add(f"{mail['id']}")
        self._console.print("\n  [bold]the letter[/bold]")
        self._console.print(f"  To: {escape(', '.join(mail['to']))}")
        self._console.print(f"  Subject: [bold]{escape(mail['subject'])}[/bold]\n")
        for line in mail["text"].splitlines():
            self._console.print(f"  [dim]│[/dim] {escape(line)}")

    def _journal(self, identity: str) -> Iterator[tuple[float, str, str, Any]]:
        last, deadline = 0, time.monotonic() + PATIENCE_SECONDS
        lines = _LINES.format(table=_table(identity))
        with psycopg.connect(self._url, autocommit=True) as books:
            while True:
                state = self._state(books, identity)
                for row in books.execute(lines, [_uuid(identity), last]).fetchall():
                    last = row[0]
                    yield float(row[1]), row[2], row[3], row[4]
                if state not in _ALIVE:
                    return
                if time.monotonic() > deadline:
                    raise Refused(f"{identity} is still {state}; see `flask trace`.")
                time.sleep(_ROUND_SECONDS)

    @staticmethod
    def _state(books: "psycopg.Connection[Any]", identity: str) -> str:
        found = books.execute(
            f"SELECT state FROM {_table(identity)} WHERE id = %s",  # noqa: S608  one of ours
            [_uuid(identity)],
        ).fetchone()
        return "gone" if found is None else str(found[0])


def _table(identity: str) -> str:
    return _TABLES[identity.partition("_")[0]]


def _uuid(identity: str) -> str:
    """The UUID in a TypeID: 26 digits of five bits, the first two of them empty."""
    number = 0
    for digit in identity.rpartition("_")[2]:
        number = number * 32 + _ID_ALPHABET.index(digit)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
