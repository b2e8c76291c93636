"""How orders refuse."""

from app.platform.errors import NotFound


class OrderNotFound(NotFound):
    """No such order, or another shopper's."""

    code = "order_not_found"
