"""Which part of an order's money belongs to which units: shares that add up to the cent. No I/O.

Units of a line are numbered; the n-th has its share of the line's total by cumulative rounding
down, so that the shares of all units make exactly the total, in whatever parts they are taken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.orders.models import Order, OrderItem
from app.platform.ids import decode


@dataclass(frozen=True)
class LineUnits:
    """What has become of the units of one line.

    `shipped` are in parcels that are not canceled; `canceled` will never leave; `refunded` counts
    all units that money went back for, `returned` those in a return that is not over.
    """

    line: int
    sku_id: UUID
    merchant_id: UUID
    ordered: int
    shipped: int = 0
    delivered: int = 0
    canceled: int = 0
    refunded: int = 0
    returned: int = 0

    @property
    def left(self) -> int:
        """Units still to be shipped."""
        return self.ordered - self.shipped - self.canceled


def share(total: int, qty: int, *, before: int, units: int) -> int:
    """The minor units that belong to `units` units after the first `before` of `qty`.

    Raises ValueError for units the line has not.
    """
    if not 0 <= before <= before + units <= qty:
        raise ValueError(f"a line of {qty} units has no units {before} to {before + units}")
    return total * (before + units) // qty - total * before // qty


def of_units(
    items: Iterable[OrderItem], taken: Mapping[int, int], units: Mapping[int, int]
) -> dict[int, int]:
    """By line, the share of these units where so many were taken before."""
    by_line = {item.line: item for item in items}
    return {
        line: share(by_line[line].total, by_line[line].qty, before=taken.get(line, 0), units=count)
        for line, count in units.items()
    }


def of_parcel(
    order: Order,
    before: Mapping[int, LineUnits],
    units: Mapping[int, int],
    *,
    left_to_take: int,
    shipping: int,
) -> int:
    """What a parcel takes of an order's money where it can be taken in parts.

    The share of its units, those that left or never will taken before, and its part of the
    shipping; the parcel after which nothing is left takes exactly what is `left_to_take`.
    """
    if all(line.left == units.get(line.line, 0) for line in before.values()):
        return left_to_take
    taken = {line.line: line.ordered - line.left for line in before.values()}
    return min(left_to_take, sum(of_units(order.items, taken, units).values()) + shipping)


def shipping_of(order: Order, merchant_id: UUID) -> int:
    """What a merchant's part of the shipping adds to the order's total."""
    return sum(
        int(part["total"]) for part in order.shipping_lines if _merchant(part) == merchant_id
    )


def _merchant(part: Mapping[str, Any]) -> UUID:
    return decode("mer", part["merchant_id"])
