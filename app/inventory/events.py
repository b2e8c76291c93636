"""What inventory announces. Facts of a checkout are ordered by it, deliveries by their SKU."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("stock.reserved", topic="inventory", key="checkout_id")
@dataclass(frozen=True)
class StockReserved:
    """Units of these SKUs are held for a checkout."""

    checkout_id: UUID
    sku_ids: tuple[UUID, ...]


@event("stock.released", topic="inventory", key="checkout_id")
@dataclass(frozen=True)
class StockReleased:
    """What a checkout held of these SKUs can be sold again."""

    checkout_id: UUID
    sku_ids: tuple[UUID, ...]


@event("stock.fulfilled", topic="inventory", key="checkout_id")
@dataclass(frozen=True)
class StockFulfilled:
    """Units of these SKUs a checkout held have left the house."""

    checkout_id: UUID
    sku_ids: tuple[UUID, ...]


@event("stock.returned", topic="inventory", key="sku_id")
@dataclass(frozen=True)
class StockReturned:
    """Units that had left are on the shelf again."""

    sku_id: UUID
    warehouse_id: UUID
    qty: int


@event("stock.low", topic="inventory", key="sku_id")
@dataclass(frozen=True)
class StockLow:
    """A SKU fell to the mark its merchant set, or below; `left` units can still be sold."""

    sku_id: UUID
    merchant_id: UUID
    left: int


@event("stock.received", topic="inventory", key="sku_id")
@dataclass(frozen=True)
class StockReceived:
    """Units came into a warehouse."""

    sku_id: UUID
    warehouse_id: UUID
    qty: int


@event("stock.adjusted", topic="inventory", key="sku_id")
@dataclass(frozen=True)
class StockAdjusted:
    """A count was corrected by `delta` units."""

    sku_id: UUID
    warehouse_id: UUID
    delta: int
