"""The event bus on Redis Streams: one stream a topic, one consumer group a reader's name.

Sources: XADD, XREADGROUP, XAUTOCLAIM and XACK of https://redis.io/docs/latest/commands/. Order: one
stream is one order, and the one relay appends to it; a group's single reader sees it whole.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from app.events.envelope import CloudEvent, from_json
from app.events.errors import BusAway
from app.events.ports import Delivery, GroupStatus
from app.platform.ids import new_id
from app.platform.redis import ShopRedis, connect
from app.platform.seams import calling_out

_FIELD = "event"
_ENTRIES_MAX = 50_000  # about 40 MB a topic; a reader further behind is served by the outbox
_ANSWER_SECONDS = 5.0
_ORPHANED_SECONDS = 30  # longer than a live reader keeps anything unacknowledged


class RedisStreams:
    """Publishes to and reads from streams named `<prefix>:<topic>`, each kept to about
    `entries_max`."""

    def __init__(
        self, url: str, *, prefix: str = "events", entries_max: int = _ENTRIES_MAX
    ) -> None:
        self._url, self._prefix, self._entries_max = url, prefix, entries_max
        self._client = _client(url)

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Append all in one round trip. Raises BusAway."""
        pipeline = self._client.pipeline(transaction=False)
        for event in events:
            pipeline.xadd(
                self._stream(event.topic),
                {_FIELD: event.to_json()},
                maxlen=self._entries_max,
                approximate=True,
            )
        with calling_out("bus.publish"), _plain_errors():
            pipeline.execute()

    def subscribe(self, group: str, topics: Sequence[str]) -> "RedisSubscription":
        """Read on where the group stopped; its streams and itself are made where missing."""
        return RedisSubscription(self._url, group, {self._stream(topic): topic for topic in topics})

    def status(self, topics: Sequence[str]) -> list[GroupStatus]:
        """How far each group is behind, as XINFO GROUPS tells it."""
        with _plain_errors():
            return [
                GroupStatus(topic, group["name"], group["lag"], group["pending"])
                for topic in topics
                if self._client.exists(self._stream(topic))
                for group in self._client.xinfo_groups(self._stream(topic))
            ]

    def _stream(self, topic: str) -> str:
        return f"{self._prefix}:{topic}"


class RedisSubscription:
    """One reader of a group. It takes over what earlier readers left unacknowledged, then reads
    on."""

    def __init__(self, url: str, group: str, streams: dict[str, str]) -> None:
        self._client = _client(url)
        self._group, self._streams = group, streams
        self._reader = new_id().hex
        with _plain_errors():
            self._join()
        self._left_behind = self._take_over(idle_milliseconds=0)
        self._look_again_at = time.monotonic() + _ORPHANED_SECONDS

    def read(self, *, limit: int, wait_seconds: float) -> list[Delivery]:
        """First what was left behind, then what is new; waits at most `wait_seconds` for that."""
        if (
            time.monotonic() > self._look_again_at
        ):  # a reader that had lost its lease may have taken some
            self._look_again_at = time.monotonic() + _ORPHANED_SECONDS
            self._left_behind = self._take_over(idle_milliseconds=_ORPHANED_SECONDS * 1000)
        with calling_out("bus.read"), _plain_errors():
            try:
                return next(self._left_behind, None) or self._read_new(limit, wait_seconds)
            except redis.ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                self._join()
                return []

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """XACK, a topic at a time."""
        by_topic: dict[str, list[str]] = {}
        for delivery in deliveries:
            by_topic.setdefault(delivery.topic, []).append(delivery.receipt)
        with calling_out("bus.acknowledge"), _plain_errors():
            for stream, topic in self._streams.items():
                if topic in by_topic:
                    self._client.xack(stream, self._group, *by_topic[topic])

    def close(self) -> None:
        """Close the connection. The name stays in the group until a later reader tidies up."""
        self._client.close()

    def _join(self) -> None:
        for stream in self._streams:
            try:
                self._client.xgroup_create(stream, self._group, id="0", mkstream=True)
            except redis.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    def _read_new(self, limit: int, wait_seconds: float) -> list[Delivery]:
        answer: Any = self._client.xreadgroup(
            self._group,
            self._reader,
            dict.fromkeys(self._streams, ">"),
            count=limit,
            block=max(1, round(wait_seconds * 1000)),
        )
        found = answer.items() if isinstance(answer, dict) else answer or ()
        return [
            delivery
            for stream, batches in found
            for delivery in self._deliveries(stream, _entries(batches))
        ]

    def _take_over(self, *, idle_milliseconds: int) -> Iterator[list[Delivery]]:
        for stream in self._streams:
            start = "0-0"
            while True:
                start, entries, _gone = self._client.xautoclaim(
                    stream, self._group, self._reader, idle_milliseconds, start, count=100
                )
                if entries:
                    yield self._deliveries(stream, entries)
                if start == "0-0":
                    break
            self._forget_idle_readers(stream)

    def _forget_idle_readers(self, stream: str) -> None:
        for reader in self._client.xinfo_consumers(stream, self._group):
            if reader["name"] != self._reader and reader["pending"] == 0:
                self._client.xgroup_delconsumer(stream, self._group, reader["name"])

    def _deliveries(self, stream: str, entries: Sequence[tuple[str, Any]]) -> list[Delivery]:
        return [
            _delivery(self._streams[stream], receipt, (fields or {}).get(_FIELD, ""))
            for receipt, fields in entries
        ]


def _client(url: str) -> ShopRedis:
    """Whatever bytes someone appended can be read; they are no event then, instead of a crash."""
    mark = "&" if "?" in url else "?"
    return connect(f"{url}{mark}encoding_errors=replace", answer_seconds=_ANSWER_SECONDS)


def _entries(batches: Any) -> list[tuple[str, Any]]:
    """RESP3 gives a list of batches, RESP2 the entries themselves."""
    if batches and isinstance(batches[0], list):
        return [entry for batch in batches for entry in batch]
    return list(batches)


def _delivery(topic: str, receipt: str, text: str) -> Delivery:
    try:
        event = from_json(text)
    except ValueError:
        event = None
    return Delivery(topic=topic, receipt=receipt, text=text, event=event)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Redis's words become ours."""
    try:
        yield
    except redis.RedisError as error:
        raise BusAway(f"The event bus does not answer: {error}") from error
