"""Products and categories as they go in and out."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.api.schemas.fields import Currency, Minor, Text, TypeId, Whole
from app.catalog.models import ProductStatus, SkuStatus
from app.web.pagination import PageArgs, page_of

SKUS_MAX = 100
_NUMBER_MAX = 2**53  # what every JSON reader keeps exactly
_OPTIONS = {"size": "42", "color": "black"}


class Plain(fields.Field[str | int | float | bool]):
    """A short text, a number, or true or false."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | int | float | bool:
        if isinstance(value, str) and len(value) <= 500:
            return value
        if isinstance(value, bool | int | float) and abs(value) <= _NUMBER_MAX:
            return value
        raise ValidationError("Not a short text, a number, true or false.")


def _plain_values(most: int) -> "fields.Dict":
    return fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=Plain(metadata={"type": ["string", "number", "boolean"]}),
        validate=validate.Length(max=most),
        metadata={"example": _OPTIONS},
    )


class SearchArgs(PageArgs):
    """What to look for, among what, in which order."""

    q = Text(
        longest=200,
        shortest=0,
        load_default="",
        metadata={"description": "Words, misspelled ones too.", "example": "leather boots"},
    )
    filters = Text(
        longest=1_000,
        shortest=0,
        load_default="",
        metadata={
            "description": "`name:value` parted by commas; names are category (with all below it),"
            " price (minor units), rating, in_stock, merchant.",
            "example": "category:shoes,price:1000..5000,rating:4..,in_stock:true",
        },
    )
    sort = Text(
        longest=100,
        shortest=0,
        load_default="",
        metadata={
            "description": "Any of price, rating, created_at, relevance; `-` for downwards. Left"
            " out: the best hits of a search, else the newest.",
            "example": "price,-rating",
        },
    )


class HitSchema(Schema):
    """A product in a list; `price` is of its cheapest SKU, in minor units."""

    id = TypeId("prd", required=True)
    name = fields.String(required=True, metadata={"example": "Halden Oak Side Table"})
    slug = fields.String(required=True)
    merchant_id = TypeId("mer", required=True)
    category = fields.String(required=True, allow_none=True, metadata={"example": "tables"})
    rating = fields.Float(required=True)
    rating_count = fields.Integer(required=True)
    price = Minor(required=True)
    currency = Currency(required=True)
    in_stock = fields.Boolean(required=True)
    image_url = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class CountSchema(Schema):
    """How many products a filter would leave; `value` is the filter's own word."""

    value = fields.String(required=True, metadata={"example": "1000..2499"})
    name = fields.String(required=True, allow_none=True)
    count = fields.Integer(required=True)


class FacetsSchema(Schema):
    """What all pages together are made of. Counts of broad searches may be seconds old."""

    category = fields.List(fields.Nested(CountSchema), required=True)
    price = fields.List(fields.Nested(CountSchema), required=True)
    rating = fields.List(fields.Nested(CountSchema), required=True)
    in_stock = fields.List(fields.Nested(CountSchema), required=True)
    merchant = fields.List(fields.Nested(CountSchema), required=True)


class FoundSchema(page_of(HitSchema)):  # type: ignore[misc]  # made at run time
    """A page of products, and what all pages are made of."""

    facets = fields.Nested(FacetsSchema, required=True)


class SkuSchema(Schema):
    """What is bought: minor units, grams, millimetres."""

    id = TypeId("sku", required=True)
    code = fields.String(required=True, metadata={"example": "BOOT-42"})
    options: Any = fields.Dict(required=True, metadata={"example": _OPTIONS})
    price = Minor(required=True)
    currency = Currency(required=True)
    compare_at = Minor(required=True, allow_none=True)
    weight_g = fields.Integer(required=True)
    in_stock = fields.Boolean(required=True)


class OwnSkuSchema(SkuSchema):
    """A SKU as its merchant sees it."""

    size: Any = fields.Dict(required=True, allow_none=True)
    tax_code = fields.String(required=True)
    barcode = fields.String(required=True, allow_none=True)
    status = fields.Enum(SkuStatus, by_value=True, required=True)
    available = fields.Integer(required=True, metadata={"description": "Units to sell now."})
    low_stock_at = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "At so many units you are told; null: at your general mark."},
    )
    is_low = fields.Boolean(
        required=True, metadata={"description": "Fell to its mark and was not filled up since."}
    )


class ImageSchema(Schema):
    """A picture, in pixels."""

    url = fields.String(required=True, allow_none=True)
    alt = fields.String(required=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)


class ProductSchema(Schema):
    """A product with the SKUs it is sold by; `category_path` leads from the root."""

    id = TypeId("prd", required=True)
    merchant_id = TypeId("mer", required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    description = fields.String(required=True)
    category = fields.String(required=True, allow_none=True)
    category_path = fields.String(required=True, allow_none=True)
    rating = fields.Float(required=True)
    rating_count = fields.Integer(required=True)
    price = Minor(required=True, allow_none=True)
    currency = Currency(required=True)
    in_stock = fields.Boolean(required=True)
    image_url = fields.String(required=True, allow_none=True)
    images = fields.List(fields.Nested(ImageSchema), required=True)
    attributes: Any = fields.Dict(required=True)
    status = fields.Enum(ProductStatus, by_value=True, required=True)
    version = fields.Integer(required=True, metadata={"description": "Counts the writes."})
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    skus: Any = fields.List(fields.Nested(SkuSchema), required=True)


class OwnProductSchema(ProductSchema):
    """A product as its merchant sees it."""

    skus = fields.List(fields.Nested(OwnSkuSchema), required=True)


OwnProductPageSchema = page_of(OwnProductSchema)


class CategorySchema(Schema):
    """A branch of the catalog."""

    id = TypeId("cat", required=True)
    slug = fields.String(required=True, metadata={"example": "shoes"})
    name = fields.String(required=True, metadata={"example": "Shoes"})
    path = fields.String(required=True, metadata={"example": "clothing/shoes"})
    parent_id = TypeId("cat", required=True, allow_none=True)


class CategoriesSchema(Schema):
    """The whole tree, parents before their children."""

    data = fields.List(fields.Nested(CategorySchema), required=True)


class _Size(Schema):
    l = Whole(least=1, most=100_000, required=True)  # noqa: E741  length, as parcels have it
    w = Whole(least=1, most=100_000, required=True)
    h = Whole(least=1, most=100_000, required=True)


class NewSkuSchema(Schema):
    """A SKU to create. `stock` goes to the default warehouse."""

    code = Text(longest=64, required=True, metadata={"example": "BOOT-42"})
    price = Minor(required=True, metadata={"example": 12_900})
    currency = Currency(metadata={"description": "The merchant's own, also when left out."})
    options = _plain_values(20)
    compare_at = Minor(allow_none=True, metadata={"description": "What it cost before."})
    weight_g = Whole(least=0, most=10_000_000, metadata={"example": 900})
    size = fields.Nested(_Size, allow_none=True, metadata={"description": "Millimetres."})
    tax_code = Text(longest=40, validate=[validate.Regexp(r"^[a-z0-9_-]+\Z")])
    barcode = Text(longest=64, allow_none=True)
    stock = Whole(least=0, most=1_000_000, metadata={"example": 10})
    low_stock_at = Whole(
        least=0,
        most=1_000_000,
        allow_none=True,
        metadata={"description": "Tell me at so many units; null: at my general mark."},
    )
    status = fields.Enum(SkuStatus, by_value=True)


class SkuChangeSchema(NewSkuSchema):
    """A SKU to change, named by `id` or `code`; one that is not known is added."""

    id = TypeId("sku")
    code = Text(longest=64)
    price = Minor()


class NewProductSchema(Schema):
    """A product to create."""

    name = Text(longest=200, required=True, metadata={"example": "Walking boot"})
    description = Text(longest=20_000, shortest=0)
    category = Text(longest=200, allow_none=True, metadata={"description": "A slug or a path."})
    slug = Text(longest=100, validate=[validate.Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")])
    status = fields.Enum(
        ProductStatus,
        by_value=True,
        validate=validate.NoneOf([ProductStatus.ARCHIVED], error="Archive by DELETE."),
        metadata={"enum": ["draft", "active"]},
    )
    attributes = _plain_values(50)
    skus: Any = fields.List(
        fields.Nested(NewSkuSchema), required=True, validate=validate.Length(1, SKUS_MAX)
    )


class ProductChangeSchema(NewProductSchema):
    """What to change; what is left out stays."""

    name = Text(longest=200)
    skus = fields.List(fields.Nested(SkuChangeSchema), validate=validate.Length(1, SKUS_MAX))
