"""What is announced of parcels, in the order of their order. They carry ids; the reader reloads."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("shipment.created", topic="orders", key="order_id")
@dataclass(frozen=True)
class ShipmentCreated:
    """A parcel has its label and is on its way."""

    order_id: UUID
    shipment_id: UUID


@event("shipment.tracking_updated", topic="orders", key="order_id")
@dataclass(frozen=True)
class TrackingUpdated:
    """Something became known of a parcel: where it is, or that it arrived."""

    order_id: UUID
    shipment_id: UUID
    status: str
