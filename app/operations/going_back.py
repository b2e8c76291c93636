"""What was written down about money and goods that go back, one function a part."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.catalog.models import Sku
from app.inventory.models import LedgerEntry, LedgerReason, Warehouse
from app.operations.sources import About, Entry, Source
from app.orders.models import Cancellation, Return, ReturnItem
from app.payments.models import Refund, RefundItem
from app.platform.ids import encode
from app.shipping.models import ShipmentItem


def refunds(session: Session, about: About) -> Iterator[Entry]:
    """Which money was to go back, and what the bank sent back to the shop."""
    rows = session.scalars(
        select(Refund).where(Refund.order_id.in_(about.order_ids)).order_by(Refund.id)
    )
    for row in rows:
        money = {"amount": row.amount, "released": row.released, "currency": row.currency}
        why = {"actor": row.actor, "reason": row.reason, "key": row.idempotency_key}
        identity = {"refund": encode("ref", row.id)}
        yield Entry(row.created_at, "refund", "asked for", identity | money | why)
        if row.came_back_at is not None:
            yield Entry(row.came_back_at, "refund", "came back", identity | (row.failure or {}))


def cancellations(session: Session, about: About) -> Iterator[Entry]:
    """Who called an order off, and why."""
    rows = session.scalars(
        select(Cancellation)
        .where(Cancellation.order_id.in_(about.order_ids))
        .order_by(Cancellation.id)
    )
    for row in rows:
        detail = {"cancel": encode("can", row.id), "actor": row.actor, "reason": row.reason}
        yield Entry(row.created_at, "cancel", "asked for", detail)


def returns(session: Session, about: About) -> Iterator[Entry]:
    """Which goods were to come back, and what arrived."""
    rows = session.scalars(
        select(Return)
        .where(Return.order_id.in_(about.order_ids))
        .options(selectinload(Return.items))
        .order_by(Return.id)
    )
    for row in rows:
        identity = {"return": encode("ret", row.id)}
        asked = {"units": sum(item.qty for item in row.items), "reason": row.reason}
        yield Entry(row.created_at, "return", "asked for", identity | asked | {"actor": row.actor})
        if row.received_at is not None:
            came = {"units": sum(item.received or 0 for item in row.items)}
            kept = {"restock": sum(item.restock for item in row.items)}
            detail = identity | came | kept | {"actor": row.received_by}
            yield Entry(row.received_at, "return", "received", detail)


def shelf(session: Session, about: About) -> Iterator[Entry]:
    """Which units lie on the shelf again."""
    items = select(RefundItem.id).where(RefundItem.order_id.in_(about.order_ids))
    came = select(ReturnItem.id).where(ReturnItem.order_id.in_(about.order_ids))
    called_off = select(ShipmentItem.id).where(ShipmentItem.order_id.in_(about.order_ids))
    rows = session.execute(
        select(LedgerEntry, Sku.code, Warehouse.name)
        .join(Sku, Sku.id == LedgerEntry.sku_id)
        .join(Warehouse, Warehouse.id == LedgerEntry.warehouse_id)
        .where(
            LedgerEntry.reason == LedgerReason.RETURN,
            LedgerEntry.reference.in_(items.union_all(came, called_off)),
        )
        .order_by(LedgerEntry.id)
    )
    for entry, code, warehouse in rows:
        detail = {"qty": entry.delta_available, "sku": code, "warehouse": warehouse}
        yield Entry(entry.at, "stock", f"{entry.reason} ({entry.note})", detail)


SOURCES: tuple[Source, ...] = (refunds, cancellations, returns, shelf)
