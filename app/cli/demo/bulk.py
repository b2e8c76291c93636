"""Writes demo products by COPY: thousands of rows a second, each balance with its ledger row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import func, select

from app.catalog.service import average
from app.cli.demo.opinions import READERS
from app.cli.demo.products import DemoProduct, DemoSku
from app.platform.db import ShopSession
from app.platform.ids import new_id


@dataclass(frozen=True)
class Shelf:
    """Where products go: merchants and categories by slug, the two warehouses, the currency; and
    who reviews them, in the order of `READERS`."""

    merchants: Mapping[str, UUID]
    categories: Mapping[str, UUID]
    warehouses: tuple[UUID, UUID]
    currency: str
    readers: tuple[UUID, ...]


_TABLES = {
    "products": "id merchant_id name slug description category_id rating rating_count stock_total"
    " price currency status attributes version created_at updated_at",
    "skus": "id product_id merchant_id code options price currency compare_at weight_g tax_code"
    " status",
    "inventory": "sku_id warehouse_id stock_available stock_reserved",
    "inventory_ledger": "id sku_id warehouse_id delta_available delta_reserved reason reference"
    " note at",
    "reviews": "id product_id user_id rating title text author status moderated_by created_at"
    " updated_at",
}


def write_products(session: ShopSession, shelf: Shelf, products: Sequence[DemoProduct]) -> None:
    """Write products with their SKUs and stock in the session's transaction."""
    now = session.execute(select(func.shop_now())).scalar_one()
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
    for product in products:
        _lay_out(rows, shelf, product, now)
    cursor = session.connection().connection.cursor()
    for table, lines in rows.items():
        _copy(cursor, table, lines)


def _lay_out(
    rows: dict[str, list[tuple[Any, ...]]], shelf: Shelf, product: DemoProduct, now: datetime
) -> None:
    product_id, merchant_id = new_id(), shelf.merchants[product.merchant]
    at = now - timedelta(seconds=product.age_seconds)
    rows["products"].append(
        (
            product_id,
            merchant_id,
            product.name,
            product.slug,
            product.description,
            shelf.categories[product.category],
            average(Counter(opinion.stars for opinion in product.reviews)),
            len(product.reviews),
            sum(sum(sku.stock) for sku in product.skus),
            min(sku.price for sku in product.skus),
            shelf.currency,
            "active",
            Jsonb(product.attributes),
            1,
            at,
            at,
        )
    )
    for sku in product.skus:
        sku_id = new_id()
        rows["skus"].append(_sku_row(shelf, product, sku, (sku_id, product_id, merchant_id)))
        _lay_out_stock(rows, shelf, sku_id, sku, at)
    rows["reviews"] += _review_rows(shelf, product, product_id, at)


def _sku_row(
    shelf: Shelf, product: DemoProduct, sku: DemoSku, ids: tuple[UUID, UUID, UUID]
) -> tuple[Any, ...]:
    return (
        *ids,
        sku.code,
        Jsonb(sku.options),
        sku.price,
        shelf.currency,
        sku.compare_at,
        sku.weight_g,
        product.tax_code,
        "active",
    )


def _lay_out_stock(
    rows: dict[str, list[tuple[Any, ...]]], shelf: Shelf, sku_id: UUID, sku: DemoSku, at: datetime
) -> None:
    for warehouse_id, units in zip(shelf.warehouses, sku.stock, strict=True):
        if units:
            rows["inventory"].append((sku_id, warehouse_id, units, 0))
            rows["inventory_ledger"].append(
                (new_id(), sku_id, warehouse_id, units, 0, "receive", sku_id, "opening stock", at)
            )


def _review_rows(
    shelf: Shelf, product: DemoProduct, product_id: UUID, since: datetime
) -> Iterator[tuple[Any, ...]]:
    """Without orders: they came with the catalog, and say so."""
    for opinion in product.reviews:
        first, last = READERS[opinion.reader].split()
        at = since + timedelta(seconds=opinion.after * product.age_seconds)
        said = (opinion.stars, opinion.title, opinion.text, f"{first} {last[0]}.")
        reader = shelf.readers[opinion.reader]
        yield (new_id(), product_id, reader, *said, "published", "seed", at, at)


def _copy(cursor: Any, table: str, lines: Iterable[tuple[Any, ...]]) -> None:
    columns = _TABLES[table].replace(" ", ", ")
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for line in lines:
            copy.write_row(line)
