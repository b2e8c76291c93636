"""What the workers may ask PostgreSQL for along the road of an order, and that twenty lines cost as
many statements there as one.

The ceilings are what was measured when they were written: one that needs more has to say why, here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from app.accounts.models import Merchant, Role
from app.events.consumer import Consumer
from app.events.relay import Relay
from app.payments.models import Capture
from app.platform.ids import encode
from app.saga import incidents
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from tests.api.asking import ask, sending
from tests.api.people import Person, Street
from tests.factories import ADDRESS, make_sku
from tests.statements import statements

LINES = 20


@dataclass
class Buyer:
    """A customer with one unit of each of so many kinds, and what is done about its order."""

    shop: Street
    person: Person
    lines: int

    def ask(self, name: str, who: str, body: Any = None) -> None:
        """Let somebody ask something of the order."""
        headers = self.person.headers if who == "customer" else self.shop.people[who].headers
        answer = ask(name, Person(self.shop.client, headers, self.person.ids), body)
        assert answer.status_code in (200, 202), answer.json
        if name == "request_return":
            self.person.ids["return_id"] = (answer.json or {})["id"]

    def each(self, **said: Any) -> dict[str, Any]:
        """Every line of the order, with so much said of it."""
        return {"lines": [{"line": line, **said} for line in range(1, self.lines + 1)]}

    def work(self) -> None:
        """Let the workers do all that waits."""
        self.shop.queue.drain()


Act = Callable[[Buyer], None]


def _buy(buyer: Buyer) -> None:
    answer = buyer.person.buy()
    assert answer.status_code == 202, answer.json


def _look_at_purchase(buyer: Buyer) -> None:
    seen = buyer.person.get(f"/v1/checkout/{buyer.person.ids['checkout_id']}").json or {}
    assert seen["state"] == "confirmed", seen
    buyer.person.ids["order_id"] = seen["order_id"]


def _take(buyer: Buyer) -> None:
    """The order is heard of; its merchant wants the money at once, this time."""
    _automatic(buyer.shop, {"capture": "automatic"})
    _hear(buyer.shop)
    _automatic(buyer.shop, {})
    with buyer.shop.wired.db.reading() as session:
        assert session.scalar(select(func.count()).where(Capture.state == "running")) == 1


def _automatic(shop: Street, settings: dict[str, Any]) -> None:
    with shop.wired.db.transaction() as session:
        session.get_one(Merchant, shop.sku.merchant_id).settings = settings


def _hear(shop: Street) -> None:
    wired, queue = shop.wired, shop.queue
    Relay(wired.db, wired.bus).publish_all()
    Consumer("orders", db=wired.db, bus=wired.bus, queue=queue, incidents=incidents).catch_up()


def _look_at_cart(buyer: Buyer) -> None:
    buyer.ask("show_own_cart", "customer")
    buyer.ask("quote_cart", "customer", {"shipping_address": ADDRESS})


def _look_at_order(buyer: Buyer) -> None:
    buyer.ask("issue_invoice", "merchant")
    buyer.ask("show_sold_order", "merchant")
    for name in ("get_order", "list_orders", "list_shipments", "show_receipt"):
        buyer.ask(name, "customer")


def _call_off(buyer: Buyer) -> None:
    buyer.ask("cancel_order", "customer", {})


def _send(buyer: Buyer) -> None:
    buyer.ask("send_shipment", "merchant", {})


def _repay(buyer: Buyer) -> None:
    buyer.ask("refund_order", "merchant", buyer.each(qty=1) | {"restock": True})


def _want_to_return(buyer: Buyer) -> None:
    buyer.ask("request_return", "customer", buyer.each(qty=1) | {"reason": "size"})


def _approve(buyer: Buyer) -> None:
    buyer.ask("approve_return", "merchant")


def _receive(buyer: Buyer) -> None:
    buyer.ask("receive_return", "merchant", buyer.each(received=1))


Road = Sequence[tuple[Act, int]]
BOUGHT: Road = ((_look_at_cart, 0), (_buy, 38), (_look_at_purchase, 0))
PAID: Road = (*BOUGHT, (_take, 16))
# Of each act so many statements at most are the workers' own; one that only looks leaves them none.
ROADS: dict[str, Road] = {
    "sent-and-returned": (
        *BOUGHT,
        (_send, 50),
        (_look_at_order, 0),
        (_want_to_return, 8),
        (_approve, 9),
        (_receive, 60),
    ),
    "sent-and-refunded": (*BOUGHT, (_send, 50), (_repay, 37)),
    "canceled": (*BOUGHT, (_call_off, 36)),
    "paid-and-canceled": (*PAID, (_call_off, 36)),
    "paid-and-refunded": (*PAID, (_repay, 43)),
}


@pytest.fixture(scope="module")
def shop(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    """One shop for all of them; it must add up at the end."""
    with sending(postgres, valkey, tmp_path_factory.mktemp("files")) as street:
        yield street


@pytest.fixture(scope="module")
def skus(shop: Street) -> list[str]:
    """As many kinds of goods as an order has lines."""
    with shop.wired.db.transaction() as session:
        merchant = session.get_one(Merchant, shop.sku.merchant_id)
        made = [make_sku(session, merchant=merchant, stock=50) for _ in range(LINES)]
        return [encode("sku", sku.id) for sku in made]


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_the_work_along_a_road_stays_within_its_budget_however_many_lines(
    shop: Street, skus: list[str], road: Road
) -> None:
    narrow = _walked(road, _buyer(shop, skus[:1]))
    wide = _walked(road, _buyer(shop, skus))

    for (act, most), (asked, worked), of_twenty in zip(road, narrow, wide, strict=True):
        assert len(worked) <= most, "\n".join([act.__name__, *worked])
        assert [len(sql) for sql in of_twenty] == [len(asked), len(worked)], act.__name__


def _buyer(shop: Street, skus: list[str]) -> Buyer:
    person = shop.person(Role.CUSTOMER)
    for sku_id in skus:
        person.cart(sku_id)
    return Buyer(shop, person, len(skus))


def _walked(road: Road, buyer: Buyer) -> list[tuple[list[str], list[str]]]:
    """What each act cost, and what the workers did after it."""
    _hear(buyer.shop)  # orders of before are heard of
    costs = []
    for act, _ in road:
        with statements(buyer.shop.wired.db) as asked:
            act(buyer)
        with statements(buyer.shop.wired.db) as worked:
            buyer.work()
        costs.append((asked, worked))
    return costs
