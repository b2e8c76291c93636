"""What the shop asks of carriers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


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
