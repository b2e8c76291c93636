"""What inventory must be told by those above it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.platform.db import ShopSession


@dataclass(frozen=True)
class Pending:
    """Units wanted by live checkouts that have not reserved yet, and which admissions are rows."""

    qty: dict[UUID, int]
    known: set[UUID]


class Demand(Protocol):
    """Who is on the way to a reservation. An admission's id is its checkout's id."""

    def pending(
        self, session: ShopSession, sku_ids: Collection[UUID], admission_ids: Collection[UUID]
    ) -> Pending:
        """Σ qty by SKU over live checkouts before their reservation, and those of the admissions
        that have a checkout row in any state. Read from the session's one snapshot."""
