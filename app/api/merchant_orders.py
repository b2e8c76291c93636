"""A merchant's part of the orders."""

from typing import Any
from uuid import UUID

from app.api.schemas.shipments import SoldOrderPageSchema, SoldOrdersArgs, SoldOrderSchema
from app.orders.selling import SoldOrder, sold_order, sold_orders
from app.web.auth import Scope, merchant_id, requires
from app.web.blueprints import Blueprint
from app.web.pagination import Page, decode_cursor, paginate
from app.web.transactions import reading

merchant_orders = Blueprint(
    "merchant_orders", __name__, url_prefix="/v1/merchant", description="A merchant's orders"
)


@merchant_orders.route("/orders", methods=["GET"])
@requires(Scope.ORDERS_FULFIL)
@merchant_orders.arguments(SoldOrdersArgs, location="query")
@merchant_orders.response(200, SoldOrderPageSchema)
def list_sold_orders(asked: dict[str, Any]) -> Page[SoldOrder]:
    """The orders with own lines, newest first; of each the own part alone."""
    kind = f"sold-orders {merchant_id()} {asked['state']}"
    with reading() as session:
        rows = sold_orders(
            session,
            merchant_id(),
            state=asked["state"],
            after=decode_cursor(kind, asked["after"])[0] if asked["after"] else None,
            limit=asked["limit"] + 1,
        )
    return paginate(rows, limit=asked["limit"], kind=kind, key=lambda order: [order.id])


@merchant_orders.route('/orders/<id(prefix="ord"):order_id>', methods=["GET"])
@requires(Scope.ORDERS_FULFIL)
@merchant_orders.response(200, SoldOrderSchema)
@merchant_orders.alt_response(404, "NOT_FOUND")
def show_sold_order(order_id: UUID) -> SoldOrder:
    """The own part of an order: what to send, where to, and what was sent."""
    with reading() as session:
        return sold_order(session, merchant_id(), order_id)
