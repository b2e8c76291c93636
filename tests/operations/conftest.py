"""A shop that has sold, and a way to spoil its books."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.events.consumer import Consumer
from app.events.registry import consumers
from app.events.relay import Relay
from app.platform.ids import decode
from app.saga import incidents
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from devstack.stripe.webhooks import signature
from tests.conftest import WEBHOOK_SECRET
from tests.journeys.conftest import Shop, settings, shop

__all__ = ["settings", "shop"]

DECLINED = "pm_card_chargeDeclined"
ASKS_THE_SHOPPER = "pm_card_authenticationRequired"

Spoil = Callable[..., None]


@dataclass
class Sold:
    """What was bought and what came of it, by the public ids shoppers see."""

    shop: Shop
    first: dict[str, Any]
    second: dict[str, Any]
    declined: dict[str, Any]

    @property
    def names(self) -> dict[str, UUID]:
        """The ids a spoiling statement may name."""
        return {
            "first": decode("ord", self.first["order"]["id"]),
            "first_checkout": decode("chk", self.first["id"]),
            "second": decode("ord", self.second["order"]["id"]),
            "second_checkout": decode("chk", self.second["id"]),
            "declined_checkout": decode("chk", self.declined["id"]),
        }


@pytest.fixture
def buy(shop: Shop) -> Callable[..., dict[str, Any]]:
    """Buy a new cart and let the workers do what they can; gives the checkout."""

    def buy(qty: int = 1, *, token: str = "pm_card_visa") -> dict[str, Any]:
        cart = shop.cart(qty=qty)
        answer = shop.buy(cart, token=token)
        shop.work()
        return shop.look(cart, answer) | {"cart": cart}

    return buy


@pytest.fixture
def publish(providers: Providers) -> Callable[[], None]:
    """Let the relay and every consumer do what is there to do."""

    def publish() -> None:
        Relay(providers.db, providers.bus).publish_all()
        for name in consumers():
            Consumer(
                name,
                db=providers.db,
                bus=providers.bus,
                queue=providers.queue,
                incidents=incidents,
            ).catch_up()

    return publish


@pytest.fixture
def sold(shop: Shop, buy: Callable[..., dict[str, Any]], publish: Callable[[], None]) -> Sold:
    """Two purchases confirmed and one declined; everyone who listens has heard of them."""
    sold = Sold(shop, first=buy(qty=2), second=buy(), declined=buy(token=DECLINED))
    publish()
    return sold


@pytest.fixture
def spoil(database_url: str) -> Spoil:
    """Change rows as nobody may: triggers and foreign keys look away."""

    def spoil(*statements: str, **names: Any) -> None:
        url = database_url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(statement, names)

    return spoil


@pytest.fixture
def tell(shop: Shop) -> Callable[..., None]:
    """Let the provider tell the shop to look at an intent."""

    def tell(kind: str, intent: str) -> None:
        event = {"id": f"evt_{kind}_{intent}", "type": kind, "data": {"object": {"id": intent}}}
        body = json.dumps(event).encode()
        answer = shop.client.post(
            "/v1/psp/stripe/events",
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signature(body, WEBHOOK_SECRET, at=time.time())},
        )
        assert answer.status_code == 200, answer.json
        shop.work()

    return tell


@pytest.fixture
def intent_of(psp: RunningServer) -> Callable[[str], str]:
    """The provider's reference of the newest payment intent of a checkout, by its public id."""

    def intent_of(checkout_id: str) -> str:
        wanted = str(decode("chk", checkout_id))
        for intent in psp.emulator.recent_intents():
            if intent["metadata"].get("checkout_id") == wanted:
                return str(intent["id"])
        raise LookupError(checkout_id)

    return intent_of
