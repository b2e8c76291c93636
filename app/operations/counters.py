"""Invariant 8: the fast gate admits what PostgreSQL has, less what is in flight."""

from dataclasses import dataclass

from app.inventory import queries
from app.inventory.gate import Gate
from app.operations.breaches import Breach, public_id
from app.platform.db import Database

INVARIANT = 8
_PAGE = 200


@dataclass(frozen=True)
class CountersLook:
    """How many SKUs were looked at, and which counters drifted."""

    skus: int
    breaches: list[Breach]


def look(db: Database, gate: Gate, *, limit: int) -> CountersLook:
    """Compare the counter of every SKU that can be bought; those that move are not judged.

    Raises GateAway.
    """
    breaches: list[Breach] = []
    skus, after = 0, None
    while len(breaches) < limit:
        with db.reading() as session:
            page = queries.active_skus(session, after=after, limit=_PAGE)
        if not page:
            break
        skus, after = skus + len(page), page[-1]
        breaches += [
            Breach(
                INVARIANT,
                "gate_counter_drifted",
                public_id("sku", drift.sku_id),
                f"the gate would admit {drift.counter} units where {drift.expected} are right",
            )
            for drift in gate.check(page)
        ]
    return CountersLook(skus, breaches[:limit])
