"""A stage on which real acts take turns: every order of their effects can be played."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.platform import seams
from app.platform.db import Database, ShopSession
from app.platform.queue import Queue

# An act stops before each effect others can see. It never stops before a commit, where it would
# keep rows locked that the next one needs, but before the transaction begins.
TURNS = ("redis:before", "transaction")
_SECONDS_MAX = 30


class StagedDatabase(Database):
    """The shop's database, whose transactions wait for their turn to begin."""

    @contextmanager
    def transaction(self, queue: Queue | None = None) -> Iterator[ShopSession]:
        """One act of the shop."""
        seams.seam("transaction")
        with super().transaction(queue) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[ShopSession]:
        """Look without touching."""
        seams.seam("transaction")
        with super().reading() as session:
            yield session


class Actor:
    """One act in a thread of its own, which runs only while it has the stage."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.done, self.error = False, None
        self._act, self._go, self._back = act, threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._perform, daemon=True)

    def turn(self) -> None:
        """Have the next effect and stop before the one after it, or at the end."""
        if not self._thread.is_alive():
            self._thread.start()
        self._go.release()
        assert self._back.acquire(timeout=_SECONDS_MAX), "an act waits for one that has no turn"
        if self.done:
            self._thread.join()

    def wait(self) -> None:
        """Leave the stage until the next turn."""
        self._back.release()
        self._go.acquire()

    def is_me(self) -> bool:
        """Whether the thread that asks is this act's."""
        return threading.current_thread() is self._thread

    def _perform(self) -> None:
        self._go.acquire()
        try:
            self._act()
        except BaseException as error:
            self.error = error
        self.done = True
        self._back.release()


def play(acts: list[Callable[[], object]], choose: Callable[[int], int]) -> None:
    """Perform all acts to their ends; `choose(n)` says which of the n unfinished has the turn."""
    actors = [Actor(act) for act in acts]
    with _hearing(actors):
        try:
            for actor in actors:
                actor.turn()  # up to its first effect
            while waiting := _unfinished(actors):
                waiting[choose(len(waiting))].turn()
        finally:  # whoever chooses may give up: nobody stays on the stage
            while waiting := _unfinished(actors):
                waiting[0].turn()
    for actor in actors:
        if actor.error is not None:
            raise actor.error


def every_order(perform: Callable[[Callable[[int], int]], None]) -> int:
    """Perform again and again until each possible order was played; gives how many there were."""
    played, plan = 0, []
    while True:
        taken: list[tuple[int, int]] = []

        def choose(options: int, plan: list[int] = plan, taken: list = taken) -> int:
            turn = plan[len(taken)] if len(taken) < len(plan) else 0
            taken.append((turn, options))
            return turn

        perform(choose)
        played += 1
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return played
        plan = [turn for turn, _ in taken[:-1]] + [taken[-1][0] + 1]


def _unfinished(actors: list[Actor]) -> list[Actor]:
    return [actor for actor in actors if not actor.done]


@contextmanager
def _hearing(actors: list[Actor]) -> Iterator[None]:
    def hear(name: str) -> None:
        for actor in actors:
            if name in TURNS and actor.is_me():
                actor.wait()

    seams.listen(hear)
    try:
        yield
    finally:
        seams.listen(None)
