"""`flask events …` as an operator runs it: real processes, real servers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from app import create_app, wiring
from app.events.models import OutboxEvent
from app.events.outbox import announce
from app.events.relay import Relay
from app.notifications.models import Notification
from app.orders.events import OrderConfirmed
from app.orders.states import OrderState
from app.platform.db import Database
from app.platform.ids import new_id
from devstack.servers.ports import free_port
from tests.conftest import ROOT
from tests.events.conftest import eventually
from tests.factories import make_order

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong",
    "order_not_paid_once",
    "order_unlike_checkout",
    "saga_unlike_journal",
    "state_not_journaled",
)


@pytest.fixture
def environment(database_url, redis_url):
    """What a process of the shop is told, with nothing of this one's."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_URL": redis_url,
        "EVENTS_URL": "",
        "MAIL_URL": "",
        "SECRET_KEY": "a secret for tests, longer than 32 characters",
        "PYTHONWARNINGS": "ignore",
    }


def flask(*words):
    return [sys.executable, "-m", "flask", "--app", "wsgi", "events", *words]


@contextmanager
def process(environment, *words) -> Iterator[subprocess.Popen]:
    """A process told to stop at the end of the block, as a runner would."""
    child = subprocess.Popen(
        flask(*words), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield child
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=30)
    finally:
        child.kill()
        child.communicate()


def confirm(db):
    with db.transaction() as session:
        order = make_order(session, number=f"C-{new_id().hex[-8:]}", state=OrderState.CONFIRMED)
        announce(session, OrderConfirmed(order.id, order.number, order.checkout_id))


def count(db, table, *where):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))


@pytest.mark.slow
def test_relay_and_consumer_carry_a_confirmed_order_to_its_letter_and_stop_cleanly(db, environment):
    with process(environment, "relay") as relay, process(environment, "consume") as consumer:
        confirm(db)
        queued = eventually(lambda: count(db, Notification) == 1, seconds=60)

    assert queued
    assert (relay.returncode, consumer.returncode) == (0, 0)


@pytest.mark.slow
def test_a_relay_killed_at_once_is_followed_by_the_next(db, environment, clock):
    confirm(db)
    with process(environment, "relay") as first:
        eventually(lambda: count(db, OutboxEvent, OutboxEvent.position.is_not(None)) == 1)
        first.kill()
        first.wait()
    confirm(db)
    clock.advance(60)

    with process(environment, "relay"):
        done = eventually(
            lambda: count(db, OutboxEvent, OutboxEvent.published_at.is_not(None)) == 2, seconds=60
        )

    assert done


def test_the_status_shows_consumers_and_what_waits(db, app):
    confirm(db)

    shown = app.test_cli_runner().invoke(args=["events", "status"])

    assert shown.exit_code == 0
    assert "outbox: 1 waiting" in shown.output
    assert "notifications" in shown.output


def test_a_replay_tells_how_much_lies_ahead(db, app, providers):
    confirm(db)
    confirm(db)
    Relay(db, providers.bus).publish_all()

    shown = app.test_cli_runner().invoke(
        args=["events", "replay", "--from", "2", "--consumer", "notifications"]
    )

    assert shown.exit_code == 0
    assert shown.output == "notifications goes on from position 2: 1 events ahead.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("replay", "--from", "1", "--consumer", "nobody"),
        ("replay", "--from", "0", "--consumer", "notifications"),
        ("replay", "--from", "yesterday", "--consumer", "notifications"),
        ("consume", "--consumer", "nobody"),
    ],
)
def test_a_wrong_word_gets_one_clear_line(app, words):
    shown = app.test_cli_runner().invoke(args=["events", *words])

    assert shown.exit_code in (1, 2)
    assert shown.output.strip().splitlines()[-1].startswith("Error: ")


def test_a_database_that_is_away_gets_one_clear_line(settings, redis, queue):
    nowhere = Database(f"postgresql+psycopg://shop@127.0.0.1:{free_port()}/none")
    wiring.use(wiring.build(settings, queue=queue, db=nowhere, redis=redis))

    shown = create_app().test_cli_runner().invoke(args=["events", "status"])
    wiring.use(None)

    assert shown.exit_code == 1
    assert shown.output == "Error: The database does not answer.\n"
