"""Money that goes back."""

from typing import Any
from uuid import UUID

from flask import url_for

from app.api.parties import party_to
from app.api.schemas.refunds import RefundRequestSchema, RefundSchema, RefundsSchema
from app.orders import going_back
from app.orders.errors import OrderNotFound, RefundNotFound
from app.orders.service import refund as service
from app.orders.views import RefundView
from app.web.auth import Scope, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.transactions import reading, transaction

refunds = Blueprint("refunds", __name__, url_prefix="/v1", description="Money that goes back")


@refunds.route('/orders/<id(prefix="ord"):order_id>/refunds', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@refunds.arguments(RefundRequestSchema)
@refunds.response(202, RefundSchema)
@refunds.alt_response(404, "NOT_FOUND")
@refunds.alt_response(409, "CONFLICT")
def refund_order(wanted: dict[str, Any], order_id: UUID) -> tuple[RefundView, int, dict[str, str]]:
    """Give money back for an order: an amount, the share of some units, or all that is left.

    Units that have not left will not; where their money was only held it is released instead. A
    merchant refunds its own lines. Refused as `refund_exceeds_captured` (`refundable` says what is
    left), `too_many_units`, `shipment_under_way`, `refund_under_way`, `capture_under_way`,
    `cancel_instead`, `order_canceled`, `unknown_line`, `refund_ambiguous`, `not_yours_alone`.
    """
    lines = wanted.pop("lines")
    named = None if lines is None else {each["line"]: each["qty"] for each in lines}
    with transaction() as session:
        party = party_to(session, order_id, selling=True)
        row = service.request(
            session,
            order_id,
            lines=named,
            actor=party.actor,
            merchant_id=party.merchant_id,
            **wanted,
        )
        view = going_back.find_refund(session, row.id)
    return view, 202, {"Location": url_for("refunds.show_refund", refund_id=row.id)}


@refunds.route('/orders/<id(prefix="ord"):order_id>/refunds', methods=["GET"])
@requires(Scope.ORDERS_READ)
@refunds.response(200, RefundsSchema)
@refunds.alt_response(404, "NOT_FOUND")
def list_refunds(order_id: UUID) -> dict[str, Any]:
    """The refunds of an order; a merchant sees those of its own lines alone."""
    with reading() as session:
        party = party_to(session, order_id)
        found = going_back.refunds_of(session, order_id, merchant_id=party.merchant_id)
    return {"data": found}


@refunds.route('/refunds/<id(prefix="ref"):refund_id>', methods=["GET"])
@requires(Scope.ORDERS_READ)
@refunds.response(200, RefundSchema)
@refunds.alt_response(404, "NOT_FOUND")
def show_refund(refund_id: UUID) -> RefundView:
    """One refund, and where it stands."""
    with reading() as session:
        found = going_back.find_refund(session, refund_id)
        try:
            party = party_to(session, found.row.order_id)
        except OrderNotFound as error:
            raise RefundNotFound("There is no such refund.") from error
        if party.merchant_id not in (None, found.row.merchant_id):
            raise RefundNotFound("There is no such refund.")
    return found
