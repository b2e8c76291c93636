"""A shop that can die and be started again on the same PostgreSQL, Valkey and PSP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import wiring
from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.config import Settings
from app.inventory.models import Inventory
from app.orders.models import Order
from app.payments.models import Payment
from app.platform.db import Database
from app.platform.ids import encode
from app.saga.sweep import sweep
from app.wiring import Providers
from devstack.servers.postgres import EmbeddedPostgres
from devstack.stripe.server import RunningServer
from tests.conftest import WEBHOOK_SECRET, Clock
from tests.crash.power import Power
from tests.databases import lend
from tests.doors import door
from tests.factories import ADDRESS
from tests.journeys.conftest import furnish

UNITS = 10


@dataclass
class World:
    """One database, one Valkey, one PSP; the shop's process comes and goes."""

    settings: Settings
    psp: RunningServer
    tasks: dict[str, Callable[[str], object]]
    sku: Sku
    cart: dict[str, Any] = field(default_factory=dict)
    providers: Providers = field(init=False)
    client: FlaskClient = field(init=False)
    queue: InlineQueue = field(init=False)

    def start(self) -> None:
        """A new process: no connection, no nudge and no memory of the one before."""
        self.queue = InlineQueue(self.tasks)
        self.providers = wiring.build(self.settings, queue=self.queue)
        wiring.use(self.providers)
        self.client = door().test_client()

    def stop(self) -> None:
        """Let go of every connection."""
        self.providers.db.dispose()
        self.providers.redis.close()
        wiring.use(None)

    @property
    def db(self) -> Database:
        """The database of the process that runs now."""
        return self.providers.db

    def power(self, *, cut_at: int | None) -> Power:
        """The switch of this process."""
        return Power(self.db.engine, cut_at=cut_at)

    def fill_cart(self, qty: int = 2) -> None:
        """A guest's cart, made before the power fails."""
        body = {"sku_id": encode("sku", self.sku.id), "qty": qty}
        answer = self.client.post("/v1/cart", json=body)
        self.cart = dict(answer.json or {})

    def buy(self, token: str) -> TestResponse:
        """What the shopper sends, and sends again when no answer came: the same key."""
        body = {
            "cart_id": self.cart["id"],
            "shipping_address": ADDRESS,
            "payment_method_token": token,
            "email": "ada@example.com",
        }
        headers = {"X-Cart-Token": self.cart["token"], "Idempotency-Key": "the-one-purchase"}
        return self.client.post("/v1/checkout", json=body, headers=headers)

    def post(self, path: str, **body: Any) -> TestResponse:
        """Any other call of the shopper."""
        return self.client.post(
            path, json=body or None, headers={"X-Cart-Token": self.cart["token"]}
        )

    def sweep(self) -> None:
        """What beat starts each second, and what comes of it."""
        with self.db.transaction(self.queue) as session:
            sweep(session)
        self.queue.drain()
        self.providers.gate.load_dirty(limit=100)

    def settle(self, *, rounds: int = 6, seconds: float = 20) -> None:
        """Let time pass with the sweep running, until nothing moves any more."""
        clock = Clock(self.settings.database_url, self.db)
        for _ in range(rounds):
            self.sweep()
            if not self._moving():
                return
            clock.advance(seconds)

    def checkouts(self) -> list[Checkout]:
        """All there are."""
        with self.db.reading() as session:
            return list(session.scalars(select(Checkout).order_by(Checkout.id)))

    def orders(self) -> list[Order]:
        """All there are, confirmed or not."""
        with self.db.reading() as session:
            return list(session.scalars(select(Order)))

    def payments(self) -> list[Payment]:
        """All there are."""
        with self.db.reading() as session:
            return list(session.scalars(select(Payment)))

    def stock(self) -> tuple[int, int]:
        """Available and reserved."""
        with self.db.reading() as session:
            row = session.scalars(select(Inventory)).one()
            return row.stock_available, row.stock_reserved

    def intents(self) -> list[str]:
        """The statuses of all intents at the PSP."""
        counts: dict[str, int] = self.psp.emulator.state()["payment_intents"]
        return sorted(status for status, count in counts.items() for _ in range(count))

    def _moving(self) -> bool:
        return any(row.state in ("running",) for row in self.checkouts())


@contextmanager
def new_world(
    postgres: EmbeddedPostgres,
    redis_url: str,
    psp: RunningServer,
    tasks: dict[str, Callable[[str], object]],
    settings: Settings,
) -> Iterator[World]:
    """An untouched shop with ten units of one SKU, torn down afterwards."""
    with lend(postgres) as url:
        psp.emulator.reset()
        here = settings.model_copy(
            update={
                "database_url": url,
                "redis_url": redis_url,
                "stripe_api_base": psp.url,
                "stripe_api_key": SecretStr("sk_test_crash"),
                "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
                "psp_seconds_max": 2.0,
            }
        )
        first = Database(here.database_url)
        with first.transaction() as session:
            sku = furnish(session, stock=UNITS)
        first.dispose()
        world = World(here, psp, tasks, sku)
        world.start()
        world.providers.redis.flushall()
        world.providers.redis.script_flush()
        try:
            yield world
        finally:
            world.stop()
