"""`Prefer: wait=N` (RFC 7240 §4.3): hold an answer until a saga is over, without polling.

One LISTEN connection a process hears of every saga that ends or parks and wakes who waits for it.
At most half of a worker's threads wait; whoever comes then is answered at once.
"""

import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from flask import request

from app.saga.signals import CHANNEL
from app.wiring import providers

log = logging.getLogger(__name__)

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})\"?", re.IGNORECASE)
_RECONNECT_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 2.0  # in case a notification is lost with its connection


def seconds_asked() -> int:
    """How long the caller would wait, in seconds; 0 without the preference or beyond sense."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), providers().settings.wait_seconds_max) if found else 0


class Waiting:
    """The waiters of one process, and the connection that wakes them."""

    def __init__(self, url: str, *, at_once: int) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://")
        self._places = threading.BoundedSemaphore(max(1, at_once))
        self._lock = threading.Lock()
        self._waiters: dict[str, set[threading.Event]] = defaultdict(set)
        self._listener: threading.Thread | None = None

    def until(self, saga_id: UUID, is_over: Callable[[], bool], *, seconds: int) -> bool:
        """Wait until `is_over` says so, at most so long; True when it does. Full house: answer
        now."""
        if not seconds or not self._places.acquire(blocking=False):
            return is_over()
        try:
            with self._woken(str(saga_id)) as woken:
                return _wait(woken, is_over, seconds)
        finally:
            self._places.release()

    @contextmanager
    def _woken(self, saga_id: str) -> Iterator[threading.Event]:
        woken = threading.Event()
        with self._lock:
            self._waiters[saga_id].add(woken)
            if self._listener is None or not self._listener.is_alive():
                self._listener = threading.Thread(target=self._listen, daemon=True, name="listen")
                self._listener.start()
        try:
            yield woken
        finally:
            with self._lock:
                self._waiters[saga_id].discard(woken)
                if not self._waiters[saga_id]:
                    del self._waiters[saga_id]

    def _listen(self) -> None:
        """Hear until nobody has waited for a while; the next waiter starts it again."""
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                self._wake(None)
                while self._anyone():
                    for heard in connection.notifies(timeout=5, stop_after=50):
                        self._wake(heard.payload)
        except psycopg.Error:
            log.warning("listen_connection_lost", exc_info=True)
            threading.Event().wait(_RECONNECT_SECONDS)

    def _anyone(self) -> bool:
        with self._lock:
            if not self._waiters:
                self._listener = None
            return bool(self._waiters)

    def _wake(self, saga_id: str | None) -> None:
        with self._lock:
            named = [saga_id] if saga_id is not None else list(self._waiters)
            for name in named:
                for woken in self._waiters.get(name, ()):
                    woken.set()


def _wait(woken: threading.Event, is_over: Callable[[], bool], seconds: int) -> bool:
    until = time.monotonic() + seconds
    while not is_over():
        left = until - time.monotonic()
        if left <= 0:
            return False
        woken.wait(min(left, _LOOK_AGAIN_SECONDS))
        woken.clear()
    return True


_waiting: dict[str, Waiting] = {}
_guard = threading.Lock()


def waiting() -> Waiting:
    """The waiters of this process and database."""
    settings: Any = providers().settings
    with _guard:
        if settings.database_url not in _waiting:
            places = settings.web_threads // 2
            _waiting[settings.database_url] = Waiting(settings.database_url, at_once=places)
        return _waiting[settings.database_url]
