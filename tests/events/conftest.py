"""A shop with an outbox, a real bus, and a table of what was heard."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.adapters.streams.redis_streams import RedisStreams
from app.events.consumer import Consumer
from app.events.inbox import Patience
from app.events.outbox import announce
from app.events.relay import Relay
from app.platform import seams
from app.platform.db import Database
from app.platform.queue import Nudge
from app.saga import incidents


class Basket:
    """A queue that keeps what it was given."""

    def __init__(self) -> None:
        self.nudges: list[Nudge] = []

    def send(self, nudges: Sequence[Nudge]) -> None:
        self.nudges += nudges


class PowerCut(BaseException):
    """The process died here."""


@pytest.fixture
def bus(redis_url: str) -> RedisStreams:
    return RedisStreams(redis_url)


@pytest.fixture
def basket() -> Basket:
    return Basket()


@pytest.fixture
def shop(db: Database) -> Database:
    """The database with the tables the test reactions write to."""
    with db.transaction() as session:
        session.execute(text("CREATE TABLE heard (consumer text, thing uuid, n bigint)"))
        session.execute(text("ALTER TABLE heard ADD place bigint GENERATED ALWAYS AS IDENTITY"))
        session.execute(text("CREATE TABLE broken (thing uuid, n bigint)"))
    return db


@pytest.fixture
def relay(shop: Database, bus: RedisStreams) -> Relay:
    return Relay(shop, bus)


@pytest.fixture
def make_consumer(shop: Database, bus: RedisStreams, basket: Basket) -> Callable[..., Consumer]:
    """A consumer that has little patience."""

    def make(name: str = "test_listener", **options: Any) -> Consumer:
        given = {"patience": Patience(attempts_max=3, seconds=1)} | options
        return Consumer(name, db=shop, bus=bus, queue=basket, incidents=incidents, **given)

    return make


@pytest.fixture
def consumer(make_consumer: Callable[..., Consumer]) -> Consumer:
    return make_consumer()


@pytest.fixture
def tell(shop: Database) -> Callable[..., None]:
    """Announce facts, each in a transaction of its own."""

    def announce_each(*facts: object) -> None:
        for fact in facts:
            with shop.transaction() as session:
                announce(session, fact)

    return announce_each


@pytest.fixture
def heard(shop: Database) -> Callable[..., list[Any]]:
    """What a consumer wrote down, in order: all of it, or the numbers of one thing."""

    def look(thing: UUID | None = None, consumer: str = "test_listener") -> list[Any]:
        with shop.reading() as session:
            rows = session.execute(
                text("SELECT thing, n FROM heard WHERE consumer = :c ORDER BY place"),
                {"c": consumer},
            ).all()
        if thing is None:
            return [(row.thing, row.n) for row in rows]
        return [row.n for row in rows if row.thing == thing]

    return look


@pytest.fixture
def power_cut_at() -> Iterator[Callable[[str], None]]:
    """Let the process die the next time it comes by a seam."""

    def arm(name: str) -> None:
        def listener(passed: str) -> None:
            if passed == name:
                seams.listen(None)
                raise PowerCut

        seams.listen(listener)

    yield arm
    seams.listen(None)


@contextmanager
def running(*workers: Relay | Consumer) -> Iterator[None]:
    """Let relays and consumers work in threads until the block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def eventually(condition: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Whether it came true before patience ran out."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
