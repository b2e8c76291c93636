"""The only place that reads a clock in Python: for tokens and logs, never for what the shop decides
in SQL."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """This machine's time, aware. What rows live by is `shop_now()` in the database."""
    return datetime.now(UTC)


def milliseconds() -> int:
    """Milliseconds since the epoch, for Redis scripts that keep short expiries."""
    return time.time_ns() // 1_000_000
