"""A merchant's own stock: what it received, what a count found, and the totals shoppers filter
by."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select, update

from app.catalog import queries
from app.catalog.errors import SkuNotFound, WarehouseNotFound
from app.catalog.models import Product, Sku, SkuStatus
from app.catalog.service.skus import default_warehouse, merchant_of
from app.inventory import service as inventory
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
    return concerned


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
