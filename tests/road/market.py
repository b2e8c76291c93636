"""A market of two merchants and two customers: orders of both, from purchase to the last cent."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app import wiring
from app.accounts.models import Role
from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.config import Settings
from app.events.consumer import Consumer
from app.events.relay import Relay
from app.inventory.models import Inventory
from app.operations import audit
from app.orders.models import Order
from app.payments.models import Payment, Refund
from app.payments.ports import Hold
from app.platform.db import Database, ShopSession
from app.platform.ids import decode, encode
from app.pricing.states import PromotionKind
from app.saga import incidents, registry
from app.saga.states import LIVE
from app.saga.sweep import sweep
from app.wiring import Providers
from devstack.servers.postgres import EmbeddedPostgres
from devstack.stripe.server import RunningServer
from tests.conftest import WEBHOOK_SECRET, Clock
from tests.databases import lend
from tests.doors import door
from tests.factories import (
    ADDRESS,
    make_coupon,
    make_merchant,
    make_shipping_rate,
    make_sku,
    make_tax_rate,
    make_user,
    make_warehouse,
    put_stock,
)

# Of each SKU: its merchant, its price, and what lies in the near and the far warehouse.
GOODS = {
    "boot": ("alder", 4_999, (3, 7)),
    "sock": ("alder", 333, (10, 0)),
    "lamp": ("birch", 12_345, (10, 0)),
}
SELLERS = ("alder", "birch")


@dataclass
class Market:
    """The shop's process comes and goes; PostgreSQL, Valkey and the PSP stay."""

    settings: Settings
    psp: RunningServer
    tasks: dict[str, Callable[[str], object]]
    skus: dict[str, UUID]
    merchants: dict[str, UUID]
    people: dict[str, Any]
    ahead: list[float] = field(default_factory=lambda: [0.0])
    buyers: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    wired: Providers = field(init=False)
    client: FlaskClient = field(init=False)
    queue: InlineQueue = field(init=False)

    def start(self) -> None:
        """A new process: no connection, no nudge and no memory of the one before."""
        self.queue = InlineQueue(self.tasks)
        self.wired = wiring.build(self.settings, queue=self.queue)
        wiring.use(self.wired)
        self.client = door().test_client()

    def stop(self) -> None:
        """Let go of every connection."""
        self.wired.db.dispose()
        self.wired.redis.close()
        wiring.use(None)

    @property
    def db(self) -> Database:
        """The database of the process that runs now."""
        return self.wired.db

    def post(self, who: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Somebody sends something; every answer is a success or a problem, never a 5xx."""
        sent = {} if body is None else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.post(path, headers=self._proof(who) | named, **sent)
        assert answer.status_code < 500 or answer.status_code == 503, answer.json
        return answer

    def patch(self, who: str, path: str, body: Any) -> None:
        """Somebody changes what is theirs."""
        answer = self.client.patch(path, headers=self._proof(who), json=body)
        assert answer.status_code == 200, answer.json

    def get(self, who: str, path: str) -> dict[str, Any]:
        """Somebody looks at what is theirs."""
        answer = self.client.get(path, headers=self._proof(who))
        assert answer.status_code == 200, answer.json
        return dict(answer.json or {})

    def buy(
        self,
        units: Mapping[str, int],
        *,
        who: str = "customer",
        card: str = "pm_card_visa",
        **given: Any,
    ) -> str:
        """A customer buys; gives the confirmed order's id."""
        cart_id = ""
        for name, qty in units.items():
            body = {"sku_id": encode("sku", self.skus[name]), "qty": qty}
            answer = self.post(who, "/v1/cart", body)
            assert answer.status_code in (200, 201), answer.json
            cart_id = answer.json["id"]
        body = {"cart_id": cart_id, "shipping_address": ADDRESS, "payment_method_token": card}
        answer = self.post(who, "/v1/checkout", body | given)
        assert answer.status_code == 202, answer.json
        self.work()
        self.settle()
        checkout = self.get(who, f"/v1/checkout/{answer.json['id']}")
        assert checkout["state"] == "confirmed", checkout
        order_id = str(checkout["order_id"])
        self.buyers[order_id] = who
        return order_id

    def coupon(self, kind: PromotionKind, rule: dict[str, int]) -> str:
        """A coupon for everything on the market; gives its code."""
        with self.db.transaction() as session:
            return make_coupon(session, kind=kind, rule=rule).code

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as its customer sees it."""
        return self.get(self.buyers[order_id], f"/v1/orders/{order_id}")

    def line_numbers(self, order_id: str) -> dict[str, int]:
        """The line each thing stands in; that never changes."""
        if order_id not in self.numbers:
            names = {encode("sku", sku): name for name, sku in self.skus.items()}
            items = self.order(order_id)["items"]
            self.numbers[order_id] = {names[item["sku_id"]]: item["line"] for item in items}
        return self.numbers[order_id]

    def lines(self, order_id: str, units: Mapping[str, int]) -> list[dict[str, int]]:
        """Units by name as the API wants them, by line."""
        numbers = self.line_numbers(order_id)
        return [{"line": numbers[name], "qty": qty} for name, qty in units.items()]

    def left(self, seller: str, order_id: str) -> dict[str, int]:
        """Units of a seller's things still to be shipped, as it sees them; of an order without
        any of its things, none."""
        mine = [name for name in self.line_numbers(order_id) if GOODS[name][0] == seller]
        if not mine:
            return {}
        items = self.get(seller, f"/v1/merchant/orders/{order_id}")["items"]
        left = {item["line"]: item["left"] for item in items}
        return {name: left[self.line_numbers(order_id)[name]] for name in mine}

    def ship(
        self, seller: str, order_id: str, units: Mapping[str, int] | None = None, **given: Any
    ) -> TestResponse:
        """A merchant sends units, or all that is left; nothing has run yet."""
        body = {} if units is None else {"lines": self.lines(order_id, units)}
        return self.post(seller, f"/v1/orders/{order_id}/shipments", body | given)

    def refund(
        self, who: str, order_id: str, units: Mapping[str, int] | None = None, **given: Any
    ) -> TestResponse:
        """Somebody gives money back; nothing has run yet."""
        body = {} if units is None else {"lines": self.lines(order_id, units)}
        return self.post(who, f"/v1/orders/{order_id}/refunds", body | given)

    def work(self) -> None:
        """Let the workers do all that is waiting."""
        self.queue.drain()

    def publish(self) -> None:
        """Let orders hear what has happened, and do what comes of it."""
        wired = self.wired
        Relay(wired.db, wired.bus).publish_all()
        Consumer(
            "orders", db=wired.db, bus=wired.bus, queue=self.queue, incidents=incidents
        ).catch_up()
        self.work()

    def sweep(self) -> None:
        """What beat starts each second, and what comes of it."""
        with self.db.transaction(self.queue) as session:
            sweep(session)
        self.queue.drain()
        self.wired.gate.load_dirty(limit=100)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, at the provider too."""
        self.ahead[0] += seconds
        clock = Clock(self.settings.database_url, self.db)
        clock._seconds = self.ahead[0] - seconds
        clock.advance(seconds)

    def settle(self, *, rounds: int = 60, seconds: float = 31) -> None:
        """Trouble is over: time passes with the sweep running until nothing moves any more."""
        self.psp.emulator.faults.clear()
        for _ in range(rounds):
            self.sweep()
            self.tasks["payments.apply_events"]()  # type: ignore[call-arg]
            self.queue.drain()
            if not self.moving():
                return
            self.pass_time(seconds)
        raise AssertionError(f"still moving: {self.moving()}")

    def moving(self) -> list[str]:
        """The sagas that are not at an end and wait for nobody."""
        with self.db.reading() as session:
            return [
                f"{saga.kind} at {row.step}"
                for saga in registry.sagas()
                for row in session.scalars(select(saga.model).where(saga.model.state.in_(LIVE[:1])))
            ]

    def payment(self, order_id: str) -> Payment:
        """The payment of an order."""
        with self.db.reading() as session:
            return session.scalars(
                select(Payment).where(Payment.order_id == decode("ord", order_id))
            ).one()

    def hold(self, order_id: str) -> Hold:
        """The same money in the provider's own books."""
        reference = self.payment(order_id).psp_ref
        assert reference is not None
        return self.wired.payments.retrieve(reference)

    def row(self, order_id: str) -> Order:
        """The order's row."""
        with self.db.reading() as session:
            return session.get_one(Order, decode("ord", order_id))

    def released(self, order_id: str) -> int:
        """What was held for units that will never be sent."""
        with self.db.reading() as session:
            total = session.scalar(
                select(func.coalesce(func.sum(Refund.released), 0)).where(
                    Refund.order_id == decode("ord", order_id), Refund.state == "confirmed"
                )
            )
            return int(total or 0)

    def stock(self, name: str) -> tuple[int, int]:
        """Available and reserved, in all warehouses."""
        with self.db.reading() as session:
            row = session.execute(
                select(
                    func.sum(Inventory.stock_available), func.sum(Inventory.stock_reserved)
                ).where(Inventory.sku_id == self.skus[name])
            ).one()
            return int(row[0]), int(row[1])

    def assert_whole(self) -> None:
        """Every invariant PostgreSQL answers for."""
        report = audit.of_database(self.db)
        assert not report.breaches, "\n".join(map(str, report.breaches))

    def _proof(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.wired.tokens.issue(self.people[who])}"}


def furnish(session: ShopSession) -> tuple[dict[str, UUID], dict[str, UUID], dict[str, Any]]:
    """The goods, the merchants and the people of the market."""
    merchants: dict[str, UUID] = {}
    skus: dict[str, Sku] = {}
    far: dict[str, UUID] = {}
    for name in SELLERS:
        merchant = make_merchant(session, name=name.title())
        make_shipping_rate(session, merchant=merchant)
        far[name] = make_warehouse(session, merchant_id=merchant.id, name="Far", priority=90).id
        merchants[name] = merchant.id
        for title, (seller, price, (here, there)) in GOODS.items():
            if seller != name:
                continue
            skus[title] = make_sku(session, merchant=merchant, stock=here, price=price)
            if there:
                put_stock(session, sku=skus[title], warehouse_id=far[name], qty=there)
    make_tax_rate(session)
    people = {
        name: make_user(session, role=Role.MERCHANT, merchant_id=merchant_id)
        for name, merchant_id in merchants.items()
    }
    people |= {"customer": make_user(session), "neighbor": make_user(session)}
    people["ops"] = make_user(session, role=Role.OPS)
    return {title: sku.id for title, sku in skus.items()}, merchants, people


@contextmanager
def opened(
    postgres: EmbeddedPostgres,
    redis_url: str,
    psp: RunningServer,
    tasks: dict[str, Callable[[str], object]],
    settings: Settings,
    ahead: list[float],
) -> Iterator[Market]:
    """An untouched market, torn down afterwards."""
    with lend(postgres) as url:
        psp.emulator.reset()
        ahead[0] = 0.0
        here = settings.model_copy(
            update={
                "database_url": url,
                "redis_url": redis_url,
                "stripe_api_base": psp.url,
                "stripe_api_key": SecretStr("sk_test_market"),
                "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
                "psp_seconds_max": 20.0,
            }
        )
        first = Database(here.database_url)
        with first.transaction() as session:
            furnished = furnish(session)
        first.dispose()
        market = Market(here, psp, tasks, *furnished, ahead)
        market.start()
        market.wired.redis.flushall()
        market.wired.redis.script_flush()
        try:
            yield market
        finally:
            market.stop()


def now() -> float:
    """The wall's time, for the provider."""
    return time.time()
