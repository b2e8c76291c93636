"""From which warehouse a parcel leaves. No I/O."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.orders.errors import SplitNeeded
from app.platform.ids import encode


@dataclass(frozen=True)
class Places:
    """Where units lie that may leave: units by SKU and warehouse, and the SKU of each line."""

    units: Mapping[tuple[UUID, UUID], int]
    skus: Mapping[int, UUID]

    def by_warehouse(self, wanted: Mapping[int, int]) -> dict[UUID, dict[int, int]]:
        """By warehouse, how many of the wanted units of each line lie there."""
        lying: dict[UUID, dict[int, int]] = defaultdict(dict)
        for line, qty in sorted(wanted.items()):
            for (sku_id, warehouse_id), units in self.units.items():
                if sku_id == self.skus[line]:
                    lying[warehouse_id][line] = min(qty, units)
        return dict(lying)


def choose(
    wanted: Mapping[int, int],
    places: Places,
    *,
    warehouse_id: UUID | None,
    may_be_less: bool,
) -> tuple[UUID, dict[int, int]]:
    """The warehouse, and the units by line that leave it.

    Without one named: the one where most of the wanted units lie. Where not all of them lie there,
    `may_be_less` sends what does; else raises SplitNeeded, which says what lies where.
    """
    lying = places.by_warehouse(wanted)
    named = {at: parts for at, parts in lying.items() if warehouse_id in (None, at)}
    if not named:
        raise _split(lying)
    place = max(sorted(named), key=lambda at: sum(named[at].values()))
    if not may_be_less and named[place] != dict(wanted):
        raise _split(lying)
    return place, named[place]


def _split(lying: Mapping[UUID, Mapping[int, int]]) -> SplitNeeded:
    facts: list[dict[str, Any]] = [
        {
            "warehouse_id": encode("whs", warehouse_id),
            "lines": [{"line": line, "qty": qty} for line, qty in sorted(parts.items())],
        }
        for warehouse_id, parts in sorted(lying.items())
    ]
    return SplitNeeded(
        "These units do not lie there together: send a parcel each.", warehouses=facts
    )
