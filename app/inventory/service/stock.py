"""What lies there: bring units in, correct a count, put back what came home."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.events.outbox import announce
from app.inventory import ledger
from app.inventory.errors import InvalidQuantity, StockTooLow
from app.inventory.events import StockAdjusted, StockReceived, StockReturned
from app.inventory.models import LedgerReason
from app.platform.db import ShopSession

UNITS_MAX = 1_000_000_000  # in one movement: more is a slip of the hand, and sums stay in bigint


@dataclass(frozen=True)
class Receipt:
    """Units that came into a warehouse; `reference` is the same whenever it is told again."""

    sku_id: UUID
    warehouse_id: UUID
    qty: int
    reference: UUID
    note: str | None = None


def receive(
    session: ShopSession,
    *,
    sku_id: UUID,
    warehouse_id: UUID,
    qty: int,
    reference: UUID,
    note: str | None = None,
) -> bool:
    """Bring units into a warehouse, once by its reference; False when it was told before.

    Raises InvalidQuantity, UnknownStock, and ReferenceReused for another quantity.
    """
    return receive_all(session, [Receipt(sku_id, warehouse_id, qty, reference, note)]) == 1


def receive_all(session: ShopSession, receipts: Sequence[Receipt]) -> int:
    """Bring in many receipts at once, each once by its reference; gives how many were new."""
    for receipt in receipts:
        _check_units(receipt.qty, at_least=1)
    entries = [
        ledger.Entry(r.sku_id, r.warehouse_id, r.qty, 0, reference=r.reference, note=r.note)
        for r in receipts
    ]
    ledger.open_balances(session, entries)
    ledger.lock(session, {entry.sku_id for entry in entries})
    new = ledger.not_posted(session, LedgerReason.RECEIVE, entries)
    ledger.post(session, LedgerReason.RECEIVE, new)
    announce(session, *(StockReceived(e.sku_id, e.warehouse_id, e.available) for e in new))
    return len(new)


def adjust(
    session: ShopSession,
    *,
    sku_id: UUID,
    warehouse_id: UUID,
    delta: int,
    reference: UUID,
    note: str | None = None,
) -> bool:
    """Correct a count by so many units, once by its reference; False when it was told before.

    What is reserved is promised and cannot be taken. Raises InvalidQuantity, UnknownStock,
    StockTooLow when less than that is available, and ReferenceReused for another delta.
    """
    _check_units(abs(delta), at_least=1)
    entry = ledger.Entry(sku_id, warehouse_id, delta, 0, reference=reference, note=note)
    ledger.open_balances(session, [entry])
    available = dict(ledger.lock(session, [sku_id])[sku_id])[warehouse_id]
    new = ledger.not_posted(session, LedgerReason.ADJUST, [entry])
    if new and available + delta < 0:
        raise StockTooLow(
            f"Only {available} units are available there; {-delta} cannot be taken away.",
            available=available,
        )
    ledger.post(session, LedgerReason.ADJUST, new)
    announce(session, *(StockAdjusted(sku_id, warehouse_id, delta) for _ in new))
    return bool(new)


def put_back(session: ShopSession, returned: Sequence[Receipt]) -> int:
    """Put units on the shelf again that had left it, each once by its reference; gives how many
    were new. The reference is the refund's or the return's item. Raises as `receive` does."""
    for each in returned:
        _check_units(each.qty, at_least=1)
    entries = [
        ledger.Entry(r.sku_id, r.warehouse_id, r.qty, 0, reference=r.reference, note=r.note)
        for r in returned
    ]
    if not entries:
        return 0
    ledger.open_balances(session, entries)
    ledger.lock(session, {entry.sku_id for entry in entries})
    new = ledger.not_posted(session, LedgerReason.RETURN, entries)
    ledger.post(session, LedgerReason.RETURN, new)
    announce(session, *(StockReturned(e.sku_id, e.warehouse_id, e.available) for e in new))
    return len(new)


def _check_units(units: int, *, at_least: int) -> None:
    if not at_least <= units <= UNITS_MAX:
        raise InvalidQuantity(f"A movement is {at_least} to {UNITS_MAX} units.")
