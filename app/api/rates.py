"""What a merchant charges: its tax rates, and where it ships for how much. Rates are rows by
validity, never edited."""

from typing import Any
from uuid import UUID

from app.api.schemas.rates import (
    EndSchema,
    NewShippingRateSchema,
    NewTaxRateSchema,
    NewZoneSchema,
    RateArgs,
    ShippingRatePageSchema,
    ShippingRateSchema,
    TaxRatePageSchema,
    TaxRateSchema,
    ZonePageSchema,
    ZoneSchema,
)
from app.pricing import queries, service
from app.pricing.queries import TaxRateView
from app.pricing.service import TaxRateDraft
from app.shipping import settings
from app.shipping.models import ShippingZone
from app.shipping.settings import RateDraft, RateView
from app.web.auth import Scope, merchant_id, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.pagination import Page, PageArgs, decode_cursor, paginate
from app.web.transactions import reading, transaction

rates = Blueprint(
    "rates", __name__, url_prefix="/v1/merchant", description="A merchant's taxes and shipping"
)


@rates.route("/tax-rates", methods=["GET"])
@requires(Scope.SETTINGS_READ)
@rates.arguments(PageArgs, location="query")
@rates.response(200, TaxRatePageSchema)
def list_tax_rates(page: dict[str, Any]) -> Page[TaxRateView]:
    """The own tax rates, newest first, those that are over too."""
    kind = f"tax-rates {merchant_id()}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        rows = queries.tax_rates(session, merchant_id(), after=after, limit=page["limit"] + 1)
    return paginate(rows, limit=page["limit"], kind=kind, key=lambda rate: [rate.row.id])


@rates.route("/tax-rates", methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@rates.arguments(NewTaxRateSchema)
@rates.response(201, TaxRateSchema)
def add_tax_rate(wanted: dict[str, Any]) -> TaxRateView:
    """Add a tax rate of one's own: it wins over the shop's for the place and tax code.

    Refused as `window_backwards`.
    """
    with transaction() as session:
        return service.add_tax_rate(session, TaxRateDraft(**wanted), merchant_id=merchant_id())


@rates.route('/tax-rates/<id(prefix="tax"):tax_rate_id>/end', methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@rates.arguments(EndSchema)
@rates.response(200, TaxRateSchema)
@rates.alt_response(404, "NOT_FOUND")
def end_tax_rate(end: dict[str, Any], tax_rate_id: UUID) -> TaxRateView:
    """Raise a tax by this rate no more, from now or a moment on; never longer than it was to."""
    with transaction() as session:
        return service.end_tax_rate(session, tax_rate_id, merchant_id=merchant_id(), **end)


@rates.route("/shipping-zones", methods=["GET"])
@requires(Scope.SETTINGS_READ)
@rates.arguments(PageArgs, location="query")
@rates.response(200, ZonePageSchema)
def list_shipping_zones(page: dict[str, Any]) -> Page[ShippingZone]:
    """Where the merchant ships, newest first."""
    kind = f"shipping-zones {merchant_id()}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        rows = settings.zones(session, merchant_id(), after=after, limit=page["limit"] + 1)
    return paginate(rows, limit=page["limit"], kind=kind, key=lambda zone: [zone.id])


@rates.route("/shipping-zones", methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@rates.arguments(NewZoneSchema)
@rates.response(201, ZoneSchema)
def add_shipping_zone(wanted: dict[str, Any]) -> ShippingZone:
    """Ship to more countries, once the zone has rates."""
    with transaction() as session:
        return settings.add_zone(session, merchant_id=merchant_id(), **wanted)


@rates.route('/shipping-zones/<id(prefix="zon"):zone_id>/end', methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@rates.response(200, ZoneSchema)
@rates.alt_response(404, "NOT_FOUND")
def end_shipping_zone(zone_id: UUID) -> ShippingZone:
    """Ship to this zone no more: its rates end now."""
    with transaction() as session:
        return settings.end_zone(session, zone_id, merchant_id=merchant_id())


@rates.route("/shipping-rates", methods=["GET"])
@requires(Scope.SETTINGS_READ)
@rates.arguments(RateArgs, location="query")
@rates.response(200, ShippingRatePageSchema)
def list_shipping_rates(page: dict[str, Any]) -> Page[RateView]:
    """The own shipping rates, newest first, those that are over too."""
    kind = f"shipping-rates {merchant_id()} {page['zone_id']}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        rows = settings.rates(
            session, merchant_id(), zone_id=page["zone_id"], after=after, limit=page["limit"] + 1
        )
    return paginate(rows, limit=page["limit"], kind=kind, key=lambda rate: [rate.row.id])


@rates.route("/shipping-rates", methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@rates.arguments(NewShippingRateSchema)
@rates.response(201, ShippingRateSchema)
@rates.alt_response(404, "NOT_FOUND")
@rates.alt_response(409, "CONFLICT")
def add_shipping_rate(wanted: dict[str, Any]) -> RateView:
    """Charge for a service in an own zone.

    Refused as `shipping_zone_not_found`, `shipping_zone_ended`, `currency_mismatch`,
    `weights_backwards` or `window_backwards`.
    """
    with transaction() as session:
        return settings.add_rate(session, RateDraft(**wanted), merchant_id=merchant_id())


@rates.route('/shipping-rates/<id(prefix="rat"):shipping_rate_id>/end', methods=["POST"])
@requires(Scope.SETTINGS_WRITE)
@idempotent
@rates.arguments(EndSchema)
@rates.response(200, ShippingRateSchema)
@rates.alt_response(404, "NOT_FOUND")
def end_shipping_rate(end: dict[str, Any], shipping_rate_id: UUID) -> RateView:
    """Charge this rate no more, from now or a moment on; never longer than it was to."""
    with transaction() as session:
        return settings.end_rate(session, shipping_rate_id, merchant_id=merchant_id(), **end)
