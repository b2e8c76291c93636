"""Products are written here. The cheapest active SKU is the product's price, always."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.catalog import queries
from app.catalog.drafts import ProductDraft
from app.catalog.errors import ProductChanged, ProductNotFound, SlugTaken, UnknownCategory
from app.catalog.events import ProductCreated, ProductDeleted, ProductUpdated
from app.catalog.models import Product, ProductStatus, Sku
from app.catalog.service.skus import (
    add_skus,
    cheapest_of,
    merchant_of,
    plain_conflicts,
    write_skus,
)
from app.catalog.service.stock import refresh_totals
from app.events.outbox import announce
from app.platform.db import ShopSession
from app.platform.ids import new_id


def create(session: ShopSession, *, merchant_id: UUID, draft: ProductDraft) -> Product:
    """Put a product into a merchant's catalog, with its SKUs and the stock it brings.

    Raises SkuCodeTaken, SlugTaken, UnknownCategory, CurrencyMismatch, NoWarehouse.
    """
    merchant = merchant_of(session, merchant_id)
    product = Product(
        id=new_id(),
        merchant_id=merchant.id,
        name=draft.name,
        slug=draft.slug or _slug(draft.name),
        description=draft.description,
        category_id=_category_id(session, draft.category),
        currency=merchant.currency,
        status=draft.status,
        attributes=dict(draft.attributes),
        version=1,
    )
    _save_under_a_free_slug(session, product, wanted=draft.slug is not None)
    skus = add_skus(session, product, draft.skus, merchant)
    product.price = cheapest_of(skus)
    product.stock_total = sum(sku.stock for sku in draft.skus)
    announce(session, ProductCreated(product.id, merchant.id, product.version))
    return product


def update(
    session: ShopSession,
    product_id: UUID,
    *,
    merchant_id: UUID,
    changes: Mapping[str, Any],
    version: int | None = None,
) -> Product:
    """Write what is named in `changes`; `skus` changes those it names and adds those it does not
    know.

    A SKU is named by `id` or `code`; its `stock` counts for a new one alone. Raises ProductNotFound
    (another merchant's too), ProductChanged when `version` is not the current one.
    """
    product = _locked(session, product_id, merchant_id, version)
    merchant = merchant_of(session, merchant_id)
    for name in ("name", "description", "slug", "status", "attributes"):
        if name in changes:
            setattr(product, name, changes[name])
    if "category" in changes:
        product.category_id = _category_id(session, changes["category"])
    with plain_conflicts(product):
        session.flush()
    skus = list(session.scalars(select(Sku).where(Sku.product_id == product.id)))
    added = write_skus(session, product, skus, changes.get("skus", ()), merchant)
    product.price = cheapest_of([*skus, *added])
    refresh_totals(session, [sku.id for sku in (*skus, *added)])
    _written(product)
    announce(session, ProductUpdated(product.id, merchant_id, product.version))
    return product


def archive(
    session: ShopSession, product_id: UUID, *, merchant_id: UUID, version: int | None = None
) -> Product:
    """Take a product out of the shop. Doing it again changes nothing; orders keep what they
    bought."""
    product = _locked(session, product_id, merchant_id, version)
    if product.status is not ProductStatus.ARCHIVED:
        product.status = ProductStatus.ARCHIVED
        _written(product)
        announce(session, ProductDeleted(product.id, merchant_id, product.version))
    return product


def _locked(
    session: ShopSession, product_id: UUID, merchant_id: UUID, version: int | None
) -> Product:
    product = session.scalar(
        select(Product)
        .where(Product.id == product_id, Product.merchant_id == merchant_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if product is None:
        raise ProductNotFound("There is no such product.")
    if version is not None and version != product.version:
        raise ProductChanged(
            "The product was written since you read it: read it again.", version=product.version
        )
    return product


def _written(product: Product) -> None:
    product.version += 1
    product.updated_at = func.shop_now()


def _category_id(session: ShopSession, word: str | None) -> UUID | None:
    if word is None:
        return None
    found = queries.category(session, word)
    if found is None:
        raise UnknownCategory(f"There is no category {word!r}.", category=word)
    return found.id


def _save_under_a_free_slug(session: ShopSession, product: Product, *, wanted: bool) -> None:
    """A slug made of the name gives way to one that is taken; a slug asked for is refused."""
    try:
        with session.begin_nested(), plain_conflicts(product):
            session.add(product)
            session.flush()
    except SlugTaken:
        if wanted:
            raise
        product.slug = f"{product.slug}-{product.id.hex[-8:]}"
        session.add(product)
        session.flush()


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "product"
