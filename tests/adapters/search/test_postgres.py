"""PostgreSQL as product search: the contract, its statements and its plans."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import delete, event, text, update

from app.accounts.models import Merchant, MerchantStatus
from app.adapters.search.postgres import PostgresSearch
from app.catalog.models import Category, Product
from app.cli.demo import plant
from app.platform.db import Database
from app.platform.ids import new_id
from tests.adapters.search.contract import ProductSearchContract, ask
from tests.factories import make_merchant
from tests.statements import statements

pytestmark = pytest.mark.unaudited("rating_unlike_reviews")


class PostgresShop:
    """Products as rows."""

    def __init__(self, db: Database) -> None:
        self._db = db
        with db.transaction() as session:
            self.blue, self.other = make_merchant(session).id, make_merchant(session).id
            self.categories: dict[str, UUID] = {}
            for path in (
                "clothing", "clothing/shoes", "clothing/shoes/boots", "clothing/shoes/sneakers",
                "clothing/shoelaces", "home", "home/tables",
            ):  # fmt: skip
                slug = path.rsplit("/", 1)[-1]
                category = Category(slug=slug, name=slug.title(), path=path)
                session.add(category)
                session.flush()
                self.categories[slug] = category.id

    def put(self, name: str, *, category: str | None = None, stock: int = 1, **given) -> UUID:
        values = {"merchant_id": self.blue, "price": 1_000, "currency": "EUR"} | given
        product = Product(
            id=new_id(),
            name=name,
            slug=new_id().hex,
            category_id=self.categories[category] if category else None,
            stock_total=stock,
            **values,
        )
        with self._db.transaction() as session:
            session.add(product)
        return product.id

    def suspend(self, merchant_id: UUID) -> None:
        with self._db.transaction() as session:
            session.execute(
                update(Merchant)
                .where(Merchant.id == merchant_id)
                .values(status=MerchantStatus.SUSPENDED)
            )


class TestPostgresSearch(ProductSearchContract):
    @pytest.fixture
    def search(self, db: Database) -> PostgresSearch:
        return PostgresSearch(db)

    @pytest.fixture
    def shop(self, db: Database) -> PostgresShop:
        return PostgresShop(db)

    @pytest.fixture
    def empty_shop(self, db: Database, shop: PostgresShop) -> Callable[[], PostgresShop]:
        def empty() -> PostgresShop:
            with db.transaction() as session:
                session.execute(delete(Product))
            return shop

        return empty


@pytest.mark.parametrize(
    ("words", "filters"), [("", ""), ("boot", ""), ("boott", "category:shoes"), ("", "price:1..9")]
)
def test_a_page_with_facets_takes_three_statements_at_most(db, words, filters):
    PostgresShop(db).put("Boot")
    search = PostgresSearch(db)

    with statements(db) as seen:
        ask(search, words, filters)

    assert len(seen) <= 3


def test_counts_of_a_narrow_search_are_always_fresh(db):
    shop, search = PostgresShop(db), PostgresSearch(db)
    shop.put("Boot")
    ask(search, "boot")
    shop.put("Boot")

    assert ask(search, "boot").facets.in_stock[0].count == 2


@pytest.mark.parametrize(
    ("words", "filters", "sort", "index"),
    [
        ("", "", "", "ix_products_newest"),
        ("", "", "price", "ix_products_listing"),
        ("", "", "-rating", "ix_products_rating"),
        ("", "price:1000..2000", "-price", "ix_products_listing"),
        ("leather boots", "", "", "ix_products_search"),
        ("lether bots", "", "", "ix_products_name_trigram"),
    ],
)
def test_a_page_is_read_by_an_index(big_shop, words, filters, sort, index):
    pages: list[tuple[str, object]] = []
    event.listen(
        big_shop.engine,
        "before_cursor_execute",
        lambda _c, _k, sql, values, *_: pages.append((sql, values)),
    )
    first = ask(PostgresSearch(big_shop), words, filters, sort)
    ask(PostgresSearch(big_shop), words, filters, sort, after=first.next)

    page = [entry for entry in pages if "ORDER BY p." in entry[0] or "ORDER BY floor" in entry[0]]
    with big_shop.engine.connect() as connection:
        connection.execute(text("SET pg_trgm.word_similarity_threshold = 0.5"))
        cursor = connection.connection.cursor()
        plans = [
            "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {sql}", values).fetchall())
            for sql, values in page
        ]

    assert len(plans) == 2
    for plan in plans:
        assert index in plan


@pytest.fixture(scope="module")
def big_shop(postgres):
    """Three thousand products, enough for the planner to prefer an index."""
    import psycopg

    from tests.databases import TEMPLATE

    name = f"test_{new_id().hex[:16]}"
    plain = postgres.url("postgres").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY wal_log")
        db = Database(postgres.url(name), pool_size=2)
        plant(db, products=3_000)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE products"))
        yield db
        db.dispose()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
