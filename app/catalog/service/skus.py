"""The SKUs of a product: their codes are one merchant's own, their prices in its currency."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts.models import Merchant
from app.catalog.drafts import SkuDraft
from app.catalog.errors import (
    IncompleteSku,
    NoWarehouse,
    ProductNotFound,
    SkuCodeTaken,
    SkuNotFound,
    SlugTaken,
    StockByReceipt,
)
from app.catalog.models import Product, Sku, SkuStatus
from app.inventory.service import Receipt, receive_all
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.money import CurrencyMismatch

_FIELDS = (
    "code", "price", "options", "compare_at", "weight_g", "size", "tax_code", "barcode",
    "low_stock_at",
)  # fmt: skip


def add_skus(
    session: ShopSession, product: Product, drafts: Sequence[SkuDraft], merchant: Merchant
) -> list[Sku]:
    """Add SKUs to a product and receive the stock they bring into the default warehouse."""
    skus = [_sku(product, draft, merchant) for draft in drafts]
    _refuse_twins(sku.code for sku in skus)
    with plain_conflicts(product):
        session.add_all(skus)
        session.flush()
    opening = [
        # The SKU is the reference: its first stock is received once, as it is made once.
        Receipt(sku.id, default_warehouse(merchant), draft.stock, sku.id, "opening stock")
        for sku, draft in zip(skus, drafts, strict=True)
        if draft.stock
    ]
    if opening:
        receive_all(session, opening)
    return skus


def write_skus(
    session: ShopSession,
    product: Product,
    skus: Sequence[Sku],
    changes: Iterable[Mapping[str, Any]],
    merchant: Merchant,
) -> list[Sku]:
    """Change the SKUs that are named by id or code, add the others; gives the added ones."""
    by_id, by_code = {sku.id: sku for sku in skus}, {sku.code: sku for sku in skus}
    new: list[SkuDraft] = []
    for change in changes:
        _check_currency(change.get("currency"), merchant)
        sku = by_id.get(change["id"]) if "id" in change else by_code.get(change.get("code", ""))
        if sku is not None:
            _change_sku(sku, change)
        elif "id" in change:
            raise SkuNotFound("This product has no such SKU.")
        elif "code" in change and "price" in change:
            new.append(SkuDraft(**change))
        else:
            raise IncompleteSku("A new SKU needs a code and a price.")
    _refuse_twins(sku.code for sku in skus)
    with plain_conflicts(product):
        session.flush()
    return add_skus(session, product, new, merchant)


def cheapest_of(skus: Iterable[Sku]) -> int | None:
    """The lowest price among active SKUs, in minor units; None when nothing is for sale."""
    return min((sku.price for sku in skus if sku.status is SkuStatus.ACTIVE), default=None)


def merchant_of(session: ShopSession, merchant_id: UUID) -> Merchant:
    """The merchant who writes."""
    merchant = session.get(Merchant, merchant_id)
    if merchant is None:
        raise ProductNotFound("There is no such merchant.")
    return merchant


def default_warehouse(merchant: Merchant) -> UUID:
    """Where stock goes when no warehouse is named. Raises NoWarehouse."""
    if merchant.default_warehouse_id is None:
        raise NoWarehouse("You have no default warehouse to receive stock in.")
    return merchant.default_warehouse_id


@contextmanager
def plain_conflicts(product: Product) -> Iterator[None]:
    """The database decides who was first; its refusal becomes the shop's."""
    slug = product.slug
    try:
        yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if constraint == "uq_skus_merchant_id_code":
            raise SkuCodeTaken("You use this code for another SKU.") from error
        if constraint == "uq_products_merchant_id_slug":
            raise SlugTaken(f"You use the slug {slug!r} for another product.", slug=slug) from error
        raise


def _sku(product: Product, draft: SkuDraft, merchant: Merchant) -> Sku:
    _check_currency(draft.currency, merchant)
    return Sku(
        id=new_id(),
        product_id=product.id,
        merchant_id=merchant.id,
        code=draft.code,
        options=dict(draft.options),
        price=draft.price,
        currency=merchant.currency,
        compare_at=draft.compare_at,
        weight_g=draft.weight_g,
        size=dict(draft.size) if draft.size else None,
        tax_code=draft.tax_code,
        barcode=draft.barcode,
        low_stock_at=draft.low_stock_at,
        status=draft.status,
    )


def _change_sku(sku: Sku, change: Mapping[str, Any]) -> None:
    if "stock" in change:
        raise StockByReceipt("Book the stock of a known SKU by receipts or adjustments.")
    for name in (*_FIELDS, "status"):
        if name in change:
            setattr(sku, name, change[name])


def _check_currency(currency: str | None, merchant: Merchant) -> None:
    if currency is not None and currency != merchant.currency:
        raise CurrencyMismatch(
            f"This merchant sells in {merchant.currency}, not in {currency}.",
            currency=merchant.currency,
        )


def _refuse_twins(codes: Iterable[str]) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise SkuCodeTaken(f"The code {code!r} is given twice.", sku_code=code)
        seen.add(code)
