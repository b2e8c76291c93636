"""A whole shop in one process: the web door, the real tasks, the emulated PSP, and a shopper."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.config import Settings
from app.platform.db import Database, ShopSession
from app.platform.ids import encode
from app.pricing.models import TaxRate
from app.saga.sweep import sweep
from app.shipping.models import ShippingRate, ShippingZone
from devstack.stripe.server import RunningServer
from tests.conftest import WEBHOOK_SECRET
from tests.factories import ADDRESS, make_sku


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return settings.model_copy(
        update={
            "stripe_api_base": psp.url,
            "stripe_api_key": SecretStr("sk_test_journeys"),
            "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
            "psp_seconds_max": 2.0,
        }
    )


@pytest.fixture(autouse=True)
def _every_invariant_holds_afterwards(audited: None) -> None:
    """No journey may end in a shop that does not add up."""


@dataclass
class Shop:
    """What a test does to the shop, in the words of a shopper."""

    client: FlaskClient
    queue: InlineQueue
    db: Database
    sku: Sku

    def cart(self, qty: int = 1, *, sku: Sku | None = None) -> dict[str, Any]:
        """A guest's new cart."""
        answer = self.client.post(
            "/v1/cart", json={"sku_id": encode("sku", (sku or self.sku).id), "qty": qty}
        )
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def buy(
        self,
        cart: dict[str, Any],
        *,
        token: str = "pm_card_visa",
        key: str | None = None,
        **given: Any,
    ) -> TestResponse:
        """Post the checkout of a guest's cart; nothing has run yet."""
        headers = {"X-Cart-Token": cart["token"]} | ({"Idempotency-Key": key} if key else {})
        body = {
            "cart_id": cart["id"],
            "shipping_address": ADDRESS,
            "payment_method_token": token,
            "email": "ada@example.com",
        }
        return self.client.post("/v1/checkout", json=body | given, headers=headers)

    def look(self, cart: dict[str, Any], answer: TestResponse) -> dict[str, Any]:
        """The checkout as its shopper sees it now."""
        path = f"/v1/checkout/{answer.json['id']}"
        seen = self.client.get(path, headers={"X-Cart-Token": cart["token"]})
        assert seen.status_code == 200, seen.json
        return dict(seen.json)

    def work(self) -> None:
        """Let the workers do all that is waiting."""
        self.queue.drain()

    def sweep(self) -> int:
        """One second's sweep, and what comes of it."""
        with self.db.transaction(self.queue) as session:
            nudged = sweep(session)
        self.work()
        return nudged


def furnish(session: ShopSession, *, stock: int = 10) -> Sku:
    """A shop in Berlin: one boot for 50.00, 19 % VAT in the price, 4.90 to send."""
    sku = make_sku(session, stock=stock, price=5000)
    zone = ShippingZone(merchant_id=sku.merchant_id, name="EU", countries=["DE"])
    session.add(zone)
    session.flush()
    session.add(
        ShippingRate(
            zone_id=zone.id,
            service="standard",
            carrier="DHL",
            name="Parcel",
            days_min=1,
            days_max=3,
            price=490,
            currency="EUR",
        )
    )
    session.add(
        TaxRate(country="DE", tax_code="standard", name="VAT", rate_ppm=190_000, included=True)
    )
    return sku


@pytest.fixture
def shop(client: FlaskClient, queue: InlineQueue, db: Database) -> Shop:
    """The furnished shop, ten boots in stock, and its one shopper."""
    with db.transaction() as session:
        sku = furnish(session)
    return Shop(client, queue, db, sku)
