"""What is for sale: categories, products, the SKUs they are sold by, their pictures."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.platform.db import Base, one_of
from app.platform.ids import new_id


class ProductStatus(StrEnum):
    """Whether shoppers see a product."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class SkuStatus(StrEnum):
    """Whether a SKU can be bought."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class Category(Base):
    """A branch of the catalog tree; `path` is the slugs from the root, `clothing/shoes`."""

    __tablename__ = "categories"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id"), index=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    path: Mapped[str]


class Product(Base):
    """What a shopper looks at. `price` is its cheapest active SKU's; `stock_total` is a
    projection."""

    __tablename__ = "products"
    __table_args__ = (
        one_of("status", ProductStatus, name="status_known"),
        CheckConstraint("rating >= 0 AND rating <= 5", name="rating_in_range"),
        CheckConstraint("price IS NULL OR price >= 0", name="price_not_negative"),
        UniqueConstraint("merchant_id", "slug"),
        Index("ix_products_search", "search", postgresql_using="gin"),
        Index(
            "ix_products_name_trigram",
            "name",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops"},
        ),
        Index("ix_products_listing", "status", "price", "id"),
        Index("ix_products_rating", "status", "rating", "id"),
        Index("ix_products_newest", "status", "created_at", "id"),
        Index("ix_products_owner", "merchant_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id"), index=True)
    rating: Mapped[float] = mapped_column(Numeric(3, 2, asdecimal=False), default=0)
    rating_count: Mapped[int] = mapped_column(default=0)
    stock_total: Mapped[int] = mapped_column(default=0)
    price: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[ProductStatus] = mapped_column(default=ProductStatus.ACTIVE)
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    search: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english'::regconfig, name), 'A') ||"
            " setweight(to_tsvector('english'::regconfig, description), 'B')",
            persisted=True,
        ),
        deferred=True,
    )

    skus: Mapped[list["Sku"]] = relationship(
        back_populates="product", lazy="raise", order_by="Sku.code"
    )
    category: Mapped[Category | None] = relationship(lazy="raise")
    images: Mapped[list["ProductImage"]] = relationship(
        lazy="raise", order_by="ProductImage.position"
    )


class Sku(Base):
    """What is sold. `price` is in minor units, `size` is millimetres `{l, w, h}`, weight grams.

    At `low_stock_at` units or fewer (null: the merchant's own mark) its merchant is told, once a
    dip: `is_low` remembers.
    """

    __tablename__ = "skus"
    __table_args__ = (
        one_of("status", SkuStatus, name="status_known"),
        UniqueConstraint("merchant_id", "code"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("weight_g >= 0", name="weight_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), index=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    code: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    price: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    compare_at: Mapped[int | None]
    weight_g: Mapped[int] = mapped_column(default=0)
    size: Mapped[dict[str, Any] | None]
    tax_code: Mapped[str] = mapped_column(default="standard")
    barcode: Mapped[str | None]
    low_stock_at: Mapped[int | None]
    is_low: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    status: Mapped[SkuStatus] = mapped_column(default=SkuStatus.ACTIVE)

    product: Mapped[Product] = relationship(back_populates="skus", lazy="raise")


class ProductImage(Base):
    """A picture of a product; the bytes lie behind `object_key`."""

    __tablename__ = "product_images"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), index=True)
    object_key: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    alt: Mapped[str] = mapped_column(default="")
    width: Mapped[int | None]
    height: Mapped[int | None]
