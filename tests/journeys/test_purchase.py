"""A purchase from the cart to the paid order, and the ways it is refused, in one process."""

from sqlalchemy import select

from app.inventory.models import Inventory
from app.platform.db import Database
from devstack.stripe.server import RunningServer
from tests.journeys.conftest import Shop


def _stock(db: Database, shop: Shop) -> tuple[int, int]:
    with db.reading() as session:
        row = session.scalars(select(Inventory).where(Inventory.sku_id == shop.sku.id)).one()
        return row.stock_available, row.stock_reserved


def test_a_guest_buys_and_gets_a_confirmed_order(shop: Shop, db: Database) -> None:
    cart = shop.cart(qty=2)
    answer = shop.buy(cart)

    shop.work()

    seen = shop.look(cart, answer)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/checkout/{answer.json['id']}"
    assert seen["state"] == "confirmed"
    assert seen["order"]["total"] == 10_490
    assert seen["order"]["payment"]["status"] == "authorized"
    assert _stock(db, shop) == (8, 2)


def test_a_declined_card_gives_everything_back(
    shop: Shop, db: Database, psp: RunningServer
) -> None:
    cart = shop.cart()
    answer = shop.buy(cart, token="pm_card_chargeDeclined")

    shop.work()

    seen = shop.look(cart, answer)
    assert seen["state"] == "failed"
    assert seen["failure"]["code"] == "payment_declined"
    assert _stock(db, shop) == (10, 0)
    assert shop.buy(cart, token="pm_card_visa").status_code == 202
