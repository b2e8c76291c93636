"""What parcels look like to those who may see them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.shipping.models import Shipment, TrackingEvent
from app.shipping.queries import find_parcel, tracking_of
from app.shipping.states import ShipmentStatus

_MERCHANTS = frozenset({"warehouse_id", "amount", "cost", "failure"})


@dataclass(frozen=True)
class ShipmentView:
    """A parcel; every column is there by its name. What concerns only its merchant is None for
    whoever it goes to."""

    row: Shipment
    is_own: bool
    tracking: Sequence[TrackingEvent] = ()

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the parcel does."""
        if name in _MERCHANTS and not self.is_own:
            return None
        return getattr(self.row, name)


@dataclass(frozen=True)
class TrackingView:
    """What anyone may know who has the number: where the parcel is, and nothing of who it is
    for."""

    carrier: str
    tracking_number: str
    status: ShipmentStatus
    service: str
    shipped_at: datetime | None
    delivered_at: datetime | None
    tracking: Sequence[TrackingEvent]


def shipment_views(
    session: Session, shipments: Sequence[Shipment], *, is_own: bool
) -> list[ShipmentView]:
    """Parcels with all that carriers told of them, in two statements at most."""
    told: dict[UUID, list[TrackingEvent]] = defaultdict(list)
    sent = [shipment.id for shipment in shipments if shipment.tracking_number is not None]
    for event in tracking_of(session, sent) if sent else ():
        told[event.shipment_id].append(event)
    return [ShipmentView(each, is_own, told[each.id]) for each in shipments]


def tracking_view(session: Session, carrier: str, number: str) -> TrackingView:
    """Where the parcel of this number is. Raises ParcelNotFound."""
    parcel = find_parcel(session, carrier, number)
    return TrackingView(
        carrier=parcel.carrier,
        tracking_number=number,
        status=parcel.status,
        service=parcel.service,
        shipped_at=parcel.shipped_at,
        delivered_at=parcel.delivered_at,
        tracking=tracking_of(session, [parcel.id]),
    )
