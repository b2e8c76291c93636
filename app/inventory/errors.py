"""How inventory refuses."""

from app.platform.errors import Conflict, Denied, Invalid, NotFound, Unavailable


class OutOfStock(Conflict):
    """Not all lines are there. `lines` tells each short one: `{sku_id, wanted, left}`."""

    code = "out_of_stock"


class GateAway(Unavailable):
    """The stock gate cannot answer now; nothing was sold, so trying again is safe."""

    code = "unavailable"


class WarehouseNotFound(NotFound):
    """No such warehouse, or another merchant's."""

    code = "warehouse_not_found"


class WarehouseShared(Denied):
    """Several merchants keep stock there; none of them changes it."""

    code = "warehouse_shared"


class StockTooLow(Conflict):
    """An adjustment would take more than is there; `available` tells what is."""

    code = "stock_too_low"


class ReferenceReused(Conflict):
    """The same receipt or adjustment was posted before with another quantity."""

    code = "reference_reused"


class UnknownStock(NotFound):
    """No such SKU or no such warehouse."""

    code = "not_found"


class InvalidQuantity(Invalid):
    """The quantity is nothing, negative, or more than a warehouse could hold."""

    code = "invalid_quantity"


class NotHeld(Conflict):
    """Fewer units are held than were to leave."""

    code = "units_not_held"
