"""A person's own account: what they are called, where they live, what is kept about them."""

from typing import Any
from uuid import UUID

from flask import Response

from app.accounts import queries, service
from app.accounts.errors import WrongPassword
from app.accounts.models import Address, User
from app.api.schemas.account import (
    AccountChangeSchema,
    AccountSchema,
    BookEntryChangeSchema,
    BookEntrySchema,
    BookSchema,
    ErasureSchema,
    ExportSchema,
    KeptEntrySchema,
)
from app.checkout.address import checked
from app.operations import erasure, export
from app.web.auth import Scope, principal, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.limits import limit_exports, limit_passwords
from app.web.transactions import reading, transaction
from app.wiring import providers

account = Blueprint("account", __name__, url_prefix="/v1/account", description="One's own account")


@account.route("", methods=["GET"])
@requires(Scope.ACCOUNT)
@account.response(200, AccountSchema)
def get_account() -> User:
    """The account of whoever signed in."""
    with reading() as session:
        return queries.signed_in(session, principal().user_id)


@account.route("", methods=["PATCH"])
@requires(Scope.ACCOUNT)
@idempotent
@account.arguments(AccountChangeSchema)
@account.response(200, AccountSchema)
def change_account(change: dict[str, str]) -> User:
    """Change one's name, or the language of letters."""
    with transaction() as session:
        return service.change_profile(session, principal().user_id, change)


@account.route("/addresses", methods=["GET"])
@requires(Scope.ACCOUNT)
@account.response(200, BookSchema)
def list_addresses() -> dict[str, Any]:
    """The whole address book; it holds 50 entries at most."""
    with reading() as session:
        user = queries.signed_in(session, principal().user_id)
        return {"data": queries.addresses_of(session, user.id)}


@account.route("/addresses", methods=["POST"])
@requires(Scope.ACCOUNT)
@idempotent
@account.arguments(BookEntrySchema)
@account.response(201, KeptEntrySchema)
@account.alt_response(409, "CONFLICT")
def add_address(entry: dict[str, Any]) -> Address:
    """Keep an address; the first one is the default.

    `bad_address` where no parcel would find it, `address_book_full` at 50.
    """
    entry["address"] = checked(entry["address"], field="address")
    with transaction() as session:
        return service.add_address(session, principal().user_id, **entry)


@account.route('/addresses/<id(prefix="adr"):address_id>', methods=["PATCH"])
@requires(Scope.ACCOUNT)
@idempotent
@account.arguments(BookEntryChangeSchema)
@account.response(200, KeptEntrySchema)
@account.alt_response(404, "NOT_FOUND")
def change_address(change: dict[str, Any], address_id: UUID) -> Address:
    """Change an entry of one's address book."""
    if "address" in change:
        change["address"] = checked(change["address"], field="address")
    with transaction() as session:
        return service.change_address(session, principal().user_id, address_id, change)


@account.route('/addresses/<id(prefix="adr"):address_id>', methods=["DELETE"])
@requires(Scope.ACCOUNT)
@idempotent
@account.response(204)
@account.alt_response(404, "NOT_FOUND")
def remove_address(address_id: UUID) -> None:
    """Take an entry out of one's address book."""
    with transaction() as session:
        service.remove_address(session, principal().user_id, address_id)


@account.route("/export", methods=["GET"])
@limit_exports
@requires(Scope.ACCOUNT)
@account.response(200, ExportSchema)
def export_account() -> Response:
    """Everything the shop keeps about whoever signed in, as one JSON document (GDPR, articles 15
    and 20).

    Written as it is read, a page at a time. What was bought as a guest belongs to the cart's token
    and is not in it.
    """
    wired = providers()
    with reading() as session:
        user = queries.signed_in(session, principal().user_id)
    response = Response(export.document(wired.db, user), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
    return response


@account.route("/erase", methods=["POST"])
@limit_passwords
@requires(Scope.ACCOUNT)
@account.arguments(ErasureSchema)
@account.response(204)
@account.alt_response(409, "CONFLICT")
def erase_account(word: dict[str, str]) -> None:
    """Erase whoever signed in, for good (GDPR, article 17).

    Orders keep their figures and the place they are taxed at, nobody's name. `wrong_password`;
    `orders_under_way` while anything bought, or money, is on its way; `last_of_merchant`.
    """
    wired, caller = providers(), principal()
    with reading() as session:
        user = queries.signed_in(session, caller.user_id)
    if not wired.passwords.matches(word["password"], user.password_hash):
        raise WrongPassword("This is not the account's password.")
    with transaction() as session:
        erasure.erase(session, user.id, proven_hash=user.password_hash)
