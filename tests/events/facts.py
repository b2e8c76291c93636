"""Facts and consumers of the tests: what they hear is written to the table `heard`."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.events.registry import event, on
from app.platform.db import ShopSession


@event("test.counted", topic="tests", key="thing_id")
@dataclass(frozen=True)
class Counted:
    """Thing so-and-so was counted for the n-th time."""

    thing_id: UUID
    n: int


@event("test.whispered", topic="tests", key="thing_id")
@dataclass(frozen=True)
class Whispered:
    """Nobody reacts to this one."""

    thing_id: UUID


@event("test.moved", topic="other_tests", key="thing_id")
@dataclass(frozen=True)
class Moved:
    """A fact of another topic."""

    thing_id: UUID
    n: int


class Refused(Exception):
    """What the reaction raises while its thing stands in the table `broken`."""


@on(Counted, consumer="test_listener")
@on(Moved, consumer="test_listener")
def write_down(session: ShopSession, fact: Counted | Moved) -> None:
    """Write it down; with the thing broken, only after having written and nudged."""
    values = {"consumer": "test_listener", "thing": fact.thing_id, "n": fact.n}
    session.execute(text("INSERT INTO heard VALUES (:consumer, :thing, :n)"), values)
    session.nudge("test.heard", id=fact.thing_id)
    broken = text("SELECT 1 FROM broken WHERE thing = :thing AND n = :n")
    if session.execute(broken, values).first():
        raise Refused(f"{fact.n} will not be heard")


@on(Counted, consumer="test_second_listener")
def write_down_too(session: ShopSession, fact: Counted) -> None:
    """A second consumer of the same facts."""
    session.execute(
        text("INSERT INTO heard VALUES ('test_second_listener', :thing, :n)"),
        {"thing": fact.thing_id, "n": fact.n},
    )
