"""The power switch: counts every boundary of a run, and cuts at the k-th."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.platform import seams


class PowerCut(BaseException):
    """The process is gone. Nothing that the code does afterwards may reach the world."""


class Power:
    """Raises PowerCut at the k-th boundary and at every one after it: `finally` cannot help."""

    def __init__(self, engine: Engine, *, cut_at: int | None) -> None:
        self.boundaries: list[str] = []
        self.is_cut = False
        self._engine, self._cut_at = engine, cut_at

    def __call__(self, name: str) -> None:
        """One boundary passes."""
        if self.is_cut:
            raise PowerCut(name)
        self.boundaries.append(name)
        if len(self.boundaries) == self._cut_at:
            self.is_cut = True
            self._drop_connections()
            raise PowerCut(name)

    @contextmanager
    def on(self) -> Iterator["Power"]:
        """Listen to all seams, and to every statement once the power is cut."""
        self._open: set[Any] = set()
        listeners = {
            "checkout": lambda raw, *_: self._open.add(raw),
            "checkin": lambda raw, *_: self._open.discard(raw),
            "before_cursor_execute": self._no_statement_without_power,
        }
        for name, listener in listeners.items():
            event.listen(self._engine, name, listener)
        seams.listen(self)
        try:
            yield self
        finally:
            seams.listen(None)
            for name, listener in listeners.items():
                event.remove(self._engine, name, listener)

    def _no_statement_without_power(self, *_given: Any) -> None:
        if self.is_cut:
            raise PowerCut("statement")

    def _drop_connections(self) -> None:
        """Close the sockets as a dead process would: without a ROLLBACK."""
        for raw in self._open:
            if raw is not None:
                raw.pgconn.finish()
