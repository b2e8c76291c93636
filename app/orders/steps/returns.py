"""The steps of a return: wait for the merchant, wait for the goods, give the money back."""

from uuid import UUID

from app.events.outbox import announce
from app.inventory import service as inventory
from app.inventory.service import Receipt
from app.orders.events import ReturnCanceled, ReturnExpired
from app.orders.going_back import return_items
from app.orders.models import Return, ReturnItem
from app.orders.queries import lock_orders
from app.orders.service.returns import give_back
from app.orders.states import Decision
from app.orders.views import status_of
from app.platform.metrics import RETURNS
from app.saga.states import SagaState
from app.saga.table import Batch, Done, Outcome, Outcomes, Parked, Refused

_ENDS = {SagaState.CANCELED: ReturnCanceled, SagaState.EXPIRED: ReturnExpired}


def approve(batch: Batch) -> Outcomes:
    """Wait until the merchant has decided."""
    return {row.id: _decided(row) for row in batch.rows}


def receive(batch: Batch) -> Outcomes:
    """The pivot: what arrived goes on the shelf where it is still good; the rest is written
    off."""
    arrived = [row for row in batch.rows if row.received_at is not None]
    lock_orders(batch.session, [row.order_id for row in arrived])  # before any stock
    items = return_items(batch.session, [row.id for row in arrived])
    receipts = [
        Receipt(item.sku_id, row.warehouse_id, item.restock, item.id, note="return")
        for row in arrived
        for item in items[row.id]
        if item.restock
    ]
    inventory.put_back(batch.session, receipts)
    skus = {receipt.sku_id for receipt in receipts}
    if skus:
        batch.session.afterwards(lambda: batch.ports.gate.mark_dirty(skus))
    outcomes: dict[UUID, Outcome] = {row.id: Parked("goods") for row in batch.rows}
    return outcomes | {row.id: Done({"units": _units(items[row.id])}) for row in arrived}


def refund(batch: Batch) -> Outcomes:
    """Begin the refund of what arrived; it is a saga of its own."""
    items = return_items(batch.session, [row.id for row in batch.rows])
    for row in batch.rows:
        give_back(batch.session, row, items[row.id], row.received_by)
        batch.session.afterwards(RETURNS.labels(outcome="received").inc)
    return {row.id: Done() for row in batch.rows}


def told_at_end(batch: Batch) -> None:
    """A return that came to nothing: refused, which was told as it was decided, called off, or
    never sent."""
    for row in batch.rows:
        fact = _ENDS.get(row.state)
        if fact is not None:
            announce(batch.session, fact(return_id=row.id, order_id=row.order_id))
        batch.session.afterwards(RETURNS.labels(outcome=str(status_of(row))).inc)


def _decided(row: Return) -> Outcome:
    match row.decision:
        case Decision.APPROVED:
            return Done({"by": row.decided_by})
        case Decision.REFUSED:
            return Refused("return_refused", "The merchant does not take it back.")
        case _:
            return Parked("decision")


def _units(items: list[ReturnItem]) -> int:
    return sum(item.received or 0 for item in items)
