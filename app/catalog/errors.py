"""How the catalog refuses."""

from app.platform.errors import Conflict, Invalid, NotFound, VersionConflict


class ProductNotFound(NotFound):
    """No such product, not for sale, or another merchant's: from outside they look the same."""

    code = "product_not_found"


class SkuNotFound(NotFound):
    """No such SKU, or another merchant's."""

    code = "sku_not_found"


class SkuCodeTaken(Conflict):
    """The merchant uses this code for another SKU."""

    code = "sku_code_taken"


class SlugTaken(Conflict):
    """The merchant uses this slug for another product."""

    code = "slug_taken"


class ProductChanged(VersionConflict):
    """Somebody wrote the product since it was read: read it again, then write."""


class IncompleteSku(Invalid):
    """A SKU that is not known yet needs a code and a price."""

    code = "sku_incomplete"


class StockByReceipt(Invalid):
    """The stock of a known SKU is moved by receipts and adjustments, never set."""

    code = "stock_not_writable"


class UnknownCategory(Invalid):
    """No category has this slug or path."""

    code = "unknown_category"


class NoWarehouse(Invalid):
    """The merchant has no default warehouse to receive stock in."""

    code = "no_warehouse"


class UnknownFilter(Invalid):
    """There is no filter of this name."""

    code = "unknown_filter"


class BadFilter(Invalid):
    """The filter is known, its value cannot be read."""

    code = "bad_filter"


class UnknownSort(Invalid):
    """There is no such order."""

    code = "unknown_sort"


class BadCursor(Invalid):
    """The cursor was not given by this shop, or for another search."""

    code = "broken_cursor"
