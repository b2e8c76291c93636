"""Where a parcel can stand, and what carriers tell of it."""

from enum import StrEnum

from app.platform.state_machine import StateMachine


class ShipmentStatus(StrEnum):
    """Where a parcel stands."""

    PENDING = "pending"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELED = "canceled"


class TrackingStatus(StrEnum):
    """What a carrier tells of a parcel."""

    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED = "failed"


SHIPMENT = StateMachine(
    initial=ShipmentStatus.PENDING,
    moves={
        ShipmentStatus.PENDING: frozenset({ShipmentStatus.SHIPPED, ShipmentStatus.CANCELED}),
        ShipmentStatus.SHIPPED: frozenset({ShipmentStatus.DELIVERED}),
        ShipmentStatus.DELIVERED: frozenset(),
        ShipmentStatus.CANCELED: frozenset(),
    },
)
