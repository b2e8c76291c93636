"""A merchant's own side: products in every state, stock and warehouses."""

from functools import partial
from typing import Any
from uuid import UUID

from app.accounts.models import Merchant
from app.api.schemas.catalog import OwnProductPageSchema, OwnProductSchema
from app.api.schemas.merchants import (
    AdjustmentSchema,
    BookedSchema,
    OwnProductsArgs,
    ReceiptSchema,
    StockArgs,
    StockPageSchema,
    WarehousesSchema,
)
from app.catalog import queries, service
from app.catalog.errors import ProductNotFound
from app.catalog.queries import StockLine
from app.catalog.views import ProductView
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.web.auth import Scope, merchant_id, requires
from app.web.blueprints import Blueprint
from app.web.conditional import version_tag
from app.web.idempotency import idempotent
from app.web.pagination import Page, decode_cursor, paginate
from app.web.transactions import reading, transaction
from app.wiring import providers

merchants = Blueprint(
    "merchants", __name__, url_prefix="/v1/merchant", description="A merchant's own side"
)


@merchants.route("/products", methods=["GET"])
@requires(Scope.CATALOG_WRITE)
@merchants.arguments(OwnProductsArgs, location="query")
@merchants.response(200, OwnProductPageSchema)
def list_own_products(asked: dict[str, Any]) -> Page[ProductView]:
    """The own products, newest first, drafts and archived ones too."""
    kind = f"own-products {merchant_id()} {asked['status']}"
    with reading() as session:
        rows = queries.owned_products(
            session,
            merchant_id(),
            status=asked["status"],
            after=decode_cursor(kind, asked["after"])[0] if asked["after"] else None,
            limit=asked["limit"] + 1,
        )
    return paginate(rows, limit=asked["limit"], kind=kind, key=lambda product: [product.id])


@merchants.route('/products/<id(prefix="prd"):product_id>', methods=["GET"])
@requires(Scope.CATALOG_WRITE)
@merchants.response(200, OwnProductSchema)
@merchants.alt_response(404, "NOT_FOUND")
def show_own_product(product_id: UUID) -> tuple[ProductView, int, dict[str, str]]:
    """An own product, whatever its state."""
    with reading() as session:
        shown = queries.owned(session, product_id, merchant_id=merchant_id())
    if shown is None:
        raise ProductNotFound("There is no such product.")
    return shown, 200, version_tag(shown.version)


@merchants.route("/warehouses", methods=["GET"])
@requires(Scope.STOCK_READ)
@merchants.response(200, WarehousesSchema)
def list_warehouses() -> dict[str, Any]:
    """Where the merchant may keep stock: its own warehouses and the shared ones."""
    with reading() as session:
        merchant = session.get_one(Merchant, merchant_id())
        places = queries.warehouses(session, merchant.id)
    rows = [
        {
            "id": place.id,
            "name": place.name,
            "country": place.country,
            "priority": place.priority,
            "shared": place.merchant_id is None,
            "default": place.id == merchant.default_warehouse_id,
            "address": place.address,
        }
        for place in places
    ]
    return {"data": rows}


@merchants.route("/stock", methods=["GET"])
@requires(Scope.STOCK_READ)
@merchants.arguments(StockArgs, location="query")
@merchants.response(200, StockPageSchema)
def list_stock(asked: dict[str, Any]) -> Page[StockLine]:
    """What lies where, of the own SKUs."""
    kind = f"stock {merchant_id()} {asked['sku_id']}"
    after = decode_cursor(kind, asked["after"]) if asked["after"] else None
    with reading() as session:
        rows = queries.stock_lines(
            session,
            merchant_id(),
            sku_id=asked["sku_id"],
            after=(after[0], after[1]) if after else None,
            limit=asked["limit"] + 1,
        )
    return paginate(
        rows, limit=asked["limit"], kind=kind, key=lambda line: [line.sku_id, line.warehouse_id]
    )


@merchants.route("/stock/receipts", methods=["POST"])
@requires(Scope.STOCK_WRITE)
@idempotent
@merchants.arguments(ReceiptSchema)
@merchants.response(201, BookedSchema)
@merchants.alt_response(404, "NOT_FOUND")
@merchants.alt_response(409, "CONFLICT")
def receive_stock(receipt: dict[str, Any]) -> dict[str, Any]:
    """Book units that came in.

    Refused as `sku_not_found`, `warehouse_not_found`, `no_warehouse` or `reference_reused`.
    """
    receipt["reference"] = receipt["reference"] or new_id()
    with transaction() as session:
        place = service.receive_stock(session, merchant_id=merchant_id(), **receipt)
        return _booked(session, receipt, place)


@merchants.route("/stock/adjustments", methods=["POST"])
@requires(Scope.STOCK_WRITE)
@idempotent
@merchants.arguments(AdjustmentSchema)
@merchants.response(201, BookedSchema)
@merchants.alt_response(404, "NOT_FOUND")
@merchants.alt_response(409, "CONFLICT")
def adjust_stock(adjustment: dict[str, Any]) -> dict[str, Any]:
    """Book what a count found. What is reserved is promised and stays.

    Refused as `stock_too_low`, or as a receipt is.
    """
    adjustment["reference"] = adjustment["reference"] or new_id()
    with transaction() as session:
        place = service.adjust_stock(session, merchant_id=merchant_id(), **adjustment)
        return _booked(session, adjustment, place)


def _booked(session: ShopSession, movement: dict[str, Any], place: UUID) -> dict[str, Any]:
    """The ledger's number and the balance; after the commit the stock gate learns of it."""
    sku_id = movement["sku_id"]
    session.afterwards(partial(providers().gate.mark_dirty, [sku_id]))
    lines = queries.stock_lines(session, merchant_id(), sku_id=sku_id, limit=1_000)
    here = next(line for line in lines if line.warehouse_id == place)
    return {"reference": movement["reference"], "stock": here}
