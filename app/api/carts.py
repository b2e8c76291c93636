"""Carts: guests' by the token of their cart, people's by their sign-in."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, current_app, make_response

from app.accounts.errors import Unauthenticated
from app.api.schemas.carts import CartSchema, LineChangeSchema, NewLineSchema
from app.cart.errors import CartTokenNeeded
from app.cart.ports import Owner
from app.cart.view import CartView
from app.platform.ids import decode, encode
from app.web.auth import Scope, guest_cart_id, principal, requires
from app.web.blueprints import Blueprint
from app.web.conditional import expected_version, version_tag
from app.web.idempotency import idempotent
from app.web.transactions import transaction
from app.wiring import providers

carts = Blueprint("carts", __name__, url_prefix="/v1/cart", description="Carts")

V = TypeVar("V", bound=Callable[..., Any])
_LINE = '/<id(prefix="crt"):cart_id>/lines/<id(prefix="sku"):sku_id>'


def _with_token(view: V) -> V:
    """Give a guest's new cart its token last, outside of what is kept for a repeat: it opens the
    cart for a year, and a repeat is given another."""

    @wraps(view)
    def shown(*args: Any, **kwargs: Any) -> Response:
        response = make_response(view(*args, **kwargs))
        if response.status_code == HTTPStatus.CREATED and principal().user_id is None:
            cart = response.get_json()
            cart["token"] = providers().cart_tokens.issue(decode("crt", cart["id"]))
            response.set_data(current_app.json.dumps(cart))
        return response

    return shown  # type: ignore[return-value]


@carts.route("", methods=["POST"])
@requires(Scope.CART)
@_with_token
@idempotent
@carts.arguments(NewLineSchema)
@carts.response(200, CartSchema)
@carts.alt_response(201, schema=CartSchema)
@carts.alt_response(404, "NOT_FOUND")
@carts.alt_response(409, "CONFLICT")
@carts.alt_response(412, "PRECONDITION_FAILED")
def add_to_cart(wanted: dict[str, Any]) -> Any:
    """Put units of a SKU into a cart; 201 when this makes the cart.

    Refused as `sku_not_found`, `sku_not_for_sale`, `qty_out_of_range`, `too_many_lines`,
    `currency_mismatch`, `cart_not_found`, `cart_locked`, `cart_already_ordered` or
    `version_conflict`. A guest's new cart comes with the `token` that opens it.
    """
    owner = _owner()
    with transaction() as session:
        cart = providers().carts.add(session, owner, **wanted, expected=expected_version())
    if not cart.created:
        return _answer(cart)
    location = {"Location": f"/v1/cart/{encode('crt', cart.id)}"}
    return cart, 201, version_tag(cart.version) | location


@carts.route("", methods=["GET"])
@requires(Scope.CART)
@carts.response(200, CartSchema)
@carts.alt_response(404, "NOT_FOUND")
def show_own_cart() -> Any:
    """The caller's open cart at today's prices; a guest's is that of the token."""
    with transaction() as session:
        return _answer(providers().carts.read(session, _owner()))


@carts.route('/<id(prefix="crt"):cart_id>', methods=["GET"])
@requires(Scope.CART)
@carts.response(200, CartSchema)
@carts.alt_response(404, "NOT_FOUND")
def show_cart(cart_id: UUID) -> Any:
    """A cart at today's prices; where one changed since the line was written, `price_was` says from
    what. Setting the line again takes note of the new price."""
    with transaction() as session:
        return _answer(providers().carts.read(session, _owner(), cart_id))


@carts.route(_LINE, methods=["PATCH"])
@requires(Scope.CART)
@idempotent
@carts.arguments(LineChangeSchema)
@carts.response(200, CartSchema)
@carts.alt_response(404, "NOT_FOUND")
@carts.alt_response(409, "CONFLICT")
@carts.alt_response(412, "PRECONDITION_FAILED")
def change_cart_line(change: dict[str, int], cart_id: UUID, sku_id: UUID) -> Any:
    """Set the units of a line."""
    with transaction() as session:
        return _answer(
            providers().carts.change(
                session,
                _owner(),
                cart_id,
                sku_id=sku_id,
                qty=change["qty"],
                expected=expected_version(),
            )
        )


@carts.route(_LINE, methods=["DELETE"])
@requires(Scope.CART)
@idempotent
@carts.response(200, CartSchema)
@carts.alt_response(404, "NOT_FOUND")
@carts.alt_response(409, "CONFLICT")
@carts.alt_response(412, "PRECONDITION_FAILED")
def remove_cart_line(cart_id: UUID, sku_id: UUID) -> Any:
    """Take a line out of a cart."""
    with transaction() as session:
        return _answer(
            providers().carts.remove(
                session, _owner(), cart_id, sku_id=sku_id, expected=expected_version()
            )
        )


@carts.route("/merge", methods=["POST"])
@requires(Scope.CART)
@idempotent
@carts.response(200, CartSchema)
@carts.alt_response(404, "NOT_FOUND")
@carts.alt_response(409, "CONFLICT")
@carts.alt_response(422, "UNPROCESSABLE_CONTENT")
def merge_cart() -> Any:
    """Move a guest's cart, named by its X-Cart-Token, into the cart of the person signed in.

    Asked again, it adds nothing twice. Refused as `cart_not_found`, `cart_locked`,
    `cart_already_ordered`, `currency_mismatch` or `too_many_lines`; both carts stay as they are
    then.
    """
    user_id, guest = principal().user_id, guest_cart_id()
    if user_id is None:
        raise Unauthenticated("Sign in to take a guest's cart over.")
    if guest is None:
        raise CartTokenNeeded("Send the guest's cart token as X-Cart-Token.")
    with transaction() as session:
        return _answer(providers().carts.merge(session, guest, user_id))


def _owner() -> Owner:
    caller = principal()
    return Owner(user_id=caller.user_id, cart_id=caller.cart_id)


def _answer(cart: CartView) -> tuple[CartView, int, dict[str, str]]:
    return cart, 200, version_tag(cart.version)
