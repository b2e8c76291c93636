"""Products as they are read: plain values, complete, free of the session that found them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.models import ProductStatus, SkuStatus


@dataclass(frozen=True)
class SkuView:
    """One SKU and what can be bought of it now; money in minor units, size in millimetres."""

    id: UUID
    code: str
    options: Mapping[str, Any]
    price: int
    currency: str
    compare_at: int | None
    weight_g: int
    size: Mapping[str, Any] | None
    tax_code: str
    barcode: str | None
    status: SkuStatus
    available: int
    low_stock_at: int | None = None
    is_low: bool = False

    @property
    def in_stock(self) -> bool:
        """Whether it can be bought now."""
        return self.status is SkuStatus.ACTIVE and self.available > 0


@dataclass(frozen=True)
class ImageView:
    """A picture of a product; `url` is None while no file store serves it."""

    url: str | None
    alt: str
    width: int | None
    height: int | None


@dataclass(frozen=True)
class ProductView:
    """One product with its SKUs and pictures; `category` is a slug, `category_path` from the
    root."""

    id: UUID
    merchant_id: UUID
    name: str
    slug: str
    description: str
    category: str | None
    category_path: str | None
    rating: float
    rating_count: int
    price: int | None
    currency: str
    status: ProductStatus
    attributes: Mapping[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    skus: tuple[SkuView, ...]
    images: tuple[ImageView, ...]

    @property
    def in_stock(self) -> bool:
        """Whether any of its SKUs can be bought now."""
        return any(sku.in_stock for sku in self.skus)

    @property
    def image_url(self) -> str | None:
        """The first picture that can be shown."""
        return next((image.url for image in self.images if image.url), None)


def image_url(object_key: str | None) -> str | None:
    """Where a picture is served: its key where that is an address already, else nowhere yet."""
    return object_key if object_key and object_key.startswith(("https://", "http://")) else None
