"""A furnished shop and everyone who may stand at its door, each with something of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import wiring
from app.accounts.models import Role, User
from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.config import Settings
from app.inventory.models import Warehouse
from app.operations import audit
from app.platform.db import ShopSession
from app.platform.ids import encode
from app.wiring import Providers
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import RunningServer, serve
from tests.conftest import WEBHOOK_SECRET, workers
from tests.databases import lend
from tests.doors import door
from tests.factories import ADDRESS, make_sku, make_user
from tests.journeys.conftest import furnish

PASSWORD = "correct horse battery"
BARN = {"name": "Bo Barn", "line1": "Barn Road 1", "phone": ""}


@dataclass
class Person:
    """Whoever calls: what proves it, the ids of what is theirs, of more of the same kinds, and what
    they say where a path ends in a word."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    says: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Ask."""
        return self.client.get(path, headers=self._with(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send JSON."""
        sent = {} if body is None else {"json": body}
        return self.client.post(path, headers=self._with(headers), **sent)

    def patch(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a change."""
        return self.client.patch(path, json=body, headers=self._with(headers))

    def delete(self, path: str, **headers: str) -> TestResponse:
        """Take away."""
        return self.client.delete(path, headers=self._with(headers))

    def cart(self, sku_id: str, qty: int = 1) -> dict[str, Any]:
        """Put units into the cart; a guest keeps the token of a new one."""
        answer = self.post("/v1/cart", {"sku_id": sku_id, "qty": qty})
        assert answer.status_code in (200, 201), answer.json
        body = dict(answer.json or {})
        if "token" in body:
            self.headers = {"X-Cart-Token": body["token"]}
        self.ids["cart_id"] = body["id"]
        return body

    def buy(self, token: str = "pm_card_visa", **given: Any) -> TestResponse:
        """Post the checkout of the cart; nothing has run yet."""
        key = {"Idempotency-Key": given.pop("key")} if "key" in given else {}
        body = {"cart_id": self.ids["cart_id"], "shipping_address": ADDRESS}
        body |= {"payment_method_token": token, "email": "ada@example.com"}
        answer = self.client.post("/v1/checkout", json=body | given, headers=self.headers | key)
        if answer.status_code in (201, 202):
            self.ids["checkout_id"] = (answer.json or {})["id"]
        return answer

    def _with(self, headers: dict[str, str]) -> dict[str, str]:
        return self.headers | {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Street:
    """The shop, its workers and its people."""

    wired: Providers
    queue: InlineQueue
    client: FlaskClient
    sku: Sku
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def sku_id(self) -> str:
        """The boot everybody buys."""
        return encode("sku", self.sku.id)

    def person(self, role: Role, *, merchant_id: UUID | None = None) -> Person:
        """Somebody of this role, signed in."""
        hashed = self.wired.passwords.hash(PASSWORD)
        with self.wired.db.transaction() as session:
            user = make_user(session, role=role, merchant_id=merchant_id, password_hash=hashed)
        return Person(self.client, self._proof(user), {"user_id": encode("usr", user.id)})

    def visitor(self) -> Person:
        """A guest with a cart, about to buy."""
        guest = Person(self.client)
        guest.cart(self.sku_id)
        return guest

    def buyer(self, person: Person) -> Person:
        """The same person with a paid order, and a second cart."""
        person.cart(self.sku_id)
        person.buy()
        self.queue.drain()
        seen = person.get(f"/v1/checkout/{person.ids['checkout_id']}").json or {}
        assert seen["state"] == "confirmed", seen
        person.ids["order_id"] = seen["order_id"]
        if "X-Cart-Token" not in person.headers:
            person.cart(self.sku_id)
        return person

    def _proof(self, user: User) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.wired.tokens.issue(user)}"}


def paying(settings: Settings, psp: RunningServer) -> Settings:
    """The settings of a shop that pays through the emulator."""
    return settings.model_copy(
        update={
            "stripe_api_base": psp.url,
            "stripe_api_key": SecretStr("sk_test_door"),
            "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
            "psp_seconds_max": 5.0,
        }
    )


def street(wired: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop of two merchants, a guest and a customer who bought, a merchant of each, and ops."""
    with wired.db.transaction() as session:
        sku = furnish(session, stock=1_000)
        other = make_sku(session, stock=10)
        places = _warehouses(session, sku, other)
    shop = Street(wired, queue, client, sku)
    merchant = shop.person(Role.MERCHANT, merchant_id=sku.merchant_id)
    rival = shop.person(Role.MERCHANT, merchant_id=other.merchant_id)
    merchant.ids |= (
        {"warehouse_id": places[sku.id]} | _of(sku) | _kept_by(merchant) | _set_by(merchant)
    )
    rival.ids |= {"warehouse_id": places[other.id]} | _of(other)
    shop.people = {
        "nobody": Person(client),
        "visitor": shop.visitor(),
        "guest": shop.buyer(Person(client)),
        "customer": shop.buyer(shop.person(Role.CUSTOMER)),
        "merchant": merchant,
        "rival": rival,
        "ops": shop.person(Role.OPS),
    }
    return shop


def _warehouses(session: ShopSession, *skus: Sku) -> dict[UUID, str]:
    rows = session.scalars(select(Warehouse)).all()
    return {
        sku.id: encode("whs", next(row.id for row in rows if row.merchant_id == sku.merchant_id))
        for sku in skus
    }


def _of(sku: Sku) -> dict[str, str]:
    return {
        "sku_id": encode("sku", sku.id),
        "product_id": encode("prd", sku.product_id),
        "merchant_id": encode("mer", sku.merchant_id),
    }


def _kept_by(merchant: Person) -> dict[str, str]:
    """An API key and an entry of the address book."""
    key = merchant.post("/v1/merchant/api-keys", {"name": "Robot", "scopes": ["stock:read"]})
    entry = merchant.post("/v1/account/addresses", {"address": ADDRESS | BARN})
    return {"key_id": (key.json or {})["id"], "address_id": (entry.json or {})["id"]}


def _set_by(merchant: Person) -> dict[str, str]:
    """A coupon, a tax rate, and a zone with a shipping rate, far from where anybody here lives."""
    made: dict[str, str] = {}

    def make(name: str, path: str, body: dict[str, Any]) -> None:
        answer = merchant.post(f"/v1/merchant/{path}", body)
        assert answer.status_code == 201, answer.json
        made[name] = (answer.json or {})["id"]

    make("coupon_id", "coupons", {"code": "FAR-AWAY", "kind": "percent", "rate_ppm": 100_000})
    tax = {"country": "IS", "name": "VSK", "rate_ppm": 240_000, "included": True}
    make("tax_rate_id", "tax-rates", tax)
    make("zone_id", "shipping-zones", {"name": "Iceland", "countries": ["IS"]})
    rate = {"service": "standard", "carrier": "DHL", "name": "Ship", "days_min": 3, "days_max": 9}
    rate |= {"zone_id": made["zone_id"], "price": 2_900}
    make("shipping_rate_id", "shipping-rates", rate)
    return made


@contextmanager
def opened(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, *, is_audited: bool = True, **given: Any
) -> Iterator[Street]:
    """A street of its own for a whole module, whose tests change nothing that others see; at the
    end every invariant PostgreSQL answers for still holds, unless rows no act of the shop would
    have written are added to it."""
    with lend(postgres) as url, serve(_emulator()) as psp:
        queue = workers()
        here = _settings(url, valkey.url()).model_copy(update=given)
        wired = wiring.build(paying(here, psp), queue=queue)
        wired.redis.flushall()
        wiring.use(wired)
        try:
            yield street(wired, queue, door().test_client())
            report = audit.of_database(wired.db) if is_audited else None
            assert not report or not report.breaches, "\n".join(map(str, report.breaches))
        finally:
            wiring.use(None)
            wired.db.dispose()
            wired.redis.close()


def _emulator() -> StripeEmulator:
    return StripeEmulator(webhook_secret=WEBHOOK_SECRET)


def _settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SecretStr("a secret for tests, longer than 32 characters"),
        password_hashing="cheapest",
        checkouts_per_minute=1_000_000,
        logins_per_minute=1_000_000,
        letters_per_hour=1_000_000,
        requests_per_minute=1_000_000,
        log_level="WARNING",
    )
