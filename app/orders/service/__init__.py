"""What can be done with orders, one module an act; each writes in its caller's transaction."""

from app.orders.service.lifecycle import cancel_unconfirmed, confirm, create, move

__all__ = ["cancel_unconfirmed", "confirm", "create", "move"]
