"""Goods that come back."""

from typing import Any
from uuid import UUID

from flask import url_for

from app.api.parties import Party, Side, party_to
from app.api.schemas.returns import (
    ArrivalSchema,
    RefusalSchema,
    ReturnPageSchema,
    ReturnRequestSchema,
    ReturnSchema,
    ReturnsSchema,
)
from app.orders import going_back
from app.orders.errors import CustomersChoice, OrderNotFound, ReturnNotFound
from app.orders.service import returns as service
from app.orders.service.returns import Arrived, Wanted
from app.orders.states import Decision
from app.orders.views import ReturnView
from app.platform.db import ShopSession
from app.web.auth import Scope, merchant_id, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.pagination import Page, PageArgs, decode_cursor, paginate
from app.web.transactions import reading, transaction

returns = Blueprint("returns", __name__, url_prefix="/v1", description="Goods that come back")


@returns.route('/orders/<id(prefix="ord"):order_id>/returns', methods=["POST"])
@requires(Scope.ORDERS_WRITE)
@idempotent
@returns.arguments(ReturnRequestSchema)
@returns.response(202, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
@returns.alt_response(409, "CONFLICT")
def request_return(
    wanted: dict[str, Any], order_id: UUID
) -> tuple[ReturnView, int, dict[str, str]]:
    """Ask to send units back that have left, to one merchant; it decides.

    Refused as `unknown_line`, `lines_of_several_merchants`, `too_many_units`,
    `shipment_under_way`, `order_canceled`.
    """
    lines = [Wanted(**each) for each in wanted["lines"]]
    with transaction() as session:
        party = party_to(session, order_id)
        row = service.request(
            session,
            order_id,
            lines=lines,
            reason=wanted["reason"],
            actor=party.actor,
            merchant_id=party.merchant_id,
        )
        view = going_back.find_return(session, row.id)
    return view, 202, {"Location": url_for("returns.show_return", return_id=row.id)}


@returns.route('/orders/<id(prefix="ord"):order_id>/returns', methods=["GET"])
@requires(Scope.ORDERS_READ)
@returns.response(200, ReturnsSchema)
@returns.alt_response(404, "NOT_FOUND")
def list_returns(order_id: UUID) -> dict[str, Any]:
    """The returns of an order; a merchant sees those to itself."""
    with reading() as session:
        party = party_to(session, order_id)
        found = going_back.returns_of(session, order_id, merchant_id=party.merchant_id)
    return {"data": found}


@returns.route("/merchant/returns", methods=["GET"])
@requires(Scope.ORDERS_FULFIL)
@returns.arguments(PageArgs, location="query")
@returns.response(200, ReturnPageSchema)
def list_merchant_returns(page: dict[str, Any]) -> Page[ReturnView]:
    """The returns to the caller's merchant, the newest first."""
    kind = f"returns {merchant_id()}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        found = going_back.returns_to(session, merchant_id(), after=after, limit=page["limit"] + 1)
    return paginate(found, limit=page["limit"], kind=kind, key=lambda each: [each.row.id])


@returns.route('/returns/<id(prefix="ret"):return_id>', methods=["GET"])
@requires(Scope.ORDERS_READ)
@returns.response(200, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
def show_return(return_id: UUID) -> ReturnView:
    """One return, and where it stands."""
    with reading() as session:
        found = going_back.find_return(session, return_id)
        _party(session, found)
    return found


@returns.route('/returns/<id(prefix="ret"):return_id>/approve', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@returns.response(202, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
@returns.alt_response(409, "CONFLICT")
def approve_return(return_id: UUID) -> ReturnView:
    """Take the goods back: they may be sent. Refused as `return_out_of_turn`."""
    return _decide(return_id, Decision.APPROVED, None)


@returns.route('/returns/<id(prefix="ret"):return_id>/refuse', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@returns.arguments(RefusalSchema)
@returns.response(202, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
@returns.alt_response(409, "CONFLICT")
def refuse_return(refusal: dict[str, str], return_id: UUID) -> ReturnView:
    """Do not take the goods back. Refused as `return_out_of_turn`."""
    return _decide(return_id, Decision.REFUSED, refusal["reason"])


@returns.route('/returns/<id(prefix="ret"):return_id>/receive', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@returns.arguments(ArrivalSchema)
@returns.response(202, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
@returns.alt_response(409, "CONFLICT")
def receive_return(arrival: dict[str, Any], return_id: UUID) -> ReturnView:
    """Write down what arrived: so much of it is refunded, and what is still good is on the shelf.

    Refused as `return_out_of_turn`, `received_units_wrong`, `unknown_line`,
    `warehouse_not_found`.
    """
    lines = {each["line"]: Arrived(**each) for each in arrival["lines"]}
    with transaction() as session:
        party = _party(session, going_back.find_return(session, return_id), selling=True)
        service.receive(
            session,
            return_id,
            lines=lines,
            warehouse_id=arrival["warehouse_id"],
            actor=party.actor,
            merchant_id=party.merchant_id,
        )
        return going_back.find_return(session, return_id)


@returns.route('/returns/<id(prefix="ret"):return_id>/retry', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@returns.response(202, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
@returns.alt_response(409, "CONFLICT")
def retry_return(return_id: UUID) -> ReturnView:
    """Give the money back once more, where the refund of what arrived failed.

    Refused as `return_out_of_turn`, `too_many_units` where it was refunded otherwise meanwhile.
    """
    with transaction() as session:
        party = _party(session, going_back.find_return(session, return_id), selling=True)
        service.give_back_again(
            session, return_id, actor=party.actor, merchant_id=party.merchant_id
        )
        return going_back.find_return(session, return_id)


@returns.route('/returns/<id(prefix="ret"):return_id>/cancel', methods=["POST"])
@requires(Scope.ORDERS_WRITE)
@idempotent
@returns.response(202, ReturnSchema)
@returns.alt_response(404, "NOT_FOUND")
@returns.alt_response(409, "CONFLICT")
def cancel_return(return_id: UUID) -> ReturnView:
    """Keep the goods after all, while they have not arrived. Refused as `return_out_of_turn`."""
    with transaction() as session:
        party = _party(session, going_back.find_return(session, return_id))
        if party.side == Side.MERCHANT:
            raise CustomersChoice("Only the customer may call it off; a merchant refuses it.")
        service.call_off(session, return_id)
        return going_back.find_return(session, return_id)


def _decide(return_id: UUID, decision: Decision, reason: str | None) -> ReturnView:
    with transaction() as session:
        party = _party(session, going_back.find_return(session, return_id), selling=True)
        service.decide(
            session,
            return_id,
            decision,
            reason=reason,
            actor=party.actor,
            merchant_id=party.merchant_id,
        )
        return going_back.find_return(session, return_id)


def _party(session: ShopSession, found: ReturnView, *, selling: bool = False) -> Party:
    """The caller's side of a return. Raises ReturnNotFound for strangers to it."""
    try:
        party = party_to(session, found.row.order_id, selling=selling)
    except OrderNotFound as error:
        raise ReturnNotFound("There is no such return.") from error
    if party.merchant_id not in (None, found.row.merchant_id):
        raise ReturnNotFound("There is no such return.")
    return party
