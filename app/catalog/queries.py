"""What can be asked of the catalog."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Merchant, MerchantStatus
from app.catalog.models import Category, Product, ProductImage, ProductStatus, Sku, SkuStatus
from app.catalog.views import ImageView, ProductView, SkuView, image_url
from app.inventory.models import Inventory, Warehouse


@dataclass(frozen=True)
class Sellable:
    """One SKU as carts and checkouts see it. `price` is in minor units of `currency`.

    `active` says that the SKU, its product and its merchant are all for sale.
    """

    sku_id: UUID
    product_id: UUID
    merchant_id: UUID
    code: str
    name: str
    price: int
    currency: str
    weight_g: int
    tax_code: str
    options: dict[str, Any]
    active: bool


_ACTIVE = and_(
    Sku.status == SkuStatus.ACTIVE,
    Product.status == ProductStatus.ACTIVE,
    Merchant.status == MerchantStatus.ACTIVE,
)


def sellable(session: Session, sku_ids: Iterable[UUID]) -> dict[UUID, Sellable]:
    """What these SKUs are and cost now, by id, in one statement; unknown ones are left out."""
    rows = session.execute(
        select(
            Sku.id,
            Sku.product_id,
            Sku.merchant_id,
            Sku.code,
            Product.name,
            Sku.price,
            Sku.currency,
            Sku.weight_g,
            Sku.tax_code,
            Sku.options,
            _ACTIVE,
        )
        .join(Product, Product.id == Sku.product_id)
        .join(Merchant, Merchant.id == Sku.merchant_id)
        .where(Sku.id.in_(set(sku_ids)))
    )
    return {row[0]: Sellable(*row) for row in rows}


def for_sale(session: Session, product_id: UUID) -> ProductView | None:
    """A product as shoppers see it, its active SKUs alone; None while it is not for sale."""
    wanted = (
        select(Product)
        .join(Merchant, Merchant.id == Product.merchant_id)
        .where(
            Product.id == product_id,
            Product.status == ProductStatus.ACTIVE,
            Merchant.status == MerchantStatus.ACTIVE,
        )
    )
    return next(iter(_shown(session, wanted, active_skus_alone=True)), None)


def owned(session: Session, product_id: UUID, *, merchant_id: UUID | None) -> ProductView | None:
    """A merchant's own product, draft and archived too; without a merchant, anybody's (for ops)."""
    wanted = select(Product).where(Product.id == product_id)
    if merchant_id is not None:
        wanted = wanted.where(Product.merchant_id == merchant_id)
    return next(iter(_shown(session, wanted)), None)


def owned_products(
    session: Session,
    merchant_id: UUID,
    *,
    status: ProductStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[ProductView]:
    """A page of a merchant's products, newest first, drafts and archived too."""
    wanted = select(Product).where(Product.merchant_id == merchant_id)
    if status is not None:
        wanted = wanted.where(Product.status == status)
    if after is not None:
        wanted = wanted.where(Product.id < after)
    return _shown(session, wanted.order_by(Product.id.desc()).limit(limit))


def categories(session: Session) -> Sequence[Category]:
    """The whole tree, parents before their children."""
    return session.scalars(select(Category).order_by(Category.path)).all()


def category(session: Session, word: str) -> Category | None:
    """The category of this slug or path."""
    return session.scalar(select(Category).where(or_(Category.slug == word, Category.path == word)))


def warehouses(session: Session, merchant_id: UUID) -> Sequence[Warehouse]:
    """Where this merchant may keep stock: its own warehouses and the shared ones, by priority."""
    return session.scalars(
        select(Warehouse)
        .where(or_(Warehouse.merchant_id == merchant_id, Warehouse.merchant_id.is_(None)))
        .order_by(Warehouse.priority, Warehouse.id)
    ).all()


@dataclass(frozen=True)
class StockLine:
    """The balance of one SKU in one warehouse."""

    sku_id: UUID
    warehouse_id: UUID
    code: str
    product_id: UUID
    name: str
    available: int
    reserved: int


def stock_lines(
    session: Session,
    merchant_id: UUID,
    *,
    sku_id: UUID | None = None,
    after: tuple[UUID, UUID] | None = None,
    limit: int,
) -> list[StockLine]:
    """A page of what a merchant has where, by SKU and warehouse."""
    place = tuple_(Inventory.sku_id, Inventory.warehouse_id)
    wanted = (
        select(
            Inventory.sku_id,
            Inventory.warehouse_id,
            Sku.code,
            Sku.product_id,
            Product.name,
            Inventory.stock_available,
            Inventory.stock_reserved,
        )
        .join(Sku, Sku.id == Inventory.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.merchant_id == merchant_id)
    )
    if sku_id is not None:
        wanted = wanted.where(Inventory.sku_id == sku_id)
    if after is not None:
        wanted = wanted.where(place > tuple_(*after))
    rows = session.execute(wanted.order_by(Inventory.sku_id, Inventory.warehouse_id).limit(limit))
    return [StockLine(*row) for row in rows]


def owns_sku(session: Session, merchant_id: UUID, sku_id: UUID) -> bool:
    """Whether this SKU is the merchant's."""
    found = select(Sku.id).where(Sku.id == sku_id, Sku.merchant_id == merchant_id)
    return session.scalar(found) is not None


def _shown(
    session: Session, wanted: Select[Product], *, active_skus_alone: bool = False
) -> list[ProductView]:
    """Products with all that belongs to them, in three statements however many there are."""
    rows = session.execute(
        wanted.add_columns(Category).outerjoin(Category, Category.id == Product.category_id)
    ).all()
    ids = [product.id for product, _ in rows]
    skus = _skus(session, ids, active_alone=active_skus_alone) if ids else {}
    images = _images(session, ids) if ids else {}
    return [
        _view(product, branch, tuple(skus.get(product.id, ())), tuple(images.get(product.id, ())))
        for product, branch in rows
    ]


def _skus(
    session: Session, product_ids: Sequence[UUID], *, active_alone: bool
) -> dict[UUID, list[SkuView]]:
    left = (
        select(func.coalesce(func.sum(Inventory.stock_available), 0))
        .where(Inventory.sku_id == Sku.id)
        .scalar_subquery()
    )
    wanted = select(Sku, left).where(Sku.product_id.in_(product_ids)).order_by(Sku.code)
    if active_alone:
        wanted = wanted.where(Sku.status == SkuStatus.ACTIVE)
    by_product: dict[UUID, list[SkuView]] = defaultdict(list)
    for sku, available in session.execute(wanted):
        by_product[sku.product_id].append(
            SkuView(
                id=sku.id,
                code=sku.code,
                options=sku.options,
                price=sku.price,
                currency=sku.currency,
                compare_at=sku.compare_at,
                weight_g=sku.weight_g,
                size=sku.size,
                tax_code=sku.tax_code,
                barcode=sku.barcode,
                status=sku.status,
                available=int(available),
                low_stock_at=sku.low_stock_at,
                is_low=sku.is_low,
            )
        )
    return by_product


def _images(session: Session, product_ids: Sequence[UUID]) -> dict[UUID, list[ImageView]]:
    wanted = (
        select(ProductImage)
        .where(ProductImage.product_id.in_(product_ids))
        .order_by(ProductImage.position)
    )
    by_product: dict[UUID, list[ImageView]] = defaultdict(list)
    for image in session.scalars(wanted):
        by_product[image.product_id].append(
            ImageView(image_url(image.object_key), image.alt, image.width, image.height)
        )
    return by_product


def _view(
    product: Product,
    branch: Category | None,
    skus: tuple[SkuView, ...],
    images: tuple[ImageView, ...],
) -> ProductView:
    return ProductView(
        id=product.id,
        merchant_id=product.merchant_id,
        name=product.name,
        slug=product.slug,
        description=product.description,
        category=branch.slug if branch else None,
        category_path=branch.path if branch else None,
        rating=product.rating,
        rating_count=product.rating_count,
        price=product.price,
        currency=product.currency,
        status=product.status,
        attributes=product.attributes,
        version=product.version,
        created_at=product.created_at,
        updated_at=product.updated_at,
        skus=skus,
        images=images,
    )
