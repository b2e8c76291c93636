"""What each call may cost: statements and commits in PostgreSQL, round trips to Redis.

The ceilings are what was measured when they were written. A call that needs more has to say why,
here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis.connection
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.platform.db import Database
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.factories import ADDRESS
from tests.statements import statements


@dataclass(frozen=True)
class Budget:
    """The most a call may cost."""

    statements: int
    commits: int = 0
    redis: int = 0


@dataclass
class Cost:
    """What a block did cost."""

    sql: list[str] = field(default_factory=list)
    commits: int = 0
    redis: int = 0

    @property
    def statements(self) -> int:
        """SQL statements; BEGIN and COMMIT are none."""
        return len(self.sql)


Ask = Callable[[Street], TestResponse]


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose people all own something, its caches and scripts warm."""
    shop = street(providers, queue, client)
    shop.client.get("/v1/products")
    return shop


def _get(who: str, path: str) -> Ask:
    def ask(shop: Street) -> TestResponse:
        return shop.people[who].get(
            path.format_map(shop.people["merchant"].ids | shop.people[who].ids)
        )

    return ask


def _quote(who: str) -> Ask:
    def ask(shop: Street) -> TestResponse:
        person = shop.people[who]
        return person.post(f"/v1/cart/{person.ids['cart_id']}/quote", {"shipping_address": ADDRESS})

    return ask


def _add(who: str, **headers: str) -> Ask:
    return lambda shop: shop.people[who].post(
        "/v1/cart", {"sku_id": shop.sku_id, "qty": 1}, **headers
    )


def _change(who: str) -> Ask:
    def ask(shop: Street) -> TestResponse:
        person = shop.people[who]
        return person.patch(f"/v1/cart/{person.ids['cart_id']}/lines/{shop.sku_id}", {"qty": 3})

    return ask


def _buy(who: str, **given: Any) -> Ask:
    return lambda shop: shop.people[who].buy(**given)


BUDGETS: dict[str, tuple[Ask, Budget]] = {
    "products": (_get("nobody", "/v1/products"), Budget(2)),
    "products-searched": (_get("nobody", "/v1/products?q=boot&filters=price:1..9000"), Budget(3)),
    "product-read-first": (_get("nobody", "/v1/products/{product_id}"), Budget(3, redis=7)),
    "categories": (_get("nobody", "/v1/categories"), Budget(1)),
    "cart-of-a-guest": (_get("visitor", "/v1/cart"), Budget(1, commits=1, redis=1)),
    "cart-of-a-customer": (_get("customer", "/v1/cart"), Budget(2, commits=1)),
    "cart-write-of-nobody": (_add("nobody"), Budget(1, commits=1, redis=1)),
    "cart-write-of-a-guest": (_add("visitor"), Budget(1, commits=1, redis=1)),
    "cart-write-of-a-guest-with-a-key": (
        _add("visitor", Idempotency_Key="k"),
        Budget(5, commits=1, redis=1),
    ),
    "cart-write-of-a-customer": (_add("customer"), Budget(3, commits=1)),
    "cart-write-of-a-customer-with-a-key": (
        _add("customer", Idempotency_Key="k"),
        Budget(7, commits=1),
    ),
    "cart-change-of-a-guest": (_change("visitor"), Budget(1, commits=1, redis=1)),
    "cart-change-of-a-customer": (_change("customer"), Budget(3, commits=1)),
    "quote-of-a-guest": (_quote("visitor"), Budget(3, redis=1)),
    "quote-of-a-customer": (_quote("customer"), Budget(4)),
    "checkout-of-a-guest": (_buy("visitor"), Budget(4, commits=1, redis=7)),
    "checkout-of-a-guest-with-a-key": (_buy("visitor", key="k"), Budget(7, commits=1, redis=9)),
    "checkout-of-a-customer-with-a-key": (
        _buy("customer", key="k"),
        Budget(11, commits=1, redis=6),
    ),
    # An order is shown with its parcels: a statement for them, two more where there are any.
    "checkout-seen-with-its-order": (_get("guest", "/v1/checkout/{checkout_id}"), Budget(6)),
    "order": (_get("guest", "/v1/orders/{order_id}"), Budget(6)),
    "order-of-a-customer": (_get("customer", "/v1/orders/{order_id}"), Budget(5)),
    "orders": (_get("customer", "/v1/orders"), Budget(2)),
    "own-products": (_get("merchant", "/v1/merchant/products"), Budget(3)),
    "own-stock": (_get("merchant", "/v1/merchant/stock"), Budget(1)),
}


@pytest.mark.parametrize(("ask", "budget"), BUDGETS.values(), ids=BUDGETS)
def test_a_call_stays_within_its_budget(shop: Street, ask: Ask, budget: Budget) -> None:
    with _measured(shop.wired.db) as cost:
        answer = ask(shop)

    assert answer.status_code < 300, answer.json
    assert cost.statements <= budget.statements, "\n".join(cost.sql)
    assert cost.commits <= budget.commits
    assert cost.redis <= budget.redis


def test_a_product_that_is_cached_costs_no_statement(shop: Street) -> None:
    shop.people["nobody"].get(f"/v1/products/{shop.people['merchant'].ids['product_id']}")

    with _measured(shop.wired.db) as cost:
        answer = _get("nobody", "/v1/products/{product_id}")(shop)

    assert answer.status_code == 200
    assert (cost.statements, cost.commits) == (0, 0)


def test_looking_at_a_purchase_under_way_costs_one_statement(shop: Street) -> None:
    _buy("visitor")(shop)

    with _measured(shop.wired.db) as cost:
        answer = _get("visitor", "/v1/checkout/{checkout_id}")(shop)

    assert answer.status_code == 200
    assert cost.statements <= 1, "\n".join(cost.sql)
    assert (cost.commits, cost.redis) == (0, 0)


def test_a_purchase_is_three_commits(shop: Street) -> None:
    with _measured(shop.wired.db) as accepted:
        shop.people["visitor"].buy(key="k")
    with _measured(shop.wired.db) as worked:
        shop.queue.drain()

    assert (accepted.commits, worked.commits) == (1, 2)  # accept; reserve, price, claim; the rest
    assert worked.statements <= 38, "\n".join(worked.sql)


def test_a_sold_out_sale_costs_postgresql_nothing_to_write(shop: Street) -> None:
    visitor: Person = shop.people["visitor"]
    visitor.post("/v1/cart", {"sku_id": shop.sku_id, "qty": 998})

    with _measured(shop.wired.db) as cost:
        answer = visitor.buy(key="k")

    assert answer.status_code == 409
    assert cost.commits == 0
    assert cost.statements <= 1, "\n".join(cost.sql)


@contextmanager
def _measured(db: Database) -> Iterator[Cost]:
    cost = Cost()

    def committed(_connection: Any) -> None:
        cost.commits += 1

    sent = redis.connection.AbstractConnection.send_packed_command

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        cost.redis += 1
        return sent(self, *args, **kwargs)

    event.listen(db.engine, "commit", committed)
    try:
        with pytest.MonkeyPatch.context() as patch, statements(db) as cost.sql:
            patch.setattr(redis.connection.AbstractConnection, "send_packed_command", counted)
            yield cost
    finally:
        event.remove(db.engine, "commit", committed)
