"""Two merchants, their warehouses and people, and shoppers who buy of both: the whole road of an
order in one process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.accounts.models import Merchant, Role
from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.config import Settings
from app.events.consumer import Consumer
from app.events.registry import consumers
from app.events.relay import Relay
from app.inventory.models import Inventory
from app.orders.models import Order
from app.payments.models import Payment
from app.platform.db import Database
from app.platform.ids import decode, encode
from app.saga import incidents
from app.saga.models import Incident, SagaJournal
from app.saga.sweep import sweep
from app.shipping.models import Shipment, ShippingZone
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import PASSWORD, Person, paying
from tests.factories import (
    make_merchant,
    make_shipping_rate,
    make_sku,
    make_tax_rate,
    make_user,
    make_warehouse,
    put_stock,
)


@dataclass
class Seller:
    """A merchant with somebody who may act for it."""

    merchant: Merchant
    person: Person
    warehouse_id: UUID
    skus: list[Sku] = field(default_factory=list)


@dataclass
class Road:
    """What tests do along the road of an order."""

    wired: Providers
    queue: InlineQueue
    client: FlaskClient
    psp: RunningServer

    @property
    def db(self) -> Database:
        """The truth."""
        return self.wired.db

    def seller(self, *, prices: Sequence[int] = (5_000,), **settings: Any) -> Seller:
        """A merchant that sends by `standard` and `express`, with a SKU of each price."""
        with self.db.transaction() as session:
            merchant = make_merchant(session, settings=settings)
            rate = make_shipping_rate(session, merchant=merchant)

            zone = session.get_one(ShippingZone, rate.zone_id)
            make_shipping_rate(session, merchant=merchant, zone=zone, service="express", price=990)
            assert merchant.default_warehouse_id is not None
            skus = [make_sku(session, merchant=merchant, stock=50, price=p) for p in prices]
        person = self.person(Role.MERCHANT, merchant_id=merchant.id)
        return Seller(merchant, person, merchant.default_warehouse_id, skus)

    def another_warehouse(self, seller: Seller, stock: Mapping[UUID, int]) -> UUID:
        """A second warehouse, emptied last."""
        with self.db.transaction() as session:
            place = make_warehouse(
                session, merchant_id=seller.merchant.id, name="Annex", priority=90
            )
            for sku in seller.skus:
                if sku.id in stock:
                    put_stock(session, sku=sku, warehouse_id=place.id, qty=stock[sku.id])
        self.wired.gate.load([sku.id for sku in seller.skus])
        return place.id

    def person(self, role: Role, *, merchant_id: UUID | None = None) -> Person:
        """Somebody of this role, signed in."""
        hashed = self.wired.passwords.hash(PASSWORD)
        with self.db.transaction() as session:
            user = make_user(session, role=role, merchant_id=merchant_id, password_hash=hashed)
        proof = {"Authorization": f"Bearer {self.wired.tokens.issue(user)}"}
        return Person(self.client, proof, {"user_id": encode("usr", user.id)})

    def bought(
        self, lines: Mapping[UUID, int], *, who: Person | None = None, **given: Any
    ) -> Person:
        """Whoever bought these units by SKU, a guest unless somebody is given; with its order."""
        buyer = who or Person(self.client)
        for sku_id, qty in lines.items():
            buyer.cart(encode("sku", sku_id), qty)
        answer = buyer.buy(**given)
        assert answer.status_code == 202, answer.json
        self.work()
        seen = buyer.get(f"/v1/checkout/{buyer.ids['checkout_id']}").json or {}
        assert seen["state"] == "confirmed", seen
        buyer.ids["order_id"] = seen["order_id"]
        return buyer

    def ship(self, seller: Seller, buyer: Person, **body: Any) -> TestResponse:
        """Ask for a parcel; nothing has run yet."""
        path = f"/v1/orders/{buyer.ids['order_id']}/shipments"
        return seller.person.post(path, body)

    def sent(self, seller: Seller, buyer: Person, **body: Any) -> Shipment:
        """A parcel asked for, and all that the workers do for it."""
        answer = self.ship(seller, buyer, **body)
        assert answer.status_code == 202, answer.json
        self.work()
        return self.shipment((answer.json or {})["id"])

    def work(self) -> None:
        """Let the workers do all that waits."""
        self.queue.drain()

    def sweep(self) -> None:
        """One second's sweep, and what comes of it."""
        with self.db.transaction(self.queue) as session:
            sweep(session)
        self.work()

    def publish(self) -> None:
        """Let everyone hear what has happened, and do what comes of it."""
        Relay(self.db, self.wired.bus).publish_all()
        for name in consumers():
            bus, queue = self.wired.bus, self.queue
            Consumer(name, db=self.db, bus=bus, queue=queue, incidents=incidents).catch_up()
        self.work()

    def order(self, buyer: Person) -> Order:
        """The order as it is now."""
        with self.db.reading() as session:
            return session.get_one(Order, decode("ord", buyer.ids["order_id"]))

    def payment(self, buyer: Person) -> Payment:
        """Its payment as it is now."""
        with self.db.reading() as session:
            order_id = decode("ord", buyer.ids["order_id"])
            return session.scalars(select(Payment).where(Payment.order_id == order_id)).one()

    def shipment(self, public_id: str) -> Shipment:
        """A parcel as it is now."""
        with self.db.reading() as session:
            return session.get_one(Shipment, decode("shp", public_id))

    def stock(self, sku: Sku) -> tuple[int, int]:
        """Units available and reserved, over all warehouses."""
        with self.db.reading() as session:
            sums = select(func.sum(Inventory.stock_available), func.sum(Inventory.stock_reserved))
            available, reserved = session.execute(sums.where(Inventory.sku_id == sku.id)).one()
            return int(available), int(reserved)

    def story(self, saga_id: UUID) -> list[str]:
        """The journal of a saga as `step:event`."""
        with self.db.reading() as session:
            lines = session.scalars(
                select(SagaJournal).where(SagaJournal.saga_id == saga_id).order_by(SagaJournal.id)
            )
            return [f"{line.step}:{line.event}" for line in lines]

    def open_incidents(self) -> list[str]:
        """The kinds of those nobody has closed."""
        with self.db.reading() as session:
            return list(session.scalars(select(Incident.kind).where(Incident.closed_at.is_(None))))


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def road(
    providers: Providers,
    queue: InlineQueue,
    client: FlaskClient,
    psp: RunningServer,
    audited: None,
) -> Road:
    """Nothing is bought yet, a tax is in every price; at the end everything must add up."""
    with providers.db.transaction() as session:
        make_tax_rate(session)
    return Road(providers, queue, client, psp)
