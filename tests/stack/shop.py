"""The running shop as its tests see it: shoppers at the door, and a look into every store."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery
from celery.utils.nodenames import gethostname
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import func, insert, select, text

from app.accounts.models import Merchant, User
from app.accounts.tokens import Tokens
from app.cart.models import Cart, CartLine
from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.checkout.queries import CheckoutDemand
from app.inventory.gate import Gate
from app.inventory.models import Inventory
from app.orders.models import Order, OrderItem
from app.orders.states import OrderState
from app.platform.db import Database
from app.platform.ids import decode, encode, new_id
from app.platform.redis import ShopRedis
from app.saga.models import SagaJournal
from app.saga.states import LIVE, SagaState
from tests.factories import ADDRESS, make_sku
from tests.stack.http_client import Answer, HttpClient
from tests.stack.people import Buyer, Purchased, columns_of, new_person
from tests.stack.processes import Processes
from tests.stack.psp import Psp

PRICE = 5_000
_BROKER_AWAY = (OperationalError, RedisError)
PATIENCE_SECONDS = 90  # for a busy machine; what a test waits for takes a few


@dataclass
class StackShop:
    """Everything of the running stack that a test may touch."""

    folder: Path
    processes: Processes
    client: HttpClient
    mail: HttpClient
    psp: Psp
    db: Database
    redis: ShopRedis
    broker: ShopRedis
    queue: Celery
    tokens: Tokens
    gate: Gate
    merchant: Merchant
    info: dict[str, Any]
    is_supervised: bool = False

    @classmethod
    def gate_of(cls, redis: ShopRedis, db: Database) -> Gate:
        """The first gate, as the shop's own processes see it."""
        return Gate(redis, db, CheckoutDemand())

    def new_sku(self, *, stock: int = 10) -> Sku:
        """Something nobody has seen yet."""
        with self.db.transaction() as session:
            merchant = session.get(Merchant, self.merchant.id)
            return make_sku(session, merchant=merchant, stock=stock, price=PRICE)

    def guest(self, sku: Sku, qty: int = 1) -> Buyer:
        """A guest who has put something into a new cart."""
        answer = self.client.post("/v1/cart", {"sku_id": encode("sku", sku.id), "qty": qty})
        assert answer.status == 201, answer.body
        cart = answer.json
        email = f"{cart['id'].lower()}@example.com"
        return Buyer(cart["id"], {"X-Cart-Token": cart["token"]}, email)

    def members(self, sku: Sku, count: int) -> list[Buyer]:
        """People who have signed in, each with one unit in the cart."""
        people = [new_person() for _ in range(count)]
        carts = [new_id() for _ in people]
        with self.db.transaction() as session:
            session.execute(insert(User), [columns_of(person) for person in people])
            session.execute(
                insert(Cart),
                [
                    {"id": cart, "user_id": person.id, "currency": "EUR"}
                    for cart, person in zip(carts, people, strict=True)
                ],
            )
            session.execute(
                insert(CartLine),
                [{"cart_id": c, "sku_id": sku.id, "qty": 1, "price_seen": PRICE} for c in carts],
            )
        return [
            Buyer(encode("crt", cart), self._signed_in(person), person.email)
            for cart, person in zip(carts, people, strict=True)
        ]

    def member(self, sku: Sku) -> Buyer:
        """One of them."""
        return self.members(sku, 1)[0]

    def buy(
        self,
        buyer: Buyer,
        *,
        token: str = "pm_card_visa",
        key: str | None = None,
        wait: int | None = None,
    ) -> Answer:
        """Post the checkout of a cart."""
        headers = dict(buyer.headers)
        if key is not None:
            headers["Idempotency-Key"] = key
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        body = {
            "cart_id": buyer.cart_id,
            "shipping_address": ADDRESS,
            "payment_method_token": token,
            "email": buyer.email,
        }
        return self.client.post("/v1/checkout", body, headers)

    def accepted(self, buyer: Buyer, **how: Any) -> UUID:
        """Post a checkout that must be accepted; gives its id."""
        answer = self.buy(buyer, **how)
        assert answer.status == 202, answer.body
        return decode("chk", answer.json["id"])

    def look(self, buyer: Buyer, checkout_id: UUID) -> dict[str, Any]:
        """The checkout as its shopper sees it."""
        answer = self.client.get(f"/v1/checkout/{encode('chk', checkout_id)}", buyer.headers)
        assert answer.status == 200, answer.body
        return answer.json

    def until(
        self,
        holds: Callable[[], Any],
        what: str = "it did not happen",
        *,
        seconds: float = PATIENCE_SECONDS,
    ) -> Any:
        """Wait for something to become true, and give it. A process that died by itself fails the
        test, unless it is supervised."""
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            if self.is_supervised:
                self.processes.revive()
            self.processes.check()
            assert time.monotonic() < deadline, what
            time.sleep(0.02)
        return found

    def row(self, checkout_id: UUID) -> Checkout:
        """The checkout as it is kept."""
        with self.db.reading() as session:
            return session.scalars(select(Checkout).where(Checkout.id == checkout_id)).one()

    def ended(self, checkout_id: UUID) -> Checkout:
        """Wait until nothing moves any more in a checkout."""
        self.until(
            lambda: self.row(checkout_id).state not in LIVE,
            "the checkout stands still",
        )
        return self.row(checkout_id)

    def purchased(self, checkout_id: UUID) -> Purchased:
        """Wait for the end of a checkout, then count what it left in the books and at the PSP."""
        row = self.ended(checkout_id)
        with self.db.reading() as session:
            mine = select(func.count()).select_from(Order).where(Order.checkout_id == row.id)
            orders = session.scalar(mine.where(Order.state == OrderState.CONFIRMED)) or 0
        statuses = [intent["status"] for intent in self.psp.intents(str(row.id))]
        return Purchased(str(row.state), orders, statuses, row.failure)

    def journal(self, checkout_id: UUID) -> list[tuple[str, str]]:
        """Step and event of every line."""
        with self.db.reading() as session:
            rows = session.scalars(
                select(SagaJournal)
                .where(SagaJournal.saga_id == checkout_id)
                .order_by(SagaJournal.id)
            )
            return [(row.step, str(row.event)) for row in rows]

    def stock(self, sku: Sku) -> tuple[int, int]:
        """Units available and reserved, of all warehouses."""
        with self.db.reading() as session:
            row = session.execute(
                select(
                    func.sum(Inventory.stock_available), func.sum(Inventory.stock_reserved)
                ).where(Inventory.sku_id == sku.id)
            ).one()
            return int(row[0]), int(row[1])

    def sold(self, sku: Sku) -> int:
        """Confirmed orders of a SKU."""
        with self.db.reading() as session:
            return (
                session.scalar(
                    select(func.count())
                    .select_from(OrderItem)
                    .join(Order, Order.id == OrderItem.order_id)
                    .where(OrderItem.sku_id == sku.id, Order.state == OrderState.CONFIRMED)
                )
                or 0
            )

    def count_moving(self) -> int:
        """Checkouts that somebody still has to work on."""
        with self.db.reading() as session:
            running = Checkout.state == SagaState.RUNNING
            return session.scalar(select(func.count()).select_from(Checkout).where(running)) or 0

    def rest(self) -> None:
        """Wait until every checkout has come to its end or waits for its shopper."""
        self.until(lambda: self.count_moving() == 0, "checkouts are still running")

    def count_unsent_letters(self) -> int:
        """Confirmed orders whose confirmation nobody was sent yet."""
        (row,) = self.statement(
            "SELECT count(*) FROM orders o WHERE o.state = 'confirmed' AND NOT EXISTS"
            " (SELECT 1 FROM notifications n WHERE n.subject_id = o.id AND n.status = 'sent')"
        )
        return int(row[0])

    def mails_to(self, email: str) -> list[dict[str, Any]]:
        """What the mail catcher shows for one address."""
        answer = self.mail.get("/api/messages")
        assert answer.status == 200, answer.body
        return [mail for mail in answer.json["data"] if email in mail["to"]]

    def statement(self, sql: str, **given: Any) -> list[Any]:
        """One question to the database."""
        with self.db.reading() as session:
            return list(session.execute(text(sql), given))

    def is_waiting_for_a_lock(self) -> bool:
        """Whether some connection of the shop waits for a row or table."""
        return bool(
            self.statement(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND application_name = 'cartwright'"
            )
        )

    def who_works_on(self, checkout_id: UUID, *names: str) -> str:
        """The worker, of those named, that has a task of this checkout in hand."""

        def found() -> str | None:
            asked = self.queue.control.inspect(
                destination=[f"{name}@{_host()}" for name in names], timeout=2
            )
            for worker, tasks in (asked.active() or {}).items():
                if any(str(checkout_id) in task["args"] for task in tasks):
                    return str(worker).partition("@")[0]
            return None

        worker: str = self.until(found, "no worker has it in hand")
        return worker

    def are_listening(self, *names: str) -> bool:
        """Whether these workers answer."""
        destination = [f"{name}@{_host()}" for name in names]
        try:
            answers = self.queue.control.inspect(destination=destination, timeout=2).ping() or {}
        except _BROKER_AWAY:  # connections of before the broker went; the next try opens new ones
            return False
        return len(answers) == len(names)

    def close(self) -> None:
        """Hang up everywhere."""
        for client in (self.client, self.mail, self.psp):
            client.close()
        self.queue.close()
        self.redis.close()
        self.broker.close()
        self.db.dispose()

    def _signed_in(self, person: User) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.issue(person)}"}


def _host() -> str:
    return str(gethostname())
