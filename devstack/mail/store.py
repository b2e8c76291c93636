"""The mails caught so far, as they came over the wire, in one SQLite file."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT UNIQUE,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    raw BLOB NOT NULL,
    received_at TEXT NOT NULL
)
"""
_COLUMNS = "id, sender, recipients, raw, received_at"
_Row = tuple[int, str, str, bytes, str]


@dataclass(frozen=True)
class Mail:
    """One mail: the envelope it came in and its contents. `received_at` is ISO 8601, UTC."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    received_at: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail with its headers and parts read."""
        # The default policy makes EmailMessage; the stub knows only the base class.
        message = message_from_bytes(self.raw, policy=default)
        return message if isinstance(message, EmailMessage) else EmailMessage()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers in their order, decoded."""
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def subject(self) -> str:
        """The subject, empty when there is none."""
        return str(self.message.get("Subject", ""))

    @property
    def text(self) -> str:
        """The plain part, empty when there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part, empty when there is none. Not to be trusted."""
        return self._part("html")

    def as_json(self) -> dict[str, object]:
        """What `/api/messages` gives for one mail."""
        return {
            "id": self.id,
            "message_id": str(self.message.get("Message-ID", "")) or None,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "received_at": self.received_at,
        }

    def _part(self, subtype: str) -> str:
        part = self.message.get_body(preferencelist=(subtype,))
        if part is None:
            return ""
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset("utf-8")
        if not isinstance(payload, bytes):
            return ""
        try:
            text = payload.decode(charset, errors="replace")
        except LookupError:  # a charset nobody has heard of
            text = payload.decode("utf-8", errors="replace")
        return text.replace("\r\n", "\n")


class Mailbox:
    """Keeps mails in a folder; used by the SMTP and the HTTP side at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "mails.sqlite3"
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(_TABLE)

    def keep(self, sender: str, recipients: Sequence[str], raw: bytes) -> bool:
        """Keep a mail unless one with its Message-ID is here already; says whether it was new.

        A sender that lost our answer sends again: the Message-ID is all that tells the two apart.
        """
        message_id = message_from_bytes(raw, policy=default).get("Message-ID")
        with self._open() as database:
            answer = database.execute(
                "INSERT INTO messages (message_id, sender, recipients, raw, received_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING",
                (
                    str(message_id).strip() if message_id else None,
                    sender,
                    json.dumps(list(recipients)),
                    raw,
                    datetime.now(UTC).isoformat(timespec="milliseconds"),
                ),
            )
            return answer.rowcount == 1

    def newest(self, *, limit: int) -> list[Mail]:
        """The latest mails, newest first."""
        query = f"SELECT {_COLUMNS} FROM messages ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._open() as database:
            return [_mail(row) for row in database.execute(query, (limit,))]

    def find(self, number: int) -> Mail | None:
        """One mail by its id."""
        query = f"SELECT {_COLUMNS} FROM messages WHERE id = ?"  # noqa: S608
        with self._open() as database:
            row: _Row | None = database.execute(query, (number,)).fetchone()
        return None if row is None else _mail(row)

    def clear(self) -> int:
        """Forget all mails; says how many there were."""
        with self._open() as database:
            return database.execute("DELETE FROM messages").rowcount

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            yield database


def _mail(row: _Row) -> Mail:
    number, sender, recipients, raw, received_at = row
    return Mail(number, sender, tuple(json.loads(recipients)), received_at, raw)
