"""Nudges run in this very process, when asked: for tests that decide who works when."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from app.platform.queue import Nudge
from app.platform.seams import seam


class InlineQueue:
    """Keeps nudges until `drain`; `tasks` gives the function behind each name."""

    def __init__(self, tasks: Mapping[str, Callable[[str], object]] | None = None) -> None:
        self.tasks = dict(tasks or {})
        self.waiting: deque[Nudge] = deque()

    def send(self, nudges: Sequence[Nudge]) -> None:
        """Keep the nudges."""
        for nudge in nudges:
            seam("queue:before")
            self.waiting.append(nudge)
            seam("queue:after")

    def depths(self) -> dict[str, int]:
        """All that waits, as one queue."""
        return {"inline": len(self.waiting)}

    def drain(self) -> int:
        """Run everything that waits, and what comes of it; gives how many nudges were run."""
        ran = 0
        while self.waiting:
            nudge = self.waiting.popleft()
            for name in nudge.tasks:
                self.tasks[name](nudge.id)
            ran += 1
        return ran
