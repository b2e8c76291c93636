"""Transactions, the shop's clock and the power seams, on a real PostgreSQL."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.platform.db import Database
from app.platform.queue import Nudge
from app.platform.seams import CallInsideTransaction, calling_out
from tests.conftest import Clock
from tests.factories import make_sku


class Recorder:
    """A queue that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[Nudge] = []

    def send(self, nudges: list[Nudge]) -> None:
        self.sent += nudges


def test_a_nudge_leaves_only_after_the_commit(db: Database) -> None:
    queue = Recorder()

    with db.transaction(queue) as session:
        session.nudge("checkout.reserve", id="one")
        session.nudge("checkout.reserve", id="one")
        before = list(queue.sent)

    assert before == []
    assert queue.sent == [Nudge(tasks=("checkout.reserve",), id="one")]


def test_a_rolled_back_act_nudges_nobody(db: Database) -> None:
    queue = Recorder()

    def break_off() -> None:
        with db.transaction(queue) as session:
            session.nudge("checkout.reserve", id="one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert queue.sent == []


def test_calling_out_inside_a_transaction_is_refused(db: Database) -> None:
    with (
        db.transaction(),
        pytest.raises(CallInsideTransaction),
        calling_out("psp.authorize"),
    ):
        raise AssertionError("the call must not be made")


def test_the_shops_clock_moves_in_a_test_database(db: Database, clock: Clock) -> None:
    with db.reading() as session:
        before = session.scalar(select(func.shop_now()))

    clock.advance(3600)

    with db.reading() as session:
        after = session.scalar(select(func.shop_now()))
    assert (after - before).total_seconds() > 3599


def test_reading_refuses_to_write(db: Database) -> None:
    with pytest.raises(Exception, match="read-only"), db.reading() as session:
        session.execute(text("DELETE FROM users"))


def test_the_ledger_refuses_to_be_rewritten(db: Database) -> None:
    with db.transaction() as session:
        make_sku(session, stock=5)

    with pytest.raises(Exception, match="append-only"), db.transaction() as session:
        session.execute(text("UPDATE inventory_ledger SET delta_available = 9"))


def test_what_people_entrusted_to_the_shop_is_not_told_by_a_failed_statement(db: Database) -> None:
    with pytest.raises(DBAPIError) as broken, db.transaction() as session:
        session.execute(text("SELECT 1 / 0 WHERE :email = :email"), {"email": "ada@example.com"})

    assert "division by zero" in str(broken.value)
    assert "ada@example.com" not in str(broken.value)
