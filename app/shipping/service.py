"""What can be done with parcels: write them down, send them, hear of them. The order's row is
locked by the caller."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value

from app.events.outbox import announce
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.metrics import SHIPMENTS
from app.shipping.events import ShipmentCreated, TrackingUpdated
from app.shipping.models import Shipment, ShipmentItem, TrackingEvent
from app.shipping.ports import CarrierEvent, Label
from app.shipping.states import SHIPMENT, ShipmentStatus, TrackingStatus


def pack(
    session: ShopSession, shipment: Shipment, contents: list[tuple[int, UUID, int]]
) -> Shipment:
    """Write down what is in a parcel whose row was just written: line, SKU, units."""
    items = [
        ShipmentItem(
            id=new_id(),
            shipment_id=shipment.id,
            order_id=shipment.order_id,
            line=line,
            sku_id=sku_id,
            qty=qty,
        )
        for line, sku_id, qty in contents
    ]
    session.add_all(items)
    set_committed_value(shipment, "items", items)  # what was just written need not be read
    return shipment


def stick_on(shipment: Shipment, label: Label, *, key: str | None) -> None:
    """Keep what the carrier gave for a parcel; `key` is where the label is kept."""
    shipment.tracking_number = label.tracking_number
    shipment.tracking_url = label.tracking_url
    shipment.cost = label.cost
    shipment.label_key = key


def send(session: ShopSession, shipment: Shipment) -> None:
    """The parcel is on its way."""
    _move(session, shipment, ShipmentStatus.SHIPPED)
    shipment.shipped_at = func.shop_now()
    announce(session, ShipmentCreated(shipment.order_id, shipment.id))


def call_off(session: ShopSession, shipment: Shipment) -> None:
    """The parcel will not leave."""
    _move(session, shipment, ShipmentStatus.CANCELED)


def deliver(session: ShopSession, shipment: Shipment) -> None:
    """The parcel arrived, says its merchant."""
    _arrive(session, shipment, func.shop_now())
    announce(session, _told(shipment, TrackingStatus.DELIVERED))


def track(session: ShopSession, shipment: Shipment, event: CarrierEvent) -> bool:
    """Write down what a carrier tells of a locked parcel; False where it was told before.

    What is told late joins the story and moves nothing back. A parcel that arrived stays there.
    """
    written = session.scalar(
        insert(TrackingEvent)
        .values(
            id=new_id(),
            carrier=shipment.carrier,
            event_id=event.id,
            shipment_id=shipment.id,
            status=event.status,
            place=event.place,
            happened_at=event.happened_at,
        )
        .on_conflict_do_nothing()
        .returning(TrackingEvent.id)
    )
    if written is None:
        return False
    arrived = event.status == TrackingStatus.DELIVERED
    if arrived and SHIPMENT.may(shipment.status, ShipmentStatus.DELIVERED):
        sooner = func.least(event.happened_at, func.shop_now())  # a carrier's clock may be ahead
        _arrive(session, shipment, func.greatest(sooner, shipment.shipped_at))
    announce(session, _told(shipment, event.status))
    return True


def _arrive(session: ShopSession, shipment: Shipment, at: Any) -> None:
    _move(session, shipment, ShipmentStatus.DELIVERED)
    shipment.delivered_at = at


def _told(shipment: Shipment, status: TrackingStatus) -> TrackingUpdated:
    return TrackingUpdated(shipment.order_id, shipment.id, status.value)


def _move(session: ShopSession, shipment: Shipment, to: ShipmentStatus) -> None:
    SHIPMENT.check(shipment.status, to)
    shipment.status = to
    shipment.updated_at = func.shop_now()
    session.afterwards(SHIPMENTS.labels(outcome=to.value).inc)
