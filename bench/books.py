"""Whether the shop adds up after people bought: stock conserved, each success an order, no more."""

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass

import psycopg

QUIET_SECONDS = 90
_POLL_SECONDS = 0.2
_BOOKS = """
SELECT
    (SELECT count(*) FROM orders WHERE state = 'confirmed'),
    (SELECT coalesce(sum(i.qty), 0) FROM order_items i JOIN orders o ON o.id = i.order_id
        WHERE o.state = 'confirmed'),
    (SELECT coalesce(sum(o.total), 0) FROM orders o WHERE o.state = 'confirmed'),
    (SELECT coalesce(sum(p.amount), 0) FROM payments p WHERE p.status = 'authorized'),
    (SELECT sum(stock_available) FROM inventory),
    (SELECT sum(stock_reserved) FROM inventory),
    (SELECT min(stock_available) FROM inventory),
    (SELECT sum(delta_available) FROM inventory_ledger),
    (SELECT sum(delta_reserved) FROM inventory_ledger)
"""
_WAITING = """
SELECT
    (SELECT count(*) FROM checkouts WHERE state IN ('running', 'parked')),
    (SELECT count(*) FROM outbox WHERE published_at IS NULL),
    (SELECT count(*) FROM consumer_cursors c
        JOIN outbox o ON o.topic = c.topic AND o.position > c.position),
    (SELECT count(*) FROM notifications WHERE status = 'queued')
"""


@dataclass(frozen=True)
class Books:
    """The sums of the shop: orders confirmed, their units and minor units, money held, stock."""

    orders: int
    units: int
    sold: int
    held: int
    available: int
    reserved: int
    least_available: int
    ledger_available: int
    ledger_reserved: int


@dataclass(frozen=True)
class Waiting:
    """Work the shop has accepted and not yet done."""

    checkouts: int
    unpublished: int
    unread: int
    letters: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(astuple(self))


def read_books(database: str) -> Books:
    """Add everything up, in one snapshot."""
    return Books(*map(int, _row(database, _BOOKS)))


def read_waiting(database: str) -> Waiting:
    """What waits right now."""
    return Waiting(*map(int, _row(database, _WAITING)))


def await_quiet(database: str, tend: Callable[[], None]) -> float | None:
    """Wait until nothing waits; the seconds it took, None when it never came to that."""
    began = time.monotonic()
    while time.monotonic() - began < QUIET_SECONDS:
        if read_waiting(database).total == 0:
            return time.monotonic() - began
        tend()
        time.sleep(_POLL_SECONDS)
    return None


def discrepancies(before: Books, after: Books, *, completed: int, failed: int) -> list[str]:
    """What does not add up, a sentence each; `completed` and `failed` are the shoppers' counts.

    A purchase whose shopper saw a failure may be confirmed all the same: the answer was lost.
    """
    orders, units = after.orders - before.orders, after.units - before.units
    wrong = []
    if not completed <= orders <= completed + failed:
        wrong.append(f"{completed} purchases succeeded and {failed} failed, but {orders} orders")
    if after.available + after.reserved != before.available + before.reserved:
        wrong.append("units appeared or vanished")
    if after.reserved - before.reserved != units:
        wrong.append(f"{units} units sold, {after.reserved - before.reserved} reserved")
    if after.least_available < 0:
        wrong.append("a balance is below zero: oversold")
    if (after.ledger_available, after.ledger_reserved) != (after.available, after.reserved):
        wrong.append("the ledger does not explain the balances")
    if after.held != after.sold:
        wrong.append(f"orders of {after.sold}, money held {after.held}")
    return wrong


def _row(database: str, statement: str) -> tuple[int, ...]:
    with psycopg.connect(database) as connection:
        row = connection.execute(statement).fetchone()
    return tuple(row or ())
