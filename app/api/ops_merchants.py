"""Operations let merchants in, suspend them and let them go on."""

from typing import Any
from uuid import UUID

from app.accounts import queries, service
from app.accounts.models import Merchant
from app.api.schemas.people import MerchantPageSchema, MerchantSchema, NewMerchantSchema
from app.operations import onboarding
from app.web.auth import Scope, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.pagination import Page, PageArgs, decode_cursor, paginate
from app.web.transactions import reading, transaction

ops_merchants = Blueprint(
    "ops_merchants", __name__, url_prefix="/v1/ops/merchants", description="Operations"
)

_LIST = "ops-merchants"


@ops_merchants.route("", methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops_merchants.arguments(NewMerchantSchema)
@ops_merchants.response(201, MerchantSchema)
@ops_merchants.alt_response(409, "CONFLICT")
def open_merchant(wanted: dict[str, Any]) -> Merchant:
    """Let a merchant in, with a warehouse; the owner is invited by mail.

    `slug_taken`; `email_taken` where the address has an account already.
    """
    with transaction() as session:
        return onboarding.open_merchant(session, **wanted)


@ops_merchants.route("", methods=["GET"])
@requires(Scope.OPS)
@ops_merchants.arguments(PageArgs, location="query")
@ops_merchants.response(200, MerchantPageSchema)
def list_merchants(page: dict[str, Any]) -> Page[Merchant]:
    """All merchants, the newest first."""
    after = decode_cursor(_LIST, page["after"])[0] if page["after"] else None
    with reading() as session:
        found = queries.merchants(session, after=after, limit=page["limit"] + 1)
    return paginate(found, limit=page["limit"], kind=_LIST, key=lambda each: [each.id])


@ops_merchants.route('/<id(prefix="mer"):merchant_id>', methods=["GET"])
@requires(Scope.OPS)
@ops_merchants.response(200, MerchantSchema)
@ops_merchants.alt_response(404, "NOT_FOUND")
def get_merchant(merchant_id: UUID) -> Merchant:
    """One merchant."""
    with reading() as session:
        return queries.merchant(session, merchant_id)


@ops_merchants.route('/<id(prefix="mer"):merchant_id>/suspend', methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops_merchants.response(200, MerchantSchema)
@ops_merchants.alt_response(404, "NOT_FOUND")
def suspend_merchant(merchant_id: UUID) -> Merchant:
    """Stop a merchant from selling: nothing of it is found, put into a cart or bought.

    Its people still send what was ordered; its API keys open nothing.
    """
    with transaction() as session:
        return service.suspend(session, merchant_id)


@ops_merchants.route('/<id(prefix="mer"):merchant_id>/activate', methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops_merchants.response(200, MerchantSchema)
@ops_merchants.alt_response(404, "NOT_FOUND")
def activate_merchant(merchant_id: UUID) -> Merchant:
    """Let a merchant sell again."""
    with transaction() as session:
        return service.activate(session, merchant_id)
