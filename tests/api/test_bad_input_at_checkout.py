"""Purchases that are refused: at once or by their saga, and everything is given back."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.config import Settings
from app.inventory.models import Inventory
from app.orders.models import Order
from app.orders.states import OrderState
from app.platform.db import Database
from app.platform.ids import decode
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.api.snapshots import flights, rows
from tests.factories import ADDRESS


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose people all own something."""
    return street(providers, queue, client)


@pytest.fixture
def guest(shop: Street) -> Person:
    """A guest with a cart, about to buy."""
    return shop.visitor()


@pytest.fixture(autouse=True)
def _every_invariant_holds_afterwards(audited: None) -> None:
    """No refusal may leave a shop that does not add up."""


def test_a_cart_that_lapsed_is_gone(shop: Street, guest: Person, db: Database) -> None:
    for key in shop.wired.redis.scan_iter("cart:*"):
        shop.wired.redis.pexpire(key, 1)
        while shop.wired.redis.exists(key):
            pass
    before = rows(db)

    answer = guest.buy()

    assert (answer.status_code, (answer.json or {})["code"]) == (404, "cart_not_found")
    assert rows(db) == before
    assert not any(flights(shop.wired.redis).values())


def test_an_empty_cart_is_not_bought(shop: Street, guest: Person, db: Database) -> None:
    guest.delete(f"/v1/cart/{guest.ids['cart_id']}/lines/{shop.sku_id}")
    before = rows(db)

    answer = guest.buy()

    assert (answer.status_code, (answer.json or {})["code"]) == (422, "cart_empty")
    assert rows(db) == before


def test_what_is_sold_out_is_refused_at_once_with_what_is_left(
    shop: Street, guest: Person, db: Database
) -> None:
    guest.post("/v1/cart", {"sku_id": shop.sku_id, "qty": 998})  # 998 are left of 1,000
    before, counted = rows(db), _counters(shop)

    answer = guest.buy()

    body: dict[str, Any] = answer.json or {}
    assert (answer.status_code, body["code"]) == (409, "out_of_stock")
    assert body["lines"] == [{"sku_id": shop.sku_id, "wanted": 999, "left": 998}]
    assert rows(db) == before
    assert _counters(shop) == counted
    assert not any(flights(shop.wired.redis).values())


def test_a_price_that_changed_is_told_before_anything_is_charged(
    shop: Street, guest: Person, db: Database
) -> None:
    with db.transaction() as session:
        session.execute(update(Sku).where(Sku.id == shop.sku.id).values(price=6_000))
    before = rows(db)

    answer = guest.buy()

    body: dict[str, Any] = answer.json or {}
    assert (answer.status_code, body["code"]) == (409, "price_changed")
    assert body["lines"] == [{"sku_id": shop.sku_id, "old": 5_000, "new": 6_000}]
    assert rows(db) == before
    _gate_agrees(shop)


def test_what_is_not_sold_any_more_is_told(shop: Street, guest: Person, db: Database) -> None:
    merchant = shop.people["merchant"]
    merchant.delete(f"/v1/products/{merchant.ids['product_id']}")
    before = rows(db)

    answer = guest.buy()

    assert (answer.status_code, (answer.json or {})["code"]) == (409, "sku_not_for_sale")
    assert rows(db) == before
    _gate_agrees(shop)


def test_a_key_is_not_taken_for_another_purchase(shop: Street, guest: Person, db: Database) -> None:
    guest.buy(key="my-key")
    before = rows(db)

    answer = guest.buy(key="my-key", payment_method_token="pm_card_mastercard")

    assert (answer.status_code, (answer.json or {})["code"]) == (422, "idempotency_key_reused")
    assert rows(db) == before


def test_a_cart_under_way_is_not_bought_with_other_words(
    shop: Street, guest: Person, db: Database
) -> None:
    guest.buy()
    before = rows(db)

    answer = guest.buy("pm_card_mastercard")

    body: dict[str, Any] = answer.json or {}
    assert (answer.status_code, body["code"]) == (409, "checkout_in_progress")
    assert body["checkout_id"] == guest.ids["checkout_id"]
    assert rows(db) == before


def test_a_cart_under_way_does_not_change(shop: Street, guest: Person, db: Database) -> None:
    guest.buy()
    before = rows(db)

    answer = guest.post("/v1/cart", {"sku_id": shop.sku_id, "qty": 1})

    assert (answer.status_code, (answer.json or {})["code"]) == (409, "cart_locked")
    assert rows(db) == before


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"payment_method_token": "pm_card_chargeDeclined"}, "payment_declined"),
        ({"payment_method_token": "pm_card_chargeDeclinedInsufficientFunds"}, "payment_declined"),
        ({"payment_method_token": "pm_no_such_card"}, "payment_declined"),
        ({"coupon": "FREE"}, "coupon_unknown"),
        ({"shipping_service": "rocket"}, "unknown_shipping_service"),
        ({"expected_total": 1}, "price_changed"),
        (
            {"shipping_address": ADDRESS | {"country": "FR", "postal_code": "75001"}},
            "no_shipping_to_country",
        ),
    ],
    ids=[
        "declined", "no-funds", "no-such-card", "coupon", "service", "agreed-total", "country",
    ],
)  # fmt: skip
def test_a_purchase_refused_by_its_saga_gives_everything_back(
    shop: Street, guest: Person, db: Database, given: dict[str, Any], code: str
) -> None:
    stock, orders = _stock(db, shop), _orders(db)

    answer = guest.buy(**given)
    shop.queue.drain()

    seen = guest.get(f"/v1/checkout/{guest.ids['checkout_id']}").json or {}
    assert answer.status_code == 202
    assert (seen["state"], seen["failure"]["code"]) == ("failed", code)
    assert seen["failure"]["detail"]
    assert (_stock(db, shop), _orders(db)) == (stock, orders)
    assert (guest.get("/v1/cart").json or {})["status"] == "open"
    _gate_agrees(shop)


def test_a_declined_card_says_why(shop: Street, guest: Person) -> None:
    guest.buy("pm_card_chargeDeclinedInsufficientFunds")
    shop.queue.drain()

    seen = guest.get(f"/v1/checkout/{guest.ids['checkout_id']}").json or {}
    assert "insufficient_funds" in str(seen["failure"])


def test_a_refused_purchase_leaves_no_word_of_its_own_kept(shop: Street, guest: Person) -> None:
    guest.buy("pm_card_chargeDeclined")
    shop.queue.drain()

    again = guest.buy("pm_card_visa")
    shop.queue.drain()

    seen = guest.get(f"/v1/checkout/{guest.ids['checkout_id']}").json or {}
    assert again.status_code == 202
    assert seen["state"] == "confirmed"


def _stock(db: Database, shop: Street) -> tuple[int, int]:
    with db.reading() as session:
        row = session.scalars(select(Inventory).where(Inventory.sku_id == shop.sku.id)).one()
        return row.stock_available, row.stock_reserved


def _orders(db: Database) -> tuple[int, int]:
    """Orders that were confirmed, and purchases under way."""
    with db.reading() as session:
        confirmed = select(func.count()).where(Order.state == OrderState.CONFIRMED)
        running = select(func.count()).where(Checkout.state == "running")
        return session.scalar(confirmed) or 0, session.scalar(running) or 0


def _counters(shop: Street) -> dict[str, str | None]:
    redis = shop.wired.redis
    return {key: redis.get(key) for key in sorted(redis.scan_iter("{g*:free:*"))}


def _gate_agrees(shop: Street) -> None:
    """Nothing is in flight, and after the next load the counter is what PostgreSQL says."""
    shop.wired.gate.load_dirty(limit=100)
    left = shop.wired.redis.get(f"{{g0}}:free:{decode('sku', shop.sku_id)}")
    assert not any(flights(shop.wired.redis).values())
    assert left == str(_stock(shop.wired.db, shop)[0])
    assert shop.wired.gate.check([shop.sku.id]) == []
