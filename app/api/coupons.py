"""Coupons: a merchant's own, and the shop's, which ops make."""

from typing import Any
from uuid import UUID

from app.api.schemas.coupons import (
    CouponPageSchema,
    CouponSchema,
    CouponUsageSchema,
    NewCouponSchema,
)
from app.pricing import queries, service
from app.pricing.queries import CouponView
from app.pricing.service import CouponDraft
from app.web.auth import Scope, merchant_id, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.pagination import Page, PageArgs, decode_cursor, paginate
from app.web.transactions import reading, transaction

coupons = Blueprint(
    "coupons", __name__, url_prefix="/v1/merchant/coupons", description="A merchant's own coupons"
)
ops_coupons = Blueprint(
    "ops_coupons", __name__, url_prefix="/v1/ops/coupons", description="Coupons of the whole shop"
)
_RULE = ("rate_ppm", "amount", "amount_max", "minimum")


@coupons.route("", methods=["GET"])
@requires(Scope.SETTINGS_READ)
@coupons.arguments(PageArgs, location="query")
@coupons.response(200, CouponPageSchema)
def list_coupons(page: dict[str, Any]) -> Page[CouponView]:
    """The own coupons, newest first."""
    return _page(page, merchant_id())


@coupons.route("", methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@coupons.arguments(NewCouponSchema)
@coupons.response(201, CouponSchema)
@coupons.alt_response(409, "CONFLICT")
def create_coupon(wanted: dict[str, Any]) -> CouponView:
    """Make a coupon for the own goods and parcels.

    Refused as `coupon_code_taken`, `currency_mismatch` or `window_backwards`. It is never edited:
    disable it and make another.
    """
    return _create(wanted, merchant_id())


@coupons.route('/<id(prefix="cpn"):coupon_id>', methods=["GET"])
@requires(Scope.SETTINGS_READ)
@coupons.response(200, CouponUsageSchema)
@coupons.alt_response(404, "NOT_FOUND")
def show_coupon(coupon_id: UUID) -> CouponView:
    """An own coupon and its uses."""
    with reading() as session:
        return queries.coupon(session, coupon_id, merchant_id=merchant_id())


@coupons.route('/<id(prefix="cpn"):coupon_id>/disable', methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@coupons.response(200, CouponUsageSchema)
@coupons.alt_response(404, "NOT_FOUND")
def disable_coupon(coupon_id: UUID) -> CouponView:
    """Let an own coupon be used no more; purchases under way keep it."""
    return _disable(coupon_id, merchant_id())


@ops_coupons.route("", methods=["GET"])
@requires(Scope.OPS)
@ops_coupons.arguments(PageArgs, location="query")
@ops_coupons.response(200, CouponPageSchema)
def list_all_coupons(page: dict[str, Any]) -> Page[CouponView]:
    """All coupons, the shop's and the merchants', newest first."""
    return _page(page, None)


@ops_coupons.route("", methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops_coupons.arguments(NewCouponSchema)
@ops_coupons.response(201, CouponSchema)
@ops_coupons.alt_response(409, "CONFLICT")
def create_shop_coupon(wanted: dict[str, Any]) -> CouponView:
    """Make a coupon that counts for whole carts, whoever sells; it must say its currency."""
    return _create(wanted, None)


@ops_coupons.route('/<id(prefix="cpn"):coupon_id>', methods=["GET"])
@requires(Scope.OPS)
@ops_coupons.response(200, CouponUsageSchema)
@ops_coupons.alt_response(404, "NOT_FOUND")
def show_any_coupon(coupon_id: UUID) -> CouponView:
    """Any coupon and its uses."""
    with reading() as session:
        return queries.coupon(session, coupon_id, merchant_id=None)


@ops_coupons.route('/<id(prefix="cpn"):coupon_id>/disable', methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops_coupons.response(200, CouponUsageSchema)
@ops_coupons.alt_response(404, "NOT_FOUND")
def disable_any_coupon(coupon_id: UUID) -> CouponView:
    """Let any coupon be used no more; purchases under way keep it."""
    return _disable(coupon_id, None)


def _page(page: dict[str, Any], owner: UUID | None) -> Page[CouponView]:
    kind = f"coupons {owner}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        rows = queries.coupons(session, merchant_id=owner, after=after, limit=page["limit"] + 1)
    return paginate(rows, limit=page["limit"], kind=kind, key=lambda coupon: [coupon.row.id])


def _create(wanted: dict[str, Any], owner: UUID | None) -> CouponView:
    rule = {name: value for name in _RULE if (value := wanted.pop(name)) is not None}
    wanted["name"] = wanted["name"] or wanted["code"]
    with transaction() as session:
        made = service.create_coupon(session, CouponDraft(**wanted, rule=rule), merchant_id=owner)
        return queries.coupon(session, made, merchant_id=owner)


def _disable(coupon_id: UUID, owner: UUID | None) -> CouponView:
    with transaction() as session:
        service.disable_coupon(session, coupon_id, merchant_id=owner)
        return queries.coupon(session, coupon_id, merchant_id=owner)
