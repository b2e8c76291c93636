"""Nudges as Celery chains, by task name: the core never imports a task."""

from collections.abc import Sequence

from celery import Celery, chain
from kombu import Connection  # type: ignore[attr-defined]  # it is, lazily

from app.platform.queue import Nudge
from app.platform.seams import seam


class CeleryQueue:
    """Sends nudges through a broker; knows it by its address alone."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def send(self, nudges: Sequence[Nudge]) -> None:
        """Send each nudge as a chain of immutable tasks. Raises what the broker raises, at once."""
        for nudge in nudges:
            seam("queue:before")
            steps = [
                self._celery.signature(name, args=(nudge.id,), immutable=True)
                for name in nudge.tasks
            ]
            (steps[0] if len(steps) == 1 else chain(*steps)).apply_async()
            seam("queue:after")

    def depths(self) -> dict[str, int]:
        """Ask the broker, whichever it is, how long each queue is; one nobody used yet is empty."""
        with self._celery.connection_for_read(connect_timeout=1) as connection:
            return {name: _depth(connection, name) for name in self._celery.amqp.queues}


def _depth(connection: Connection, name: str) -> int:
    try:
        with connection.channel() as channel:  # type: ignore[no-untyped-call]  # refused, it closes
            return int(channel.queue_declare(queue=name, passive=True).message_count)
    except connection.channel_errors:
        return 0
