"""A merchant's own warehouses: open one, change it, make one the default."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update

from app.accounts.models import Merchant
from app.inventory.errors import WarehouseNotFound, WarehouseShared
from app.inventory.models import Warehouse
from app.platform.db import ShopSession
from app.platform.ids import new_id


def open_warehouse(
    session: ShopSession,
    *,
    merchant_id: UUID,
    name: str,
    country: str,
    address: Mapping[str, Any],
    priority: int,
    default: bool,
) -> Warehouse:
    """Open a warehouse of a merchant's own; the first place it has is its default."""
    place = Warehouse(
        id=new_id(),
        merchant_id=merchant_id,
        name=name,
        country=country,
        address=dict(address),
        priority=priority,
    )
    session.add(place)
    session.flush()
    wanted = place.id if default else func.coalesce(Merchant.default_warehouse_id, place.id)
    _make_default(session, merchant_id, wanted)
    return place


def change_warehouse(
    session: ShopSession,
    warehouse_id: UUID,
    *,
    merchant_id: UUID,
    changes: Mapping[str, Any],
    default: bool = False,
) -> Warehouse:
    """Change the name, address, country or priority of an own warehouse, or make it the default.

    A shared one can be the default and is not the merchant's to change. Raises WarehouseNotFound,
    WarehouseShared.
    """
    place = session.scalar(
        select(Warehouse)
        .where(
            Warehouse.id == warehouse_id,
            or_(Warehouse.merchant_id == merchant_id, Warehouse.merchant_id.is_(None)),
        )
        .with_for_update(key_share=True)
    )
    if place is None:
        raise WarehouseNotFound("There is no such warehouse.")
    if changes and place.merchant_id is None:
        raise WarehouseShared("A shared warehouse is not yours to change.")
    for name, value in changes.items():
        setattr(place, name, value)
    session.flush()
    if default:
        _make_default(session, merchant_id, warehouse_id)
    return place


def _make_default(session: ShopSession, merchant_id: UUID, warehouse_id: Any) -> None:
    session.execute(
        update(Merchant)
        .where(Merchant.id == merchant_id)
        .values(default_warehouse_id=warehouse_id)
        .execution_options(synchronize_session="fetch")
    )
