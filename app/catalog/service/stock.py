"""A merchant's own stock: what it received, what a count found, and the totals shoppers filter
by."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, and_, false, func, select, update

from app.accounts.models import Merchant
from app.catalog import queries
from app.catalog.errors import SkuNotFound
from app.catalog.models import Product, Sku, SkuStatus
from app.catalog.service.skus import default_warehouse, merchant_of
from app.events.outbox import announce
from app.inventory import service as inventory
from app.inventory.errors import WarehouseNotFound
from app.inventory.events import StockLow
from app.inventory.models import Inventory
from app.platform.db import ShopSession


def receive_stock(
    session: ShopSession,
    *,
    merchant_id: UUID,
    sku_id: UUID,
    qty: int,
    reference: UUID,
    warehouse_id: UUID | None = None,
    note: str | None = None,
) -> UUID:
    """Book units a merchant has received; gives the warehouse. The same reference books once."""
    place = _place(session, merchant_id, sku_id, warehouse_id)
    inventory.receive(
        session, sku_id=sku_id, warehouse_id=place, qty=qty, reference=reference, note=note
    )
    return place


def adjust_stock(
    session: ShopSession,
    *,
    merchant_id: UUID,
    sku_id: UUID,
    delta: int,
    reference: UUID,
    warehouse_id: UUID | None = None,
    note: str | None = None,
) -> UUID:
    """Book a count that was off by `delta` units; gives the warehouse. Never below zero."""
    place = _place(session, merchant_id, sku_id, warehouse_id)
    inventory.adjust(
        session, sku_id=sku_id, warehouse_id=place, delta=delta, reference=reference, note=note
    )
    return place


def refresh_totals(session: ShopSession, sku_ids: Collection[UUID]) -> set[UUID]:
    """Bring `stock_total` of the products of these SKUs up to date; gives the products concerned.

    It is a projection, in units available of active SKUs: written behind the sales, never in them.
    The merchant of a SKU that fell to its mark is told, once a dip.
    """
    concerned = set(session.scalars(select(Sku.product_id).where(Sku.id.in_(set(sku_ids)))))
    if not concerned:
        return concerned
    total = (
        select(func.coalesce(func.sum(Inventory.stock_available), 0))
        .join(Sku, Sku.id == Inventory.sku_id)
        .where(Sku.product_id == Product.id, Sku.status == SkuStatus.ACTIVE)
        .scalar_subquery()
    )
    # In id order, so that two refreshers never wait for each other.
    locked = select(Product.id).where(Product.id.in_(concerned)).order_by(Product.id)
    session.execute(locked.with_for_update())
    session.execute(
        update(Product)
        .where(Product.id.in_(concerned), Product.stock_total != total)
        .values(stock_total=total)
        .execution_options(synchronize_session=False)
    )
    _mark_low(session, sku_ids)
    return concerned


def _mark_low(session: ShopSession, sku_ids: Collection[UUID]) -> None:
    """Turn `is_low` over where it is not true any more; a fall to the mark is announced.

    Whoever turns it over is the one who announces: the products are locked, so that no two look at
    the same stock at once.
    """
    left = _units_left()
    low = func.coalesce(and_(Sku.status == SkuStatus.ACTIVE, left <= _mark()), false())
    turned = session.execute(
        update(Sku)
        .where(Sku.id.in_(set(sku_ids)), Sku.is_low != low)
        .values(is_low=low)
        .returning(Sku.id, Sku.merchant_id, Sku.is_low, left)
        .execution_options(synchronize_session=False)
    )
    for sku_id, merchant_id, is_low, units in turned.all():
        if is_low:
            announce(session, StockLow(sku_id=sku_id, merchant_id=merchant_id, left=int(units)))


def _units_left() -> ScalarSelect[int]:
    return (
        select(func.coalesce(func.sum(Inventory.stock_available), 0))
        .where(Inventory.sku_id == Sku.id)
        .correlate(Sku)
        .scalar_subquery()
    )


def _mark() -> ColumnElement[int]:
    """The SKU's own mark, or else its merchant's; null where nobody wants to be told."""
    general = (
        select(Merchant.settings["low_stock_at"].as_integer())
        .where(Merchant.id == Sku.merchant_id)
        .correlate(Sku)
        .scalar_subquery()
    )
    return func.coalesce(Sku.low_stock_at, general)


def _place(
    session: ShopSession, merchant_id: UUID, sku_id: UUID, warehouse_id: UUID | None
) -> UUID:
    if not queries.owns_sku(session, merchant_id, sku_id):
        raise SkuNotFound("There is no such SKU.")
    if warehouse_id is None:
        return default_warehouse(merchant_of(session, merchant_id))
    if warehouse_id not in {place.id for place in queries.warehouses(session, merchant_id)}:
        raise WarehouseNotFound("There is no such warehouse.")
    return warehouse_id
