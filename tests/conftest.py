"""Real servers for every test: PostgreSQL built by the migrations, a Valkey, a clock we set."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from flask.testing import FlaskClient

from app import wiring
from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.operations import audit
from app.platform import db as db_module
from app.platform.db import Database
from app.platform.redis import ShopRedis, connect
from app.wiring import Providers
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import RunningServer, serve
from tests import engines
from tests.databases import TEMPLATE, lend
from tests.doors import door

os.environ.setdefault("PYTHONWARNINGS", "")
ROOT = Path(__file__).resolve().parent.parent
WEBHOOK_SECRET = "whsec_of_these_tests"
CARRIER_SECRET = "whsec_b2YgdGhlc2UgdGVzdHMgYW5kIG5vIG90aGVycw=="


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db_module, "create_engine", engines.create)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server for this process, with a template database made by the migrations."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        with psycopg.connect(_plain(server.url("postgres")), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {TEMPLATE}")
        config = Config(str(ROOT / "migrations" / "alembic.ini"))
        config.set_main_option("script_location", str(ROOT / "migrations"))
        config.set_main_option("sqlalchemy.url", server.url(TEMPLATE))
        command.upgrade(config, "head")
        yield server


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of its own for this test, as the migrations make it."""
    with lend(postgres) as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """The shop's database, empty."""
    database = Database(database_url, pool_size=5)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """One Valkey for this process."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey"), durable=False) as server:
        yield server


@pytest.fixture
def redis_url(valkey: EmbeddedValkey) -> str:
    """Where the Valkey of this test answers; emptied before."""
    url = valkey.url()
    client = connect(url)
    client.flushall()
    client.script_flush()
    client.close()
    return url


@pytest.fixture
def redis(redis_url: str) -> Iterator[ShopRedis]:
    """A client of the emptied Valkey."""
    client = connect(redis_url)
    yield client
    client.close()


class Clock:
    """The shop's time: moves `shop_now()` for every connection opened from now on."""

    def __init__(self, url: str, db: Database) -> None:
        self._url, self._db, self._seconds = url, db, 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass for the whole test database; pooled connections are renewed."""
        self._seconds += seconds
        name = self._url.rsplit("/", 1)[1]
        with psycopg.connect(_plain(self._url), autocommit=True) as admin:
            admin.execute(
                f"ALTER DATABASE {name} SET shop.clock_offset = '{self._seconds} seconds'"
            )
        self._db.dispose()


@pytest.fixture
def clock(database_url: str, db: Database) -> Clock:
    """A clock that can be moved."""
    return Clock(database_url, db)


@pytest.fixture(autouse=True)
def audited(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did, at its end every invariant PostgreSQL answers for still holds.

    Tests marked `unaudited` have rows in the tables that no act of the shop would have written; the
    breaches the marker names come of them, without names any.
    """
    mark = request.node.get_closest_marker("unaudited")
    if "database_url" not in request.fixturenames or (mark and not mark.args):
        yield
        return
    url: str = request.getfixturevalue("database_url")
    yield
    database = Database(url, pool_size=1)
    try:
        report = audit.of_database(database)
    finally:
        database.dispose()
    expected = mark.args if mark else ()
    breaches = [each for each in report.breaches if each.name not in expected]
    assert not breaches, "\n".join(map(str, breaches))


@pytest.fixture
def psp() -> Iterator[RunningServer]:
    """The Stripe emulator, in this process, on a port of its own."""
    with serve(StripeEmulator(webhook_secret=WEBHOOK_SECRET)) as server:
        yield server


@pytest.fixture
def queue() -> InlineQueue:
    """Nudges wait here until `drain` runs the real tasks in this process."""
    return workers()


def workers() -> InlineQueue:
    """The real tasks behind their names. They are imported with an environment that is taken away
    again: tests hand over providers, and no process that a test starts may inherit it."""
    given = {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "only so that the tasks can be imported",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        from tasks import celery

        celery.loader.import_default_modules()
    return InlineQueue({name: task for name, task in celery.tasks.items() if "celery" not in name})


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """The environment of this test: its own servers, the cheapest passwords, generous limits."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        files_url=(tmp_path / "files").as_uri(),
        carrier_webhook_secret=CARRIER_SECRET,
        secret_key="a secret for tests, longer than 32 characters",
        password_hashing="cheapest",
        checkouts_per_minute=1_000_000,
        logins_per_minute=1_000_000,
        letters_per_hour=1_000_000,
        requests_per_minute=1_000_000,
        log_level="WARNING",
    )


@pytest.fixture
def providers(
    settings: Settings, db: Database, redis: ShopRedis, queue: InlineQueue
) -> Iterator[Providers]:
    """What the doors of this test hand to the core."""
    wired = wiring.build(settings, queue=queue, db=db, redis=redis)
    wiring.use(wired)
    yield wired
    wiring.use(None)


@pytest.fixture
def app(providers: Providers) -> Flask:
    """The web door of this test."""
    return door()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A caller of the web door."""
    return app.test_client()


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
