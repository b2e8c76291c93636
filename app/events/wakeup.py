"""Waits for a NOTIFY, but never longer than told: the polling underneath is what may be relied
on."""

import logging
import threading

import psycopg

from app.platform.db import Database

log = logging.getLogger(__name__)


class Listener:
    """One connection that listens on a channel, opened when first needed and again after a loss."""

    def __init__(self, db: Database, channel: str) -> None:
        url = db.engine.url.set(drivername="postgresql")
        self._url, self._channel = url.render_as_string(hide_password=False), channel
        self._connection: psycopg.Connection | None = None

    def wait(self, seconds: float, *, stop: threading.Event) -> None:
        """Return on a notification, or after `seconds`; without a connection simply wait."""
        try:
            for _notice in self._listening().notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error:
            self.close()
            stop.wait(seconds)

    def listen(self) -> None:
        """Begin to hear; what is notified from now on ends the next wait."""
        try:
            self._listening()
        except psycopg.Error:
            log.warning("listen_failed", extra={"channel": self._channel})

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listening(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=5, application_name="cartwright"
            )
            self._connection.execute(f'LISTEN "{self._channel}"')
        return self._connection
