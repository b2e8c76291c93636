"""A merchant's own stock, as it goes in and out."""

from marshmallow import Schema, fields, validate

from app.api.schemas.fields import Text, TypeId, Whole
from app.catalog.models import ProductStatus
from app.web.pagination import PageArgs, page_of

_UNITS_MAX = 1_000_000


class OwnProductsArgs(PageArgs):
    """Which of the own products."""

    status = fields.Enum(ProductStatus, by_value=True, load_default=None)


class StockArgs(PageArgs):
    """Which stock."""

    sku_id = TypeId("sku", load_default=None)


class StockSchema(Schema):
    """Units of one SKU in one warehouse; on hand is available + reserved."""

    sku_id = TypeId("sku", required=True)
    product_id = TypeId("prd", required=True)
    warehouse_id = TypeId("whs", required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    available = fields.Integer(required=True)
    reserved = fields.Integer(required=True)


StockPageSchema = page_of(StockSchema)


class _MovementSchema(Schema):
    sku_id = TypeId("sku", required=True)
    warehouse_id = TypeId(
        "whs", load_default=None, metadata={"description": "The default warehouse when left out."}
    )
    reference = fields.UUID(
        load_default=None,
        metadata={"description": "The caller's own number: the same one books once."},
    )
    note = Text(longest=500, load_default=None)


class ReceiptSchema(_MovementSchema):
    """Units that came in."""

    qty = Whole(least=1, most=_UNITS_MAX, required=True, metadata={"example": 24})


class AdjustmentSchema(_MovementSchema):
    """What a count found: so many more, or fewer."""

    delta = Whole(
        least=-_UNITS_MAX,
        most=_UNITS_MAX,
        required=True,
        validate=[validate.NoneOf([0], error="Nothing to adjust.")],
        metadata={"example": -2},
    )


class BookedSchema(Schema):
    """A movement in the ledger, and what lies there now."""

    reference = fields.UUID(required=True)
    stock = fields.Nested(StockSchema, required=True)


class WarehouseSchema(Schema):
    """Where stock lies; lower `priority` is emptied first."""

    id = TypeId("whs", required=True)
    name = fields.String(required=True)
    country = fields.String(required=True, metadata={"example": "DE"})
    priority = fields.Integer(required=True)
    shared = fields.Boolean(required=True)
    default = fields.Boolean(required=True)
    address = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"example": {"line1": "Hafenstr. 12", "city": "Hamburg", "postal_code": "20457"}},
    )


class WarehousesSchema(Schema):
    """All warehouses a merchant may use."""

    data = fields.List(fields.Nested(WarehouseSchema), required=True)
