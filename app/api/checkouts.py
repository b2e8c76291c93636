"""Buying a cart: accept at once, look, cancel, go on; and what it would cost."""

from typing import Any
from uuid import UUID

from flask import Response, url_for
from sqlalchemy import select

from app.api.schemas.checkouts import (
    CheckoutSchema,
    PurchaseSchema,
    QuoteRequestSchema,
    QuoteSchema,
)
from app.cart.ports import Owner
from app.checkout import accept, quote, service
from app.checkout.errors import CheckoutNotFound, CheckoutRefused
from app.checkout.models import Checkout
from app.checkout.queries import GIVEN_UP, find_checkout
from app.checkout.views import CheckoutView, checkout_view
from app.platform import logging
from app.platform.db import ShopSession
from app.platform.ids import decode, encode
from app.saga.states import LIVE, SagaState
from app.web.auth import Scope, principal, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent, made
from app.web.languages import asked_language
from app.web.limits import limit_checkouts
from app.web.requests import request_id
from app.web.transactions import reading, transaction
from app.web.waiting import seconds_asked, waiting
from app.wiring import providers

checkouts = Blueprint("checkouts", __name__, url_prefix="/v1", description="Buying a cart")

_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=10`: answer when the purchase is over, or after so many seconds.",
    "schema": {"type": "string"},
}
Answer = tuple[CheckoutView, int, dict[str, str]]


def _once_more(checkout_id: str) -> Response:
    """A repeated key completes the purchase it began, and shows it as it is now."""
    wired, saga_id = providers(), decode("chk", checkout_id)
    with wired.db.transaction(wired.queue) as session:
        service.resume(session, saga_id)
    view, status, headers = _answer(saga_id)
    return _as_response(view, status, headers)


@checkouts.route("/checkout", methods=["POST"])
@limit_checkouts
@requires(Scope.CHECKOUT)
@idempotent(render=_once_more)
@checkouts.doc(parameters=[_PREFER])
@checkouts.arguments(PurchaseSchema)
@checkouts.response(202, CheckoutSchema)
@checkouts.alt_response(201, schema=CheckoutSchema, description="Confirmed within the wait.")
@checkouts.alt_response(404, "NOT_FOUND")
@checkouts.alt_response(409, "CONFLICT")
def start_checkout(purchase: dict[str, Any]) -> Answer:
    """Buy a cart.

    Answered at once with 202, or with `Prefer: wait=N` when it is over: 201 with the order, or 409
    with why not.
    """
    caller, wired = principal(), providers()
    shopper = accept.Shopper(Owner(caller.user_id, caller.cart_id), caller.email)
    wanted = accept.Purchase(**purchase, request_id=request_id(), locale=asked_language())
    checkout_id = accept.accept(
        wanted,
        shopper,
        wired,
        open_transaction=transaction,
        name=lambda made_id: made(encode("chk", made_id)),
    )
    logging.bind(checkout_id=encode("chk", checkout_id))
    return _answer(checkout_id)


@checkouts.route('/checkout/<id(prefix="chk"):checkout_id>', methods=["GET"])
@requires(Scope.CHECKOUT)
@checkouts.response(200, CheckoutSchema)
@checkouts.alt_response(404, "NOT_FOUND")
def get_checkout(checkout_id: UUID) -> CheckoutView:
    """Look at a purchase on its way."""
    with reading() as session:
        return checkout_view(session, _own(session, checkout_id), with_order=True)


@checkouts.route('/checkout/<id(prefix="chk"):checkout_id>/cancel', methods=["POST"])
@requires(Scope.CHECKOUT)
@idempotent
@checkouts.response(202, CheckoutSchema)
@checkouts.alt_response(404, "NOT_FOUND")
@checkouts.alt_response(409, "CONFLICT")
def cancel_checkout(checkout_id: UUID) -> CheckoutView:
    """Stop a purchase; what it held is given back.

    `checkout_finished` once the order is confirmed: cancel the order instead.
    """
    with transaction() as session:
        _own(session, checkout_id)
        return checkout_view(session, service.cancel(session, checkout_id))


@checkouts.route('/checkout/<id(prefix="chk"):checkout_id>/resume', methods=["POST"])
@requires(Scope.CHECKOUT)
@idempotent
@checkouts.response(202, CheckoutSchema)
@checkouts.alt_response(404, "NOT_FOUND")
def resume_checkout(checkout_id: UUID) -> CheckoutView:
    """Go on after 3-D Secure, or with a purchase that waits; an ended one stays as it is."""
    with transaction() as session:
        _own(session, checkout_id)
        return checkout_view(session, service.resume(session, checkout_id), with_order=True)


@checkouts.route('/cart/<id(prefix="crt"):cart_id>/quote', methods=["POST"])
@requires(Scope.CART)
@checkouts.arguments(QuoteRequestSchema)
@checkouts.response(200, QuoteSchema)
@checkouts.alt_response(404, "NOT_FOUND")
def quote_cart(request: dict[str, Any], cart_id: UUID) -> dict[str, Any]:
    """What a cart costs at an address, with the ways to send it, before anyone pays."""
    caller = principal()
    with reading() as session:
        cart = providers().carts.read(session, Owner(caller.user_id, caller.cart_id), cart_id)
        return quote.of_cart(
            session,
            cart,
            address=request["shipping_address"],
            service=request["shipping_service"],
            coupon=request["coupon"],
        )


def _own(session: ShopSession, checkout_id: UUID) -> Checkout:
    """The caller's own checkout; another's is like none."""
    row = find_checkout(session, checkout_id)
    if not principal().owns(user_id=row.user_id, cart_id=row.cart_id):
        raise CheckoutNotFound("There is no such checkout.")
    return row


def _answer(checkout_id: UUID) -> Answer:
    """Wait as long as was asked, then show the purchase. Raises CheckoutRefused for one undone
    meanwhile."""
    seconds = seconds_asked()
    headers = {"Location": url_for("checkouts.get_checkout", checkout_id=checkout_id)}
    if seconds:
        headers["Preference-Applied"] = f"wait={seconds}"
        waiting().until(checkout_id, lambda: _is_over(checkout_id), seconds=seconds)
    with reading() as session:
        view = checkout_view(session, find_checkout(session, checkout_id), with_order=bool(seconds))
    if seconds and view.row.state in GIVEN_UP:
        raise CheckoutRefused(view.failure or {}, checkout_id=checkout_id)
    return view, 201 if view.order is not None else 202, headers


def _is_over(checkout_id: UUID) -> bool:
    """Whether nothing will happen any more without somebody."""
    with providers().db.glance() as connection:
        state = connection.scalar(select(Checkout.state).where(Checkout.id == checkout_id))
    return state not in LIVE or state == SagaState.PARKED


def _as_response(view: CheckoutView, status: int, headers: dict[str, str]) -> Response:
    response = Response(CheckoutSchema().dumps(view), status=status, mimetype="application/json")
    response.headers.update(headers)
    return response
