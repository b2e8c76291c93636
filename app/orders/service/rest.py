"""What an order that is at its end still keeps of the stock: it can be sold again."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import func, select

from app.inventory import ledger
from app.inventory import service as inventory
from app.inventory.models import LedgerEntry, LedgerReason
from app.inventory.service import Receipt
from app.orders import going_back
from app.orders.models import Order
from app.orders.queries import REFUND_IS_MADE, UNDONE, spare_units, units_of
from app.payments.models import Refund, RefundItem
from app.platform.db import ShopSession
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus


def let_rest_go(session: ShopSession, order: Order) -> set[UUID]:
    """Let go of what a locked order is never going to send, and put back what lies astray, but for
    what refunds under way are about to do themselves; gives the SKUs that can be sold again.

    Any repeat is harmless.
    """
    session.flush()
    ledger.lock(session, going_back.skus_of(session, [order.id]))
    free = _never_sent(session, order)
    inventory.let_go(session, order.checkout_id, free, spare=spare_units(session, order))
    return {sku_id for sku_id, qty in free.items() if qty} | put_astray_back(session, [order.id])


def put_astray_back(session: ShopSession, order_ids: Collection[UUID]) -> set[UUID]:
    """Put units back that left in parcels of these orders which were called off, where no refund
    did or is about to; gives their SKUs. The reference is the item of the parcel."""
    receipts = [each for order_id in order_ids for each in _astray(session, order_id)]
    inventory.put_back(session, receipts)
    return {receipt.sku_id for receipt in receipts}


def _never_sent(session: ShopSession, order: Order) -> dict[UUID, int]:
    free: dict[UUID, int] = {}
    for (sku_id, _), qty in spare_units(session, order).items():
        free[sku_id] = free.get(sku_id, 0) + qty
    left: dict[UUID, int] = {}
    for units in units_of(session, order.id).values():
        left[units.sku_id] = left.get(units.sku_id, 0) + units.left
    return {sku_id: min(qty, free.get(sku_id, 0)) for sku_id, qty in left.items()}


def _astray(session: ShopSession, order_id: UUID) -> Iterator[Receipt]:
    put_back = select(LedgerEntry.id).where(
        LedgerEntry.reference == ShipmentItem.id, LedgerEntry.reason == LedgerReason.RETURN
    )
    items = session.execute(
        select(
            ShipmentItem.id,
            ShipmentItem.line,
            ShipmentItem.sku_id,
            ShipmentItem.qty,
            Shipment.warehouse_id,
        )
        .join(Shipment, Shipment.id == ShipmentItem.shipment_id)
        .where(
            ShipmentItem.order_id == order_id,
            Shipment.status == ShipmentStatus.CANCELED,
            Shipment.units_left_at.is_not(None),
            ~put_back.exists(),
        )
        .order_by(ShipmentItem.id)
    ).all()
    taken, waiting = _taken_by_refunds(session, order_id) if items else ({}, set())
    for item in items:
        if item.line in waiting:
            continue
        by_refunds = min(item.qty, taken.get(item.line, 0))
        taken[item.line] = taken.get(item.line, 0) - by_refunds
        if by_refunds < item.qty:
            qty = item.qty - by_refunds
            yield Receipt(item.sku_id, item.warehouse_id, qty, item.id, note="parcel called off")


def _taken_by_refunds(session: ShopSession, order_id: UUID) -> tuple[dict[int, int], set[int]]:
    """By line, how many of such units refunds put back; and lines of which one still will, or
    not: what is left is known only then."""
    rows = session.execute(
        select(
            RefundItem.line,
            func.sum(RefundItem.astray),
            func.bool_or(~REFUND_IS_MADE),
        )
        .join(Refund, Refund.id == RefundItem.refund_id)
        .where(RefundItem.order_id == order_id, RefundItem.astray > 0, Refund.state.not_in(UNDONE))
        .group_by(RefundItem.line)
    ).all()
    return {row[0]: int(row[1]) for row in rows}, {row[0] for row in rows if row[2]}
