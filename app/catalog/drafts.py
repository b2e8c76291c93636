"""What a merchant hands in: a product to create, and the SKUs it is sold by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.catalog.models import ProductStatus, SkuStatus


@dataclass(frozen=True)
class SkuDraft:
    """A SKU to create. Prices are minor units, `size` millimetres, `stock` units to receive.

    At `low_stock_at` units its merchant is told; None stands for the merchant's own mark.
    """

    code: str
    price: int
    currency: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    compare_at: int | None = None
    weight_g: int = 0
    size: Mapping[str, Any] | None = None
    tax_code: str = "standard"
    barcode: str | None = None
    stock: int = 0
    low_stock_at: int | None = None
    status: SkuStatus = SkuStatus.ACTIVE


@dataclass(frozen=True)
class ProductDraft:
    """A product to create; `category` is a slug or a path, the slug is made of the name."""

    name: str
    skus: tuple[SkuDraft, ...]
    description: str = ""
    category: str | None = None
    slug: str | None = None
    status: ProductStatus = ProductStatus.ACTIVE
    attributes: Mapping[str, Any] = field(default_factory=dict)
