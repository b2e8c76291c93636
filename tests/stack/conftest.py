"""The shop really running: gunicorn, Celery workers, beat, relay, consumer, the PSP and the mail
catcher as processes, PostgreSQL and Valkey beside them. Started once, for all tests of this folder.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from celery import Celery

from app.accounts.models import Merchant
from app.accounts.tokens import Tokens
from app.operations import audit
from app.platform.db import Database
from app.platform.redis import connect
from devstack.health import is_healthy
from devstack.leftovers import processes_of
from devstack.procfile import RELEASE, read_procfile
from devstack.servers.ports import free_port
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from devstack.stack import Ports, Stack, process_environment
from tests.databases import TEMPLATE
from tests.factories import make_merchant, make_shipping_rate, make_tax_rate
from tests.stack.http_client import HttpClient
from tests.stack.processes import Processes
from tests.stack.psp import Psp
from tests.stack.shop import StackShop

HERE = Path(__file__).parent
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH")
TOLD = {
    "PASSWORD_HASHING": "cheapest",
    "CHECKOUTS_PER_MINUTE": "1000000",
    "LOGINS_PER_MINUTE": "1000000",
    "REQUESTS_PER_MINUTE": "1000000",
    "ACCESS_TOKEN_SECONDS": "36000",
    "PSP_SECONDS_MAX": "4",
    "LOG_LEVEL": "WARNING",
}
LINES = ("web", "worker_checkout", "worker", "beat", "relay", "consumer")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Real processes take their time."""
    item.add_marker(pytest.mark.slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests run last: nobody else then shares the machine with the processes they start."""
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="session")
def running_stack(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[StackShop, EmbeddedValkey]]:
    """All processes of the shop, healthy, until the last test is over."""
    folder = tmp_path_factory.mktemp("stack")
    name = f"test_stack_{uuid4().hex[:12]}"
    with psycopg.connect(_plain(postgres.url("postgres")), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY wal_log")
    valkey = EmbeddedValkey(folder / "valkey", port=free_port(), durable=False)
    with valkey:
        stack, environment = _environment(folder, postgres.url(name), valkey)
        lines = [
            line
            for path in (stack.stand_ins, stack.procfile)
            for line in read_procfile(path)
            if line.name in ("stripe", "mail", *LINES) and line.name != RELEASE
        ]
        processes = Processes(lines, environment, folder)
        shop = _shop(stack, environment, processes, valkey)
        try:
            for line in lines:
                processes.start(line.name)
            shop.until(lambda: is_whole(shop), "the stack did not become healthy")
            yield shop, valkey
        finally:
            shop.close()  # first: gunicorn would wait for whoever keeps a connection
            processes.stop_all()
    assert processes_of(folder) == []


@pytest.fixture
def stack(running_stack: tuple[StackShop, EmbeddedValkey]) -> Iterator[StackShop]:
    """The running shop. Whatever a test did to it, afterwards it adds up and is whole again."""
    shop, _ = running_stack
    yield shop
    shop.psp.forget_faults()
    for name in LINES:
        if not shop.processes.is_running(name):
            shop.processes.start(name)
    shop.until(lambda: is_whole(shop), "the stack did not become healthy again")
    shop.rest()
    shop.until(lambda: shop.count_unsent_letters() == 0, "letters are missing", seconds=300)
    report = audit.of_database(shop.db)
    assert not report.breaches, "\n".join(map(str, report.breaches))


@pytest.fixture
def valkey_of_stack(running_stack: tuple[StackShop, EmbeddedValkey]) -> Iterator[EmbeddedValkey]:
    """The stack's own Redis, to be taken away; it is back when the test is over.

    A Celery worker that loses its broker with a task in hand may end instead of connecting again
    (kombu cannot give the task back), so the processes are supervised meanwhile, as in production.
    """
    shop, valkey = running_stack
    shop.is_supervised = True
    yield valkey
    valkey.start()
    shop.until(lambda: is_whole(shop), "the stack did not become whole again")
    shop.is_supervised = False


def _environment(
    folder: Path, database: str, valkey: EmbeddedValkey
) -> tuple[Stack, dict[str, str]]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    ports = Ports(*(free_port() for _ in range(4)))
    stack = Stack(ports, folder=folder, environment=kept | TOLD)
    return stack, process_environment(
        stack,
        database=database,
        redis=valkey.url(),
        broker=valkey.url(1),
        smtp_port=free_port(),
    )


def _shop(
    stack: Stack, environment: dict[str, str], processes: Processes, valkey: EmbeddedValkey
) -> StackShop:
    database = Database(environment["DATABASE_URL"], pool_size=5)
    redis = connect(environment["REDIS_URL"])
    secret = environment["SECRET_KEY"]
    info: dict[str, Any] = {**stack.addresses, "database": environment["DATABASE_URL"]}
    return StackShop(
        folder=stack.folder,
        processes=processes,
        client=HttpClient(stack.addresses["api"]),
        mail=HttpClient(stack.addresses["mail"]),
        psp=Psp(stack.addresses["psp"], environment["STRIPE_API_KEY"]),
        db=database,
        redis=redis,
        broker=connect(environment["BROKER_URL"]),
        queue=_queue(environment["BROKER_URL"]),
        tokens=Tokens(secret, access_seconds=36_000),
        gate=StackShop.gate_of(redis, database),
        merchant=_furnish(database),
        info=info,
    )


def _queue(broker: str) -> Celery:
    """A sender of nudges beside the shop's own, on the same broker."""
    queue = Celery("tests", broker=broker, set_as_current=False)
    queue.conf.update(
        broker_transport_options={"global_keyprefix": "shop:"},
        task_ignore_result=True,
        result_backend=None,
    )
    return queue


def _furnish(database: Database) -> Merchant:
    """A merchant in Berlin: 19 % VAT in the price, 4.90 to send."""
    with database.transaction() as session:
        merchant = make_merchant(session)
        make_shipping_rate(session, merchant=merchant)
        make_tax_rate(session)
        return merchant


def is_whole(shop: StackShop) -> bool:
    """Whether every part of the stack answers."""
    urls = (f"{shop.info['api']}/readyz", f"{shop.info['psp']}/", f"{shop.info['mail']}/")
    return all(map(is_healthy, urls)) and shop.are_listening("checkout", "worker")


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
