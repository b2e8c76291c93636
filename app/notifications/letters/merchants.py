"""Words of letters to merchants."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Merchant
from app.catalog.models import Product, Sku
from app.inventory.models import Inventory
from app.notifications.errors import NothingToShow
from app.notifications.letters.kinds import Words
from app.notifications.links import Links


def low_stock(session: Session, sku_id: UUID, _links: Links) -> Words:
    """Which SKU runs low, and how much of it can still be sold."""
    left = select(func.coalesce(func.sum(Inventory.stock_available), 0)).where(
        Inventory.sku_id == Sku.id
    )
    found = session.execute(
        select(Sku, Product.name, Merchant, left.scalar_subquery())
        .join(Product, Product.id == Sku.product_id)
        .join(Merchant, Merchant.id == Sku.merchant_id)
        .where(Sku.id == sku_id)
    ).first()
    if found is None:
        raise NothingToShow("There is no such SKU.")
    sku, name, merchant, units = found
    own = merchant.settings.get("low_stock_at")
    return {
        "name": name,
        "sku": sku.code,
        "merchant": merchant.name,
        "merchants": [merchant.name],
        "left": int(units),
        "mark": sku.low_stock_at if sku.low_stock_at is not None else own or 0,
    }
