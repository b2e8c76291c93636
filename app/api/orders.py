"""What was bought."""

from typing import Any
from uuid import UUID

from app.api.parties import party_to
from app.api.schemas.orders import (
    CancellationRequestSchema,
    CancellationSchema,
    OrderSchema,
    OrderSummarySchema,
)
from app.checkout.queries import find_checkout
from app.checkout.views import OrderView, order_view
from app.orders.errors import OrderNotFound
from app.orders.models import Order
from app.orders.queries import orders_of
from app.orders.service import cancel as cancellation
from app.orders.views import CancellationView
from app.web.auth import Scope, principal, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.pagination import Page, PageArgs, decode_cursor, page_of, paginate
from app.web.transactions import reading, transaction

orders = Blueprint("orders", __name__, url_prefix="/v1", description="Orders")

_LIST = "orders"


@orders.route("/orders", methods=["GET"])
@requires(Scope.ORDERS_READ)
@orders.arguments(PageArgs, location="query")
@orders.response(200, page_of(OrderSummarySchema))
def list_orders(page: dict[str, Any]) -> Page[Order]:
    """The caller's confirmed orders, newest first. A guest has at most one: that of the cart."""
    after = decode_cursor(_LIST, page["after"])[0] if page["after"] else None
    caller = principal()
    with reading() as session:
        found = orders_of(
            session,
            user_id=caller.user_id,
            cart_id=caller.cart_id if caller.user_id is None else None,
            after=after,
            limit=page["limit"] + 1,
        )
    return paginate(found, limit=page["limit"], kind=_LIST, key=lambda order: [order.id])


@orders.route('/orders/<id(prefix="ord"):order_id>', methods=["GET"])
@requires(Scope.ORDERS_READ)
@orders.response(200, OrderSchema)
@orders.alt_response(404, "NOT_FOUND")
def get_order(order_id: UUID) -> OrderView:
    """One order with its lines, its payment and its story."""
    with reading() as session:
        view = order_view(session, order_id)
        cart_id = None
        if view.row.user_id is None:
            cart_id = find_checkout(session, view.row.checkout_id).cart_id
        if not principal().owns(user_id=view.row.user_id, cart_id=cart_id):
            raise OrderNotFound("There is no such order.")
        return view


@orders.route('/orders/<id(prefix="ord"):order_id>/cancel', methods=["POST"])
@requires(Scope.ORDERS_WRITE)
@idempotent
@orders.arguments(CancellationRequestSchema)
@orders.response(202, CancellationSchema)
@orders.alt_response(404, "NOT_FOUND")
@orders.alt_response(409, "CONFLICT")
def cancel_order(wanted: dict[str, str], order_id: UUID) -> CancellationView:
    """Call an order off while nothing of it is on its way; its units and its money go back.

    For who bought it, for a merchant whose lines are all of it, and for operations. Refused as
    `shipment_under_way`, `refund_under_way`, `order_canceled`, `order_not_cancelable`,
    `not_yours_alone`.
    """
    with transaction() as session:
        party = party_to(session, order_id)
        return cancellation.request(
            session,
            order_id,
            reason=wanted["reason"],
            actor=party.actor,
            merchant_id=party.merchant_id,
        )
