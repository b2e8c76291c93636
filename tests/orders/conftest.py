"""The shop's service desk: orders bought at the door, sent, and money and goods on their way
back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.accounts.models import Merchant
from app.catalog.models import Sku
from app.events.consumer import Consumer
from app.events.models import OutboxEvent
from app.events.registry import consumers
from app.events.relay import Relay
from app.inventory.models import Inventory, LedgerEntry
from app.orders import going_back
from app.orders.models import Order, OrderItem
from app.orders.service import cancel, parcels, refund, returns, ship
from app.orders.service.returns import Arrived, Wanted
from app.orders.states import Decision
from app.orders.views import ReturnView
from app.payments.models import Payment, Refund
from app.payments.queries import payment_of_order
from app.platform.ids import decode, encode
from app.saga import incidents
from app.saga.models import SagaJournal
from app.wiring import Providers
from tests.checkout.conftest import Till, ahead, psp, till
from tests.factories import make_shipping_rate, make_sku
from tests.journeys.conftest import Shop, settings, shop

__all__ = ["Bought", "Desk", "ahead", "psp", "settings", "shop", "till"]

Row = TypeVar("Row")
ASKED = {"actor": "ops", "reason": "a test"}


@dataclass(frozen=True)
class Bought:
    """A confirmed order, and the guest's token for it."""

    id: UUID
    checkout_id: UUID
    token: str


@dataclass
class Desk:
    """What merchants, customers and the clock do to orders, by the services behind the door."""

    shop: Shop
    till: Till
    wired: Providers

    def buy(self, qty: int = 2, *, more: Mapping[Sku, int] | None = None, **given: Any) -> Bought:
        """A guest buys boots, and other things if told; everything until the order is
        confirmed."""
        cart = self.shop.cart(qty)
        for sku, units in (more or {}).items():
            self.shop.client.post(
                "/v1/cart",
                json={"sku_id": encode("sku", sku.id), "qty": units, "cart_id": cart["id"]},
                headers={"X-Cart-Token": cart["token"]},
            )
        answer = self.shop.buy(cart, **given)
        assert answer.status_code == 202, answer.json
        self.work()
        seen = self.shop.look(cart, answer)
        assert seen["state"] == "confirmed", seen
        order_id, checkout_id = decode("ord", seen["order_id"]), decode("chk", seen["id"])
        return Bought(order_id, checkout_id, cart["token"])

    def rival(self, *, stock: int = 10, price: int = 1_000) -> Sku:
        """Another merchant's thing; sending it costs 3.00."""
        with self.wired.db.transaction() as session:
            sku = make_sku(session, stock=stock, price=price)
            merchant = session.get_one(Merchant, sku.merchant_id)
            make_shipping_rate(session, merchant=merchant, price=300)
        return sku

    def ship(self, order: Bought, lines: Mapping[int, int] | None = None, **given: Any) -> UUID:
        """Send units of an order, or all there is; until the parcel has left."""
        shipment_id = self.begin_ship(order, lines, **given)
        self.work()
        return shipment_id

    def begin_ship(
        self, order: Bought, lines: Mapping[int, int] | None = None, **given: Any
    ) -> UUID:
        """The same; nothing has run yet."""
        given = {"merchant_id": None, "carrier": "table", "actor": "ops"} | given
        with self.wired.db.transaction(self.wired.queue) as session:
            return ship.ship(session, order.id, ship.Wanted(lines=lines), **given).id

    def call_parcel_off(self, shipment_id: UUID) -> None:
        """A parcel that is stuck is called off; nothing has run yet."""
        with self.wired.db.transaction(self.wired.queue) as session:
            parcels.cancel(session, shipment_id, merchant_id=None, **ASKED)

    def refund(self, order: Bought, **given: Any) -> UUID:
        """Begin a refund; nothing has run yet."""
        with self.wired.db.transaction(self.wired.queue) as session:
            return refund.request(session, order.id, **ASKED | given).id

    def refunded(self, order: Bought, **given: Any) -> Refund:
        """A refund, as far as it goes by itself."""
        refund_id = self.refund(order, **given)
        self.work()
        return self.row(Refund, refund_id)

    def cancel(self, order: Bought, **given: Any) -> UUID:
        """Begin a cancellation; nothing has run yet."""
        with self.wired.db.transaction(self.wired.queue) as session:
            return cancel.request(session, order.id, **ASKED | given).row.id

    def ask_return(self, order: Bought, lines: Mapping[int, int], **given: Any) -> UUID:
        """Ask to send units back; as far as that goes by itself."""
        wanted = [Wanted(line, qty) for line, qty in lines.items()]
        with self.wired.db.transaction(self.wired.queue) as session:
            made = returns.request(session, order.id, lines=wanted, **ASKED | given).id
        self.work()
        return made

    def decide(self, return_id: UUID, decision: Decision = Decision.APPROVED) -> None:
        """The merchant has its say."""
        with self.wired.db.transaction(self.wired.queue) as session:
            returns.decide(session, return_id, decision, actor="merchant", reason="so it is")
        self.work()

    def receive(
        self,
        return_id: UUID,
        lines: Mapping[int, tuple[int, int]],
        *,
        at_once: bool = True,
        **given: Any,
    ) -> None:
        """Goods arrive: by line, so many received, so many of them restocked."""
        arrived = {line: Arrived(line, *units) for line, units in lines.items()}
        with self.wired.db.transaction(self.wired.queue) as session:
            returns.receive(session, return_id, lines=arrived, actor="merchant", **given)
        if at_once:
            self.work()
        else:
            self.wired.queue.waiting.clear()

    def call_off(self, return_id: UUID) -> None:
        """The customer keeps the goods."""
        with self.wired.db.transaction(self.wired.queue) as session:
            returns.call_off(session, return_id)
        self.work()

    def returned(self, return_id: UUID) -> ReturnView:
        """A return as it is shown."""
        with self.wired.db.reading() as session:
            return going_back.find_return(session, return_id)

    def work(self) -> None:
        """Let the workers do all that is waiting."""
        self.shop.work()

    def publish(self) -> None:
        """Let everyone hear what has happened, and do what comes of it."""
        Relay(self.wired.db, self.wired.bus).publish_all()
        for name in consumers():
            Consumer(
                name,
                db=self.wired.db,
                bus=self.wired.bus,
                queue=self.wired.queue,
                incidents=incidents,
            ).catch_up()
        self.work()

    def row(self, model: type[Row], identity: UUID) -> Row:
        """A row as it is."""
        with self.wired.db.reading() as session:
            return session.get_one(model, identity)

    def state(self, order: Bought) -> str:
        """Where an order stands."""
        return str(self.row(Order, order.id).state)

    def lines(self, order: Bought) -> dict[UUID, int]:
        """The number of the line each SKU of an order stands in."""
        mine = select(OrderItem.sku_id, OrderItem.line).where(OrderItem.order_id == order.id)
        with self.wired.db.reading() as session:
            return {row.sku_id: row.line for row in session.execute(mine)}

    def payment(self, order: Bought) -> Payment | None:
        """The payment an order stands on."""
        with self.wired.db.reading() as session:
            return payment_of_order(session, order.id)

    def money(self, order: Bought) -> tuple[str, int, int]:
        """The status of an order's payment, what was taken of it and what was given back."""
        payment = self.payment(order)
        assert payment is not None
        return str(payment.status), payment.captured, payment.refunded

    def stock(self, sku: Sku | None = None) -> tuple[int, int]:
        """Units available and reserved of the boot, or of another thing."""
        sums = select(func.sum(Inventory.stock_available), func.sum(Inventory.stock_reserved))
        with self.wired.db.reading() as session:
            found = session.execute(sums.where(Inventory.sku_id == (sku or self.shop.sku).id)).one()
        return int(found[0]), int(found[1])

    def story(self, saga_id: UUID) -> list[str]:
        """The journal of one saga as `step:event`."""
        with self.wired.db.reading() as session:
            lines = session.scalars(
                select(SagaJournal).where(SagaJournal.saga_id == saga_id).order_by(SagaJournal.id)
            )
            return [f"{line.step}:{line.event}" for line in lines]

    def told(self, prefix: str) -> list[str]:
        """The types of facts announced that begin so, in order."""
        with self.wired.db.reading() as session:
            types = session.scalars(select(OutboxEvent.type).order_by(OutboxEvent.seq))
            return [kind for kind in types if kind.startswith(prefix)]

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        """What was told with facts of a type, in order."""
        wanted = select(OutboxEvent).where(OutboxEvent.type == kind).order_by(OutboxEvent.seq)
        with self.wired.db.reading() as session:
            return [event.payload["data"] for event in session.scalars(wanted)]

    def ledger(self, reason: str) -> list[LedgerEntry]:
        """The movements of stock for this reason, in order."""
        wanted = select(LedgerEntry).where(LedgerEntry.reason == reason).order_by(LedgerEntry.id)
        with self.wired.db.reading() as session:
            return list(session.scalars(wanted))

    def repayments(self) -> list[int]:
        """The amounts the provider gave back, by refunds it made."""
        assert self.wired.payments is not None
        payment = self.till.payment()
        assert payment.psp_ref is not None
        return sorted(one.amount for one in self.wired.payments.repayments(payment.psp_ref))

    def trouble(self, kind: str, operation: str, times: int = 1) -> None:
        """Let something go wrong with the next calls of the provider."""
        self.till.psp.emulator.fault(kind=kind, operation=operation, times=times)


@pytest.fixture
def desk(shop: Shop, till: Till, providers: Providers) -> Desk:
    """The furnished shop, its provider, its time, and everyone who deals with orders."""
    return Desk(shop, till, providers)
