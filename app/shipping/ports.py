"""What the shop asks of carriers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.shipping.states import TrackingStatus


@dataclass(frozen=True)
class CarrierRate:
    """What one merchant's parcel costs by one service now, in minor units; days are working
    days."""

    merchant_id: UUID
    service: str
    carrier: str
    name: str
    price: int
    currency: str
    days_min: int
    days_max: int
    tax_code: str = "standard"


class CarrierRates(Protocol):
    """Where live rates come from. Asked before a transaction opens, never inside one."""

    name: str

    def look(
        self, merchants: Mapping[UUID, int], *, country: str, currency: str
    ) -> list[CarrierRate]:
        """Today's rates for parcels of these grams by merchant; what is not answered is left to the
        table."""


@dataclass(frozen=True)
class Content:
    """Units of one line in a parcel."""

    code: str
    name: str
    qty: int


@dataclass(frozen=True)
class Parcel:
    """What a carrier must know to take a parcel; grams, addresses as the shop keeps them.

    `sender` has `name`, `warehouse` and what is known of `line1`, `line2`, `postal_code`, `city`,
    `region`, `country`; `recipient` is the order's address.
    """

    merchant_id: UUID
    service: str
    currency: str
    weight_g: int
    sender: Mapping[str, Any]
    recipient: Mapping[str, Any]
    order_number: str
    contents: Sequence[Content]


@dataclass(frozen=True)
class Label:
    """A label that was bought: `cost` in minor units of the parcel's currency; `pdf` is None where
    the carrier prints it."""

    tracking_number: str
    tracking_url: str
    cost: int
    pdf: bytes | None


@dataclass(frozen=True)
class CarrierEvent:
    """What a carrier tells of a parcel. `id` is the same whenever it is told again."""

    id: str
    tracking_number: str
    status: TrackingStatus
    happened_at: datetime
    place: str | None = None


class CarrierLabels(Protocol):
    """Who takes parcels, under one name; asked with no transaction open."""

    name: str

    def buy(self, parcel: Parcel, *, reference: str) -> Label:
        """Buy a label under our reference. Raises LabelRefused for good, CarrierAway where it is
        not known whether one was bought."""

    def find(self, reference: str) -> Label | None:
        """The label bought under our reference before, if any. Raises CarrierAway."""

    def verify_event(self, payload: bytes, headers: Mapping[str, str]) -> CarrierEvent:
        """What the carrier tells, when it is really the carrier. Raises BadCarrierSignature, and
        BadCarrierEvent."""


class Carrier(CarrierRates, CarrierLabels, Protocol):
    """A carrier does both: it says what sending costs, and it sends."""
