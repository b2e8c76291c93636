"""A merchant's own choices, and its warehouses."""

from typing import Any
from uuid import UUID

from app.accounts.models import Merchant
from app.accounts.settings import MerchantSettings, change_settings, settings_of
from app.api.schemas.merchants import WarehouseSchema
from app.api.schemas.settings import (
    NewWarehouseSchema,
    SettingsChangeSchema,
    SettingsSchema,
    WarehouseChangeSchema,
)
from app.inventory import service
from app.inventory.models import Warehouse
from app.platform.db import ShopSession
from app.web.auth import Scope, merchant_id, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.transactions import reading, transaction

settings = Blueprint(
    "settings", __name__, url_prefix="/v1/merchant", description="A merchant's own choices"
)


@settings.route("/settings", methods=["GET"])
@requires(Scope.SETTINGS_READ)
@settings.response(200, SettingsSchema)
def show_settings() -> MerchantSettings:
    """What the merchant chose, defaults filled in."""
    with reading() as session:
        return settings_of(session, merchant_id())


@settings.route("/settings", methods=["PATCH"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@settings.arguments(SettingsChangeSchema)
@settings.response(200, SettingsSchema)
def write_settings(changes: dict[str, Any]) -> MerchantSettings:
    """Write some choices over. Orders under way follow the capture mode of the moment they are
    confirmed."""
    with transaction() as session:
        return change_settings(session, merchant_id(), changes)


@settings.route("/warehouses", methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@settings.arguments(NewWarehouseSchema)
@settings.response(201, WarehouseSchema)
def open_warehouse(wanted: dict[str, Any]) -> dict[str, Any]:
    """Open a warehouse of one's own; the first one is the default."""
    with transaction() as session:
        place = service.open_warehouse(session, merchant_id=merchant_id(), **wanted)
        return _shown(session, place)


@settings.route('/warehouses/<id(prefix="whs"):warehouse_id>', methods=["PATCH"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@settings.arguments(WarehouseChangeSchema)
@settings.response(200, WarehouseSchema)
@settings.alt_response(404, "NOT_FOUND")
def change_warehouse(changes: dict[str, Any], warehouse_id: UUID) -> dict[str, Any]:
    """Change a warehouse of one's own, or make one the default.

    A shared one can be the default; changing it is refused as `warehouse_shared`.
    """
    default = changes.pop("default", False)
    with transaction() as session:
        place = service.change_warehouse(
            session, warehouse_id, merchant_id=merchant_id(), changes=changes, default=default
        )
        return _shown(session, place)


def _shown(session: ShopSession, place: Warehouse) -> dict[str, Any]:
    default = session.get_one(Merchant, merchant_id(), populate_existing=True).default_warehouse_id
    return {
        "id": place.id,
        "name": place.name,
        "country": place.country,
        "address": place.address,
        "priority": place.priority,
        "shared": place.merchant_id is None,
        "default": place.id == default,
    }
