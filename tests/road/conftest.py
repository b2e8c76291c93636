"""The market, opened for one test or for many in a row."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from devstack.servers.postgres import EmbeddedPostgres
from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import RunningServer, serve
from tests.conftest import WEBHOOK_SECRET
from tests.road.market import Market, now, opened

Fresh = Callable[[], AbstractContextManager[Market]]


@pytest.fixture
def ahead() -> list[float]:
    """By how many seconds the provider's clock is ahead; it goes with the shop's."""
    return [0.0]


@pytest.fixture
def psp(ahead: list[float]) -> Iterator[RunningServer]:
    """The emulator, living in the shop's time."""
    emulator = StripeEmulator(webhook_secret=WEBHOOK_SECRET, now=lambda: now() + ahead[0])
    with serve(emulator) as server:
        yield server


@pytest.fixture
def fresh(
    postgres: EmbeddedPostgres,
    redis_url: str,
    psp: RunningServer,
    queue: InlineQueue,
    settings: Settings,
    ahead: list[float],
    tmp_path: Path,
) -> Fresh:
    """Opens untouched markets, one after the other."""
    here = settings.model_copy(update={"files_url": tmp_path.as_uri()})
    return lambda: opened(postgres, redis_url, psp, queue.tasks, here, ahead)


@pytest.fixture
def market(fresh: Fresh) -> Iterator[Market]:
    """One market, whose every invariant holds afterwards."""
    with fresh() as market:
        yield market
        market.assert_whole()
