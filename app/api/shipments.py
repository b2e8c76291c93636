"""Parcels: sent by merchants, followed by whoever they go to, told of by carriers."""

import logging
from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.accounts.models import Role
from app.api.parties import Side, acting_as, party_to
from app.api.schemas.payments import EventReceivedSchema
from app.api.schemas.shipments import (
    CallOffSchema,
    ShipmentRequestSchema,
    ShipmentRetrySchema,
    ShipmentSchema,
    ShipmentsSchema,
    TrackingSchema,
)
from app.orders.errors import OrderNotFound
from app.orders.service import parcels
from app.orders.service.ship import Wanted, ship
from app.platform.db import ShopSession
from app.platform.ids import encode
from app.shipping.errors import (
    LabelErased,
    LabelNotPrinted,
    ParcelNotFound,
    ShipmentNotFound,
    UnknownCarrier,
)
from app.shipping.label import MEDIA_TYPE
from app.shipping.models import Shipment
from app.shipping.queries import find_shipment, shipments_of
from app.shipping.views import ShipmentView, TrackingView, shipment_views, tracking_view
from app.web.auth import Scope, merchant_id, principal, public, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.transactions import reading, transaction
from app.wiring import providers

log = logging.getLogger(__name__)

shipments = Blueprint("shipments", __name__, url_prefix="/v1", description="Parcels")

_FILE = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "description": "`{tracking_number, status, happened_at, place?}`, as the carrier signed it.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_SIGNED = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": f"Standard Webhooks: {text}.",
    }
    for name, text in (
        ("webhook-id", "the event's own id, the same whenever it is sent again"),
        ("webhook-timestamp", "when it was signed, in seconds since 1970"),
        ("webhook-signature", "`v1,…` of id, timestamp and body"),
    )
]
Sent = tuple[ShipmentView, int, dict[str, str]]


@shipments.route('/orders/<id(prefix="ord"):order_id>/shipments', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@shipments.arguments(ShipmentRequestSchema)
@shipments.response(202, ShipmentSchema)
@shipments.alt_response(404, "NOT_FOUND")
@shipments.alt_response(409, "CONFLICT")
def send_shipment(wanted: dict[str, Any], order_id: UUID) -> Sent:
    """Send units of an order from one warehouse: its share of the money is taken, a label bought.

    Refused as `split_needed` (`warehouses` says what lies where), `units_not_left`,
    `order_not_shippable`, `order_canceled`, `unknown_line`, `lines_of_several_merchants`,
    `unknown_shipping_service`, `no_shipping_to_country`.
    """
    lines = wanted.pop("lines")
    named = None if lines is None else {each["line"]: each["qty"] for each in lines}
    with transaction() as session:
        party = party_to(session, order_id, selling=True)
        shipment = ship(
            session,
            order_id,
            Wanted(lines=named, **wanted),
            merchant_id=party.merchant_id,
            carrier=providers().carriers.name,
            actor=party.actor,
        )
        return _sent(session, shipment)


@shipments.route('/orders/<id(prefix="ord"):order_id>/shipments', methods=["GET"])
@requires(Scope.ORDERS_READ)
@shipments.response(200, ShipmentsSchema)
@shipments.alt_response(404, "NOT_FOUND")
def list_shipments(order_id: UUID) -> dict[str, Any]:
    """The parcels of an order; a merchant sees its own."""
    with reading() as session:
        party = party_to(session, order_id)
        found = shipments_of(session, [order_id], merchant_id=party.merchant_id)
        views = shipment_views(session, found, is_own=party.side != Side.CUSTOMER)
    return {"data": views}


@shipments.route('/shipments/<id(prefix="shp"):shipment_id>', methods=["GET"])
@requires(Scope.ORDERS_READ)
@shipments.response(200, ShipmentSchema)
@shipments.alt_response(404, "NOT_FOUND")
def get_shipment(shipment_id: UUID) -> ShipmentView:
    """A parcel, for whoever it goes to and for its merchant."""
    with reading() as session:
        shipment = find_shipment(session, shipment_id)
        is_own = _stands_behind(shipment)
        if not is_own:
            _must_go_to_caller(session, shipment)
        return shipment_views(session, [shipment], is_own=is_own)[0]


@shipments.route('/shipments/<id(prefix="shp"):shipment_id>/label', methods=["GET"])
@requires(Scope.ORDERS_FULFIL)
@shipments.response(200, _FILE, content_type=MEDIA_TYPE, description="The label.")
@shipments.alt_response(404, "NOT_FOUND")
@shipments.alt_response(409, "CONFLICT")
def show_label(shipment_id: UUID) -> Response:
    """The label of a parcel, to be printed. Refused as `label_not_printed` before there is one, and
    as `label_erased` once the person it went to was erased."""
    with reading() as session:
        shipment = find_shipment(session, shipment_id)
    if not _stands_behind(shipment):
        raise ShipmentNotFound("There is no such shipment.")
    if shipment.label_erased_at is not None:
        raise LabelErased("Whoever this parcel went to was erased, and its label too.")
    if shipment.label_key is None:
        raise LabelNotPrinted(f"The parcel is {shipment.status} and has no label.")
    answer = Response(providers().files.get(shipment.label_key), mimetype=MEDIA_TYPE)
    name = f"{encode('shp', shipment.id)}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@shipments.route('/shipments/<id(prefix="shp"):shipment_id>/retry', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@shipments.arguments(ShipmentRetrySchema)
@shipments.response(202, ShipmentSchema)
@shipments.alt_response(404, "NOT_FOUND")
@shipments.alt_response(409, "CONFLICT")
def retry_shipment(how: dict[str, Any], shipment_id: UUID) -> Sent:
    """Go on with a parcel that needs attention, by another service where one is named.

    Refused as `shipment_not_stuck`, `unknown_shipping_service`.
    """
    with transaction() as session:
        shipment = parcels.retry(
            session, shipment_id, merchant_id=_bound(), service=how["service"], actor=_actor()
        )
        return _sent(session, shipment)


@shipments.route('/shipments/<id(prefix="shp"):shipment_id>/cancel', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@shipments.arguments(CallOffSchema)
@shipments.response(202, ShipmentSchema)
@shipments.alt_response(404, "NOT_FOUND")
@shipments.alt_response(409, "CONFLICT")
def cancel_shipment(why: dict[str, Any], shipment_id: UUID) -> Sent:
    """Call off a parcel that needs attention: what was taken for it goes back, its units too.

    Refused as `shipment_not_stuck`, and as `capture_under_way` while nobody knows whether its money
    was taken.
    """
    with transaction() as session:
        shipment = parcels.cancel(
            session, shipment_id, merchant_id=_bound(), reason=why["reason"], actor=_actor()
        )
        return _sent(session, shipment)


@shipments.route('/shipments/<id(prefix="shp"):shipment_id>/delivered', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@shipments.response(202, ShipmentSchema)
@shipments.alt_response(404, "NOT_FOUND")
@shipments.alt_response(409, "CONFLICT")
def deliver_shipment(shipment_id: UUID) -> Sent:
    """Say that a parcel arrived. Refused as `shipment_not_sent`."""
    with transaction() as session:
        shipment = parcels.delivered(session, shipment_id, merchant_id=_bound(), actor=_actor())
        session.flush()
        session.refresh(shipment, ["delivered_at"])
        return _sent(session, shipment)


@shipments.route("/tracking/<string:carrier>/<string:number>", methods=["GET"])
@requires(public)
@shipments.response(200, TrackingSchema)
@shipments.alt_response(404, "NOT_FOUND")
def track_parcel(carrier: str, number: str) -> TrackingView:
    """Where a parcel is, for anyone who has its number. Nothing tells who it is for."""
    if "\0" in carrier + number:
        raise ParcelNotFound("No parcel goes by this number.")
    with reading() as session:
        return tracking_view(session, carrier, number)


@shipments.route("/carriers/<string:carrier>/events", methods=["POST"])
@requires(public)
@shipments.doc(requestBody=_BODY, parameters=_SIGNED)
@shipments.response(202, EventReceivedSchema)
@shipments.alt_response(400, "BAD_REQUEST")
@shipments.alt_response(404, "NOT_FOUND")
@shipments.alt_response(413, "CONTENT_TOO_LARGE")
@shipments.alt_response(422, "UNPROCESSABLE_CONTENT")
def receive_carrier_event(carrier: str) -> dict[str, bool]:
    """Take in what a carrier tells of a parcel; a repeat is answered alike.

    Parcels that are none of ours are answered alike too, and nothing is kept. `bad_signature` (400)
    when it was not signed by the carrier, or more than five minutes ago; `bad_carrier_event`.
    """
    carriers = providers().carriers
    if carrier != carriers.name:
        raise UnknownCarrier("No such carrier.")
    event = carriers.verify_event(request.get_data(), dict(request.headers))
    try:
        with transaction() as session:
            parcels.hear(session, carrier, event)
    except ParcelNotFound:
        log.info("unknown_parcel", extra={"carrier": carrier, "event_id": event.id})
    return {"received": True}


def _sent(session: ShopSession, shipment: Shipment) -> Sent:
    view = shipment_views(session, [shipment], is_own=True)[0]
    where = url_for("shipments.get_shipment", shipment_id=shipment.id)
    return view, 202, {"Location": where}


def _bound() -> UUID | None:
    """The merchant whose parcels the caller may touch; None for operations, who may touch all."""
    return None if principal().role is Role.OPS else merchant_id()


def _actor() -> str:
    return acting_as(Side.OPS if principal().role is Role.OPS else Side.MERCHANT)


def _stands_behind(shipment: Shipment) -> bool:
    """Whether the caller is the parcel's merchant, or operations."""
    caller = principal()
    return caller.role is Role.OPS or caller.merchant_id == shipment.merchant_id


def _must_go_to_caller(session: ShopSession, shipment: Shipment) -> None:
    try:
        party = party_to(session, shipment.order_id)
    except OrderNotFound:
        raise ShipmentNotFound("There is no such shipment.") from None
    if party.side != Side.CUSTOMER:
        raise ShipmentNotFound("There is no such shipment.")
