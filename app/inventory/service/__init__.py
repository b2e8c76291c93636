"""What can be done with stock: hold it for checkouts, send it, bring it in, correct it."""

from app.inventory.service.leave import Leaving, fulfil, let_go
from app.inventory.service.places import change_warehouse, open_warehouse
from app.inventory.service.reserve import Shortage, Want, hold, release, reserve
from app.inventory.service.stock import (
    UNITS_MAX,
    Receipt,
    adjust,
    put_back,
    receive,
    receive_all,
)

__all__ = [
    "UNITS_MAX", "Leaving", "Receipt", "Shortage", "Want", "adjust", "change_warehouse", "fulfil",
    "hold", "let_go", "open_warehouse", "put_back", "receive", "receive_all", "release", "reserve",
]  # fmt: skip
