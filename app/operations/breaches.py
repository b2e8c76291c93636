"""What an invariant that does not hold looks like, and how it is looked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.platform.db import ShopSession
from app.platform.ids import encode


@dataclass(frozen=True)
class Breach:
    """One thing that breaks an invariant. `subject` is its public id, `detail` a sentence."""

    invariant: int
    name: str
    subject: str
    detail: str


Check = Callable[[ShopSession, int], Iterable[Breach]]
"""Gives what breaks an invariant, so many rows at most; reads and changes nothing."""


@dataclass(frozen=True)
class Broken:
    """A check in one SELECT: its rows are the breaches, their columns the words of `detail`.

    The column `subject` is the id; its kind is the column `prefix`, or else the one given here.
    """

    invariant: int
    name: str
    prefix: str
    detail: str
    rows: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, session: ShopSession, limit: int) -> list[Breach]:
        """Look, in the session's own snapshot."""
        statement = text(f"{self.rows} LIMIT :row_limit")
        found = session.execute(statement, {**self.facts, "row_limit": limit}).mappings()
        return [
            Breach(
                self.invariant,
                self.name,
                public_id(row.get("prefix", self.prefix), row["subject"]),
                self.detail.format(**row),
            )
            for row in found
        ]


def public_id(prefix: str, value: UUID | str) -> str:
    """The public form of an id, also of one kept as text; what is no UUID stays as it is."""
    try:
        known = value if isinstance(value, UUID) else UUID(value)
    except ValueError:
        return str(value)
    return encode(prefix, known) if prefix else str(known)
