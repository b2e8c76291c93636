"""What the core asks of a queue: carry a nudge. Losing one is allowed, the sweeper nudges again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Nudge:
    """Names of tasks to run one after the other for one id; each is a no-op where its row is not
    waiting."""

    tasks: tuple[str, ...]
    id: str


class Queue(Protocol):
    """Carries nudges to the workers."""

    def send(self, nudges: Sequence[Nudge]) -> None:
        """Send nudges, fast or not at all. May raise; the caller logs it and leaves the rest to the
        sweep."""

    def depths(self) -> dict[str, int]:
        """How many nudges wait, by queue name. May raise while the broker is away."""
