"""What merchants can do to the catalog, and what buyers think of it."""

from app.catalog.service.products import archive, create, update
from app.catalog.service.ratings import average, lock_product, write_rating
from app.catalog.service.stock import adjust_stock, receive_stock, refresh_totals

__all__ = [
    "adjust_stock",
    "archive",
    "average",
    "create",
    "lock_product",
    "receive_stock",
    "refresh_totals",
    "update",
    "write_rating",
]
