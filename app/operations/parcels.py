"""What became of what was bought on its way out, for the story of a purchase."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import Sku
from app.inventory.models import LedgerEntry, LedgerReason, Warehouse
from app.operations.sources import About, Entry, Source
from app.platform.ids import encode
from app.shipping.models import Shipment, ShipmentItem, TrackingEvent
from app.shipping.states import ShipmentStatus


def parcels(session: Session, about: About) -> Iterator[Entry]:
    """The parcels of their orders: asked for, left, arrived, or called off."""
    rows = session.scalars(
        select(Shipment).where(Shipment.order_id.in_(about.order_ids)).order_by(Shipment.id)
    )
    for row in rows:
        parcel = {"parcel": encode("shp", row.id)}
        asked = {"amount": row.amount, "currency": row.currency, "actor": row.actor}
        yield Entry(row.created_at, "parcel", "asked for", parcel | asked)
        if row.shipped_at is not None:
            sent = {"number": row.tracking_number, "service": row.service, "cost": row.cost}
            yield Entry(row.shipped_at, "parcel", "shipped", parcel | sent)
        if row.delivered_at is not None:
            yield Entry(row.delivered_at, "parcel", "delivered", parcel)
        if row.status == ShipmentStatus.CANCELED:
            yield Entry(row.updated_at, "parcel", "canceled", parcel)


def units_sent(session: Session, about: About) -> Iterator[Entry]:
    """Which units left which warehouse in them."""
    rows = session.execute(
        select(LedgerEntry, Sku.code, Warehouse.name, ShipmentItem.shipment_id)
        .join(ShipmentItem, ShipmentItem.id == LedgerEntry.reference)
        .join(Sku, Sku.id == LedgerEntry.sku_id)
        .join(Warehouse, Warehouse.id == LedgerEntry.warehouse_id)
        .where(
            ShipmentItem.order_id.in_(about.order_ids),
            LedgerEntry.reason == LedgerReason.FULFIL,
        )
        .order_by(LedgerEntry.id)
    )
    for entry, code, warehouse, shipment_id in rows:
        detail = {"qty": -entry.delta_reserved, "sku": code, "warehouse": warehouse}
        parcel = {"parcel": encode("shp", shipment_id)}
        yield Entry(entry.at, "stock", str(entry.reason), detail | parcel)


def told_by_carrier(session: Session, about: About) -> Iterator[Entry]:
    """What carriers told of them, when we heard it."""
    rows = session.scalars(
        select(TrackingEvent)
        .join(Shipment, Shipment.id == TrackingEvent.shipment_id)
        .where(Shipment.order_id.in_(about.order_ids))
        .order_by(TrackingEvent.at)
    )
    for row in rows:
        detail = {"parcel": encode("shp", row.shipment_id), "event": row.event_id}
        happened = {"happened_at": row.happened_at.isoformat()}
        place = {} if row.place is None else {"place": row.place}
        yield Entry(row.at, "carrier", f"tells {row.status}", detail | happened | place)


SOURCES: tuple[Source, ...] = (parcels, units_sent, told_by_carrier)
