"""What the audit says of letters that were not written, and of facts nobody told."""

import pytest
from sqlalchemy import text

from app.events.outbox import announce
from app.notifications.letters import LETTERS as LETTER_KINDS
from app.operations.invariants.letters import LETTERS
from tests.notifications.world import FACTS, make_world

pytestmark = pytest.mark.unaudited


@pytest.fixture
def world(db, react):
    """An order whose refunds and return were told of, and whose letters are written."""
    with db.transaction() as session:
        world = make_world(session)
        told = [fact(world) for name, fact in FACTS.items() if name != "return_refused"]
        announce(
            session, *told, type(FACTS["order_refunded"](world))(world.order.id, world.repaid.id)
        )
        session.execute(text("UPDATE returns SET received_at = shop_now()"))
    react()
    react()
    return world


def broken(db, *statements):
    """The names of what is broken after these statements, which are undone."""
    with db.transaction() as session:
        nested = session.begin_nested()
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))
        names = [breach.name for check in LETTERS for breach in check(session, 100)]
        nested.rollback()
    return names


def test_nothing_is_broken_where_everything_was_told_and_written(db, world):
    assert broken(db) == []


def test_a_letter_that_was_never_written_is_found(db, world):
    for template, kind in LETTER_KINDS.items():
        if kind.prefix in (None, "usr") or template == "return_refused":
            continue
        found = broken(db, f"DELETE FROM notifications WHERE template = '{template}'")

        assert set(found) == {"letter_missing"}, template


def test_a_refund_nobody_told_of_is_found(db, world):
    statement = (
        "DELETE FROM outbox WHERE type = 'refund.settled'"
        f" AND payload -> 'data' ->> 'refund_id' = '{world.repaid.id}'"
    )

    assert broken(db, statement) == ["refund_not_announced"]


@pytest.mark.parametrize("state", ["canceled", "expired"])
def test_a_return_that_came_to_nothing_and_nobody_told_of_is_found(db, world, state):
    statements = (
        f"UPDATE returns SET state = '{state}'",
        f"DELETE FROM outbox WHERE type = 'return.{state}'",
    )

    assert broken(db, *statements) == ["return_not_announced"]


def test_a_refund_that_failed_and_nobody_told_of_is_found(db, world):
    statement = f"UPDATE refunds SET state = 'failed' WHERE id = '{world.refund.id}'"

    assert broken(db, statement) == ["refund_not_announced"]


@pytest.mark.parametrize("part", ["requested", "approved", "received", "refunded"])
def test_a_return_nobody_told_of_is_found(db, world, part):
    assert broken(db, f"DELETE FROM outbox WHERE type = 'return.{part}'") == [
        "return_not_announced"
    ]


def test_no_letter_about_stock_is_missed_where_nobody_would_read_it(db, world):
    statements = (
        "DELETE FROM notifications WHERE template = 'low_stock'",
        "UPDATE users SET erased_at = shop_now() WHERE role = 'merchant'",
    )

    assert broken(db, *statements) == []
