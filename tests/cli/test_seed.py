"""The demo shop: planted once, finished when it was cut off, the same every time."""

import pytest
from sqlalchemy import func, select

from app.accounts.models import Role, User
from app.accounts.passwords import Passwords
from app.catalog.models import Category, Product, Sku
from app.cli.demo import plant
from app.cli.demo.opinions import READERS, REVIEWS_MAX
from app.cli.demo.products import demo_product
from app.inventory import queries as inventory
from app.inventory.models import Inventory
from app.operations import audit
from app.pricing.models import TaxRate
from app.pricing.queries import tax_table
from app.reviews.models import Review
from app.shipping.models import ShippingZone
from tests.statements import statements

CHEAP = Passwords("cheapest")


def count(db, table):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_shop_is_planted_whole(db):
    planted = plant(db, products=300, passwords=CHEAP)

    assert (planted.merchants, planted.users, planted.products) == (3, 3 + len(READERS), 300)
    assert count(db, Product) == 300
    assert 20 <= count(db, Category) <= 30
    assert count(db, ShippingZone) == 12
    with db.reading() as session:
        assert inventory.imbalances(session) == []
        warehouses = session.scalars(select(Inventory.warehouse_id).distinct()).all()
        sold_out = session.scalar(
            select(func.count()).select_from(Product).where(Product.stock_total == 0)
        )
        skus_each = session.scalars(
            select(func.count()).select_from(Sku).group_by(Sku.product_id)
        ).all()
        germany = tax_table(session, "DE", None, [])
    assert len(warehouses) == 2
    assert 5 < sold_out < 60
    assert set(skus_each) == {1, 2, 3, 4}
    assert germany.rates[None, "standard"].ppm == 190_000
    assert germany.rates[None, "reduced"].ppm == 70_000


def test_what_follows_from_skus_and_stock_is_planted_with_them(db):
    plant(db, products=100, passwords=CHEAP)

    with db.reading() as session:
        rows = session.execute(
            select(
                Product.price,
                Product.stock_total,
                select(func.min(Sku.price)).where(Sku.product_id == Product.id).scalar_subquery(),
                select(func.coalesce(func.sum(Inventory.stock_available), 0))
                .join(Sku, Sku.id == Inventory.sku_id)
                .where(Sku.product_id == Product.id)
                .scalar_subquery(),
            )
        ).all()

    assert all(price == cheapest and total == stock for price, total, cheapest, stock in rows)


def test_ratings_are_those_of_the_reviews_that_are_planted_with_them(db):
    plant(db, products=200, passwords=CHEAP)

    with db.reading() as session:
        rated = session.scalar(
            select(func.count()).select_from(Product).where(Product.rating_count > 0)
        )
    assert 150 < rated < 200
    assert count(db, Review) > rated
    assert audit.of_database(db).breaches == ()


def test_a_second_run_adds_nothing_and_asks_little(db):
    plant(db, products=100, passwords=CHEAP)

    with statements(db) as seen:
        planted = plant(db, products=100, passwords=CHEAP)

    assert (planted.merchants, planted.users, planted.products) == (0, 0, 0)
    assert len(seen) < 20
    assert count(db, TaxRate) == 38


def test_a_run_that_was_cut_off_is_finished_by_the_next(db):
    def cut(done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plant(db, products=700, passwords=CHEAP, progress=cut)
    assert count(db, Product) == 500

    planted = plant(db, products=700, passwords=CHEAP)

    assert planted.products == 200
    assert count(db, Product) == 700


def test_a_product_is_the_same_in_every_shop():
    assert demo_product(4_711) == demo_product(4_711)
    assert demo_product(4_711) != demo_product(4_712)


@pytest.mark.parametrize("number", [0, 1, 18, 777, 4_999])
def test_a_demo_product_could_stand_in_a_shop(number):
    product = demo_product(number)

    assert len({opinion.reader for opinion in product.reviews}) == len(product.reviews)
    assert len(product.reviews) <= REVIEWS_MAX
    assert all(1 <= opinion.stars <= 5 for opinion in product.reviews)
    assert all(100 <= sku.price <= 200_000 for sku in product.skus)
    assert all(sku.compare_at is None or sku.compare_at > sku.price for sku in product.skus)
    assert len({tuple(sku.options.items()) for sku in product.skus}) == len(product.skus)
    assert product.slug.isascii()


def test_the_demo_logins_open(client, providers, app):
    answer = app.test_cli_runner().invoke(args=["seed", "--demo", "--products", "40"])

    assert answer.exit_code == 0, answer.output
    assert "40 products added" in answer.output
    for role in Role:
        login = {"email": f"{role}@demo.shop", "password": "cartwright-demo"}
        signed_in = client.post("/v1/auth/login", json=login)
        assert signed_in.status_code == 200
        assert providers.tokens.read(signed_in.json["access_token"]).role is role
    assert count(providers.db, User) == 3 + len(READERS)
    nobody = {"email": "reader-1@demo.shop", "password": "cartwright-demo"}
    assert client.post("/v1/auth/login", json=nobody).status_code == 401


@pytest.mark.parametrize(
    "args", [[], ["--demo", "--products", "-1"], ["--demo", "--products", "x"]]
)
def test_a_wrong_call_gets_one_clear_line(app, args):
    answer = app.test_cli_runner().invoke(args=["seed", *args])

    assert answer.exit_code == 2
    assert "Error:" in answer.output
    assert "Traceback" not in answer.output
