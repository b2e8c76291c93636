"""What the shop needs of an event bus, and of those who look after what failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.events.envelope import CloudEvent


@dataclass(frozen=True)
class Delivery:
    """Something the bus handed out. `event` is None where `text` is no event of this shop."""

    topic: str
    receipt: str
    text: str
    event: CloudEvent | None


@dataclass(frozen=True)
class GroupStatus:
    """How a group of readers stands in one topic; `behind` is None where the bus cannot tell."""

    topic: str
    group: str
    behind: int | None
    unacknowledged: int


class Subscription(Protocol):
    """One reader in the name of a group. There is one at a time: its owner holds a lease."""

    def read(self, *, limit: int, wait_seconds: float) -> Sequence[Delivery]:
        """The next deliveries, in order within a topic; empty when the wait was in vain.

        A new subscription first hands out again what was never acknowledged, whoever read it. A bus
        that lost everything goes on with what it has. Raises BusAway.
        """

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Never hand these out again to this group. Raises BusAway."""

    def close(self) -> None:
        """Leave; what was not acknowledged is for the next."""


class EventBus(Protocol):
    """Carries facts to whoever listens. What it loses, consumers fetch from the outbox."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Append all, in the given order within each topic; accepted once this returns.

        Raises BusAway, and then any part of them may have been appended.
        """

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Read topics in the name of a group, from their beginning the first time. Raises
        BusAway."""

    def status(self, topics: Sequence[str]) -> Sequence[GroupStatus]:
        """How each group stands in these topics. Raises BusAway."""


class Incidents(Protocol):
    """Where people are told; the module `app.saga.incidents` is one."""

    def open_incident(
        self, session: Session, *, kind: str, subject: str, detail: dict[str, Any]
    ) -> None:
        """Open one, unless this kind and subject has one already."""

    def close_incident(self, session: Session, *, kind: str, subject: str) -> bool:
        """Close it; gives whether one was open."""
