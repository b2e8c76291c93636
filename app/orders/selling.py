"""What a merchant sees of the orders it has a part in: its own lines and parcels, and where to send
them; nothing of what others sell in the same order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.orders.amounts import LineUnits, shipping_of
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderItem
from app.orders.queries import units_of
from app.orders.states import OrderState
from app.shipping.queries import shipments_of
from app.shipping.views import ShipmentView, shipment_views


@dataclass(frozen=True)
class SoldLine:
    """A line a merchant sold, and how many of its units left, never will, or still must."""

    item: OrderItem
    units: LineUnits | None = None

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the line does."""
        return getattr(self.item, name)


@dataclass(frozen=True)
class SoldOrder:
    """A merchant's part of an order. Amounts are in minor units; `total` is what its lines and its
    shipping add to what the shopper paid."""

    row: Order
    items: Sequence[SoldLine]
    shipping: int
    shipments: Sequence[ShipmentView] = ()

    @property
    def total(self) -> int:
        """The part of the order's total that is this merchant's."""
        return sum(int(line.item.total) for line in self.items) + self.shipping

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the order does."""
        return getattr(self.row, name)


def sold_orders(
    session: Session,
    merchant_id: UUID,
    *,
    state: OrderState | None,
    after: UUID | None,
    limit: int,
) -> list[SoldOrder]:
    """The confirmed orders with lines of a merchant, the newest first."""
    wanted = _with_part_of(merchant_id).order_by(Order.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(Order.state == state)
    if after is not None:
        wanted = wanted.where(Order.id < after)
    orders = session.scalars(wanted).all()
    lines = _lines(session, merchant_id, [order.id for order in orders])
    return [
        SoldOrder(
            order, [SoldLine(item) for item in lines[order.id]], shipping_of(order, merchant_id)
        )
        for order in orders
    ]


def sold_order(session: Session, merchant_id: UUID, order_id: UUID) -> SoldOrder:
    """One of them with its parcels. Raises OrderNotFound."""
    order = session.scalar(_with_part_of(merchant_id).where(Order.id == order_id))
    if order is None:
        raise OrderNotFound("There is no such order.")
    units = units_of(session, order.id)
    items = _lines(session, merchant_id, [order.id])[order.id]
    parcels = shipments_of(session, [order.id], merchant_id=merchant_id)
    return SoldOrder(
        order,
        [SoldLine(item, units[item.line]) for item in items],
        shipping_of(order, merchant_id),
        shipment_views(session, parcels, is_own=True),
    )


def _with_part_of(merchant_id: UUID) -> Select[Order]:
    part = select(OrderItem.order_id).where(OrderItem.merchant_id == merchant_id)
    return select(Order).where(Order.id.in_(part), Order.number.is_not(None))


def _lines(
    session: Session, merchant_id: UUID, order_ids: Collection[UUID]
) -> dict[UUID, list[OrderItem]]:
    found: dict[UUID, list[OrderItem]] = {order_id: [] for order_id in order_ids}
    rows = session.scalars(
        select(OrderItem)
        .where(OrderItem.order_id.in_(found), OrderItem.merchant_id == merchant_id)
        .order_by(OrderItem.line)
    )
    for item in rows:
        found[item.order_id].append(item)
    return found
