"""What merchants can do to the catalog."""

from app.catalog.service.products import archive, create, update
from app.catalog.service.stock import adjust_stock, receive_stock, refresh_totals

__all__ = ["adjust_stock", "archive", "create", "receive_stock", "refresh_totals", "update"]
