"""How carts refuse."""

from app.platform.errors import Conflict, Invalid, NotFound, VersionConflict


class CartNotFound(NotFound):
    """No such cart, lapsed, or another shopper's."""

    code = "cart_not_found"


class LineNotFound(NotFound):
    """This SKU is not in the cart."""

    code = "cart_line_not_found"


class SkuNotForSale(Conflict):
    """The SKU is known, and not sold at the moment."""

    code = "sku_not_for_sale"


class CartLocked(Conflict):
    """The cart is being bought: cancel that checkout first."""

    code = "cart_locked"


class CartAlreadyOrdered(Conflict):
    """The cart was bought; a cart buys once."""

    code = "cart_already_ordered"


class CartChanged(VersionConflict):
    """The cart was written since the caller read it."""

    code = "version_conflict"


class QuantityOutOfRange(Invalid):
    """A line holds from one unit up to a limit."""

    code = "qty_out_of_range"


class TooManyLines(Invalid):
    """A cart holds only so many different SKUs."""

    code = "too_many_lines"


class CartTokenNeeded(Invalid):
    """A merge needs the token of the guest's cart beside the sign-in."""

    code = "cart_token_required"
