"""Whether everything holds that must always hold: each invariant, one by one, and what breaks it.

Reads and changes nothing. What PostgreSQL can answer is answered from one snapshot, so that traffic
in between breaks nothing; the provider and the gate are asked afterwards, each with its own grace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text

from app.inventory.gate import Gate
from app.operations import counters, holds
from app.operations.breaches import Breach
from app.operations.invariants import CHECKS, NUMBERS
from app.payments.ports import PaymentProvider
from app.platform.db import Database, ShopSession
from app.platform.errors import Unavailable

ROWS_MAX = 100  # of one check: who has more has one cause
STATEMENT_SECONDS_MAX = 600
GRACE_SECONDS = 300
REACH_HOURS = 48


@dataclass(frozen=True)
class Stock:
    """Units: what came must be what lies there, reserved or not, and what was sent."""

    came: int = 0
    sent: int = 0
    available: int = 0
    reserved: int = 0


@dataclass(frozen=True)
class Report:
    """What an audit found. `unknown` tells why an invariant could not be looked at, by number."""

    invariants: frozenset[int]
    breaches: tuple[Breach, ...]
    looked_at: Mapping[str, int]
    stock: Stock
    unknown: Mapping[int, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every invariant was looked at and none is broken."""
        return not self.breaches and not self.unknown


def of_database(db: Database, *, limit: int = ROWS_MAX) -> Report:
    """Every invariant PostgreSQL answers for by itself, in one snapshot."""
    with db.reading() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        session.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS_MAX}s'"))
        breaches = breaches_in(session, limit=limit)
        counts, stock = _counts(session), _stock(session)
    return Report(NUMBERS, tuple(_sorted(breaches)), counts, stock)


def breaches_in(session: ShopSession, *, limit: int = ROWS_MAX) -> list[Breach]:
    """What is broken in the snapshot of a session, at most `limit` rows a check."""
    return [breach for check in CHECKS for breach in check(session, limit)]


def of_everything(
    db: Database,
    gate: Gate,
    provider: PaymentProvider | None,
    *,
    grace: timedelta = timedelta(seconds=GRACE_SECONDS),
    reach: timedelta = timedelta(hours=REACH_HOURS),
    limit: int = ROWS_MAX,
) -> Report:
    """Every invariant there is. Without a provider nobody asks about the money there.

    Of the provider's holds those of the last `reach` are looked at that are older than `grace`. An
    invariant nobody answers for is `unknown`, not held.
    """
    found = of_database(db, limit=limit)
    breaches, unknown = list(found.breaches), dict(found.unknown)
    looked_at, numbers = dict(found.looked_at), set(found.invariants)
    if provider is not None:
        numbers.add(holds.INVARIANT)
        try:
            seen = holds.window(db, grace=grace, reach=reach)
            money = holds.look(db, provider, seen, limit=limit)
            breaches += money.breaches
            looked_at["holds at the provider"] = money.holds
        except Unavailable as away:
            unknown[holds.INVARIANT] = away.detail
    numbers.add(counters.INVARIANT)
    try:
        units = counters.look(db, gate, limit=limit)
        breaches += units.breaches
        looked_at["SKUs at the gate"] = units.skus
    except Unavailable as away:
        unknown[counters.INVARIANT] = away.detail
    return Report(frozenset(numbers), tuple(_sorted(breaches)), looked_at, found.stock, unknown)


def _sorted(breaches: list[Breach]) -> list[Breach]:
    return sorted(breaches, key=lambda breach: (breach.invariant, breach.name))


def _counts(session: ShopSession) -> dict[str, int]:
    row = session.execute(
        text("""
        SELECT (SELECT count(*) FROM orders) AS orders,
            (SELECT count(*) FROM checkouts) AS checkouts,
            (SELECT count(*) FROM payments) AS payments,
            (SELECT count(*) FROM reservations) AS reservations,
            (SELECT count(*) FROM inventory) AS balances,
            (SELECT count(*) FROM inventory_ledger) AS "ledger entries",
            (SELECT count(*) FROM outbox) AS events
        """)
    ).mappings()
    return dict(row.one())


def _stock(session: ShopSession) -> Stock:
    row = session.execute(
        text("""
        SELECT moved.came, moved.sent, lies.available, lies.reserved
        FROM (
            SELECT coalesce(sum(delta_available + delta_reserved)
                    FILTER (WHERE reason <> 'fulfil'), 0)::bigint AS came,
                coalesce(-sum(delta_available + delta_reserved)
                    FILTER (WHERE reason = 'fulfil'), 0)::bigint AS sent
            FROM inventory_ledger
        ) moved, (
            SELECT coalesce(sum(stock_available), 0)::bigint AS available,
                coalesce(sum(stock_reserved), 0)::bigint AS reserved
            FROM inventory
        ) lies
        """)
    ).one()
    return Stock(row.came, row.sent, row.available, row.reserved)
