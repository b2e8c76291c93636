"""What a kind of letter is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.notifications.links import Links
from app.platform.money import Money

Words = dict[str, Any]
"""What a template may ask for: plain values, Money and dates. Each part formats them for itself."""


class Topic(StrEnum):
    """Letters that nobody's order or account needs; each can be stopped."""

    LOW_STOCK = "low_stock"
    REVIEW_INVITATION = "review_invitation"


@dataclass(frozen=True)
class Kind:
    """One kind of letter. `about` finds its words from the rows, as they are when it is written.

    What it tells of has ids of `prefix`, None for what only its recipient may see. It is the
    subject of the notification, or stands among its facts under the name `fact`.
    """

    template: str
    prefix: str | None
    about: Callable[[Session, UUID, Links], Words]
    example: Mapping[str, Any]
    topic: Topic | None = None
    fact: str | None = None


@dataclass(frozen=True)
class Line:
    """One line as people read it. What does not belong into a letter is left None."""

    name: str
    code: str
    qty: int
    merchant: str | None = None
    price: Money | None = None
    subtotal: Money | None = None
    note: str | None = None


@dataclass(frozen=True)
class PostalAddress:
    """The lines of a label, and the code of the country below them."""

    lines: tuple[str, ...]
    country: str

    @classmethod
    def of(cls, address: Mapping[str, Any]) -> "PostalAddress":
        """An address as checkouts and warehouses keep it; what is not known is left out."""
        city = f"{address.get('postal_code') or ''} {address.get('city') or ''}".strip()
        names = [address.get(name) for name in ("name", "line1", "line2")]
        lines = [*names, city, address.get("region")]
        return cls(tuple(str(line) for line in lines if line), str(address.get("country") or ""))
