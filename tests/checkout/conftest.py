"""The furnished shop of the journeys, with a till: its money, its units and its time."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import func, select

from app.checkout.models import Checkout
from app.inventory.models import Inventory
from app.orders.models import Order
from app.payments.models import Payment
from app.saga.models import SagaJournal
from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import RunningServer, serve
from devstack.stripe.webhooks import signature
from tests.conftest import WEBHOOK_SECRET, Clock
from tests.journeys.conftest import (
    Shop,
    _every_invariant_holds_afterwards,
    settings,
    shop,
)

__all__ = ["Till", "_every_invariant_holds_afterwards", "settings", "shop"]


@pytest.fixture
def ahead() -> list[float]:
    """By how many seconds the provider's clock is ahead; it goes with the shop's."""
    return [0.0]


@pytest.fixture
def psp(ahead: list[float]) -> Iterator[RunningServer]:
    """The emulator, living in the shop's time."""
    emulator = StripeEmulator(webhook_secret=WEBHOOK_SECRET, now=lambda: time.time() + ahead[0])
    with serve(emulator) as server:
        yield server


@dataclass
class Till:
    """The shop seen from its money, its units and its time."""

    shop: Shop
    psp: RunningServer
    clock: Clock
    ahead: list[float]
    told: list[int] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        """Time passes here and at the provider."""
        self.ahead[0] += seconds
        self.clock.advance(seconds)

    def wait_out(self, *, seconds: float = 200, step: float = 40) -> None:
        """Let time pass with the sweep running each time."""
        for _ in range(int(seconds / step)):
            self.pass_time(step)
            self.shop.sweep()

    def payment(self) -> Payment:
        """The only payment."""
        with self.shop.db.reading() as session:
            return session.scalars(select(Payment)).one()

    def checkouts(self) -> list[Checkout]:
        """All there are, oldest first."""
        with self.shop.db.reading() as session:
            return list(session.scalars(select(Checkout).order_by(Checkout.id)))

    def orders(self) -> list[str]:
        """The states of all orders."""
        with self.shop.db.reading() as session:
            return list(session.scalars(select(Order.state).order_by(Order.id)))

    def stock(self) -> tuple[int, int]:
        """Units available and reserved."""
        with self.shop.db.reading() as session:
            sums = select(func.sum(Inventory.stock_available), func.sum(Inventory.stock_reserved))
            available, reserved = session.execute(sums).one()
            return int(available), int(reserved)

    def story(self) -> list[str]:
        """The journal as `step:event`."""
        with self.shop.db.reading() as session:
            lines = session.scalars(select(SagaJournal).order_by(SagaJournal.id))
            return [f"{line.step}:{line.event}" for line in lines]

    def intents(self) -> list[str]:
        """The statuses of all intents at the provider."""
        counts: dict[str, int] = self.psp.emulator.state()["payment_intents"]
        return sorted(status for status, count in counts.items() for _ in range(count))

    def intent(self) -> str:
        """The id of the only intent."""
        (found,) = self.psp.emulator.recent_intents()
        return str(found["id"])

    def tell(self, kind: str, reference: str) -> int:
        """The provider tells the shop of an intent; gives the answer's status."""
        self.told.append(len(self.told))
        thing = {"id": reference, "object": "payment_intent"}
        event = {"id": f"evt_{len(self.told)}", "object": "event", "type": f"payment_intent.{kind}"}
        body = json.dumps(event | {"data": {"object": thing}}).encode()
        headers: dict[str, Any] = {
            "Stripe-Signature": signature(body, WEBHOOK_SECRET, at=time.time()),
            "Content-Type": "application/json",
        }
        return self.shop.client.post(
            "/v1/psp/stripe/events", data=body, headers=headers
        ).status_code

    def post(self, cart: dict[str, Any], checkout_id: str, act: str) -> int:
        """What a shopper does with a checkout; gives the answer's status."""
        path = f"/v1/checkout/{checkout_id}/{act}"
        headers = {"X-Cart-Token": cart["token"]}
        return self.shop.client.post(path, headers=headers).status_code


@pytest.fixture
def till(shop: Shop, psp: RunningServer, clock: Clock, ahead: list[float]) -> Till:
    """The furnished shop, the provider and the time."""
    return Till(shop, psp, clock, ahead)
