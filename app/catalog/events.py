"""What the catalog announces. Facts carry ids; who hears them loads the row."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("product.created", topic="catalog", key="product_id")
@dataclass(frozen=True)
class ProductCreated:
    """A merchant has put a product into the catalog; it may still be a draft."""

    product_id: UUID
    merchant_id: UUID
    version: int


@event("product.updated", topic="catalog", key="product_id")
@dataclass(frozen=True)
class ProductUpdated:
    """A product or one of its SKUs was written; `version` is the one after the write."""

    product_id: UUID
    merchant_id: UUID
    version: int


@event("product.deleted", topic="catalog", key="product_id")
@dataclass(frozen=True)
class ProductDeleted:
    """A product was archived: shoppers do not see it any more, its orders still do."""

    product_id: UUID
    merchant_id: UUID
    version: int
