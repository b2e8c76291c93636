"""The sums behind the figures."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

__all__ = ["differences", "median", "per_operation", "percentile", "ratio"]


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest value that so many percent do not exceed.

    NaN without values.
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def ratio(measured: float, floors: Sequence[float]) -> float:
    """A rate as a share of the floor around it: the mean of the floor first and last."""
    known = [floor for floor in floors if floor > 0]
    return measured / (sum(known) / len(known)) if known else math.nan


def per_operation(total: float, operations: int) -> float:
    """A total divided by the operations it was spent on; NaN where there were none."""
    return total / operations if operations else math.nan


def differences(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What counters rose by. One that fell was reset, so that what it says now is the rise."""
    return {
        name: value - before.get(name, 0) if value >= before.get(name, 0) else value
        for name, value in after.items()
        if value != before.get(name, 0)
    }
