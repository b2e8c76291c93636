"""What can be asked of reviews."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Merchant, MerchantStatus
from app.catalog.errors import ProductNotFound
from app.catalog.models import Product, ProductStatus, Sku
from app.orders.models import Order, OrderItem
from app.reviews.errors import ReviewNotFound
from app.reviews.models import Review
from app.reviews.states import ReviewStatus
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus

STARS = (1, 2, 3, 4, 5)
_SENT = (ShipmentStatus.SHIPPED, ShipmentStatus.DELIVERED)


class ReviewSort(StrEnum):
    """In which order reviews are read."""

    NEWEST = "newest"
    OLDEST = "oldest"
    HIGHEST = "highest"
    LOWEST = "lowest"


def product_for_sale(session: Session, product_id: UUID) -> Product:
    """A product that shoppers see. Raises ProductNotFound for any other."""
    product = session.scalar(
        select(Product)
        .join(Merchant, Merchant.id == Product.merchant_id)
        .where(
            Product.id == product_id,
            Product.status == ProductStatus.ACTIVE,
            Merchant.status == MerchantStatus.ACTIVE,
        )
    )
    if product is None:
        raise ProductNotFound("There is no such product.")
    return product


def stars_of(session: Session, product_id: UUID) -> dict[int, int]:
    """How many published reviews of a product give it how many stars."""
    rows = session.execute(
        select(Review.rating, func.count())
        .where(Review.product_id == product_id, Review.status == ReviewStatus.PUBLISHED)
        .group_by(Review.rating)
    )
    found = {row[0]: row[1] for row in rows}
    return {stars: found.get(stars, 0) for stars in STARS}


def published(
    session: Session,
    product_id: UUID,
    *,
    sort: ReviewSort,
    rating: int | None,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Review]:
    """A page of what shoppers see of a product; `after` is `position` of the last one read."""
    wanted = select(Review).where(
        Review.product_id == product_id, Review.status == ReviewStatus.PUBLISHED
    )
    if rating is not None:
        wanted = wanted.where(Review.rating == rating)
    keys = (Review.rating, Review.id) if _by_rating(sort) else (Review.id,)
    ascending = sort in (ReviewSort.OLDEST, ReviewSort.LOWEST)
    if after is not None:
        here = tuple_(*keys)
        wanted = wanted.where(here > tuple(after) if ascending else here < tuple(after))
    order = [key.asc() if ascending else key.desc() for key in keys]
    return session.scalars(wanted.order_by(*order).limit(limit)).all()


def position(review: Review, sort: ReviewSort) -> list[Any]:
    """Where a review stands in its order."""
    return [review.rating, review.id] if _by_rating(sort) else [review.id]


def reviews_by(
    session: Session, user_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Review]:
    """A page of what a person wrote, newest first, whatever became of it."""
    wanted = select(Review).where(Review.user_id == user_id)
    if after is not None:
        wanted = wanted.where(Review.id < after)
    return session.scalars(wanted.order_by(Review.id.desc()).limit(limit)).all()


def to_moderate(
    session: Session, status: ReviewStatus, *, after: UUID | None, limit: int
) -> Sequence[Review]:
    """A page of the reviews of a status, the longest waiting first."""
    wanted = select(Review).where(Review.status == status)
    if after is not None:
        wanted = wanted.where(Review.id > after)
    return session.scalars(wanted.order_by(Review.id).limit(limit)).all()


def find_review(session: Session, review_id: UUID) -> Review:
    """One review. Raises ReviewNotFound."""
    review = session.get(Review, review_id)
    if review is None:
        raise ReviewNotFound("There is no such review.")
    return review


def review_of(session: Session, product_id: UUID, user_id: UUID) -> Review | None:
    """What a person wrote of a product."""
    return session.scalar(
        select(Review).where(Review.product_id == product_id, Review.user_id == user_id)
    )


def order_sent(session: Session, product_id: UUID, user_id: UUID) -> UUID | None:
    """The person's newest order from which units of this product left in a parcel; None before."""
    return session.scalar(
        select(ShipmentItem.order_id)
        .join(Shipment, Shipment.id == ShipmentItem.shipment_id)
        .join(Order, Order.id == ShipmentItem.order_id)
        .join(
            OrderItem,
            (OrderItem.order_id == ShipmentItem.order_id) & (OrderItem.line == ShipmentItem.line),
        )
        .join(Sku, Sku.id == OrderItem.sku_id)
        .where(
            Order.user_id == user_id,
            Sku.product_id == product_id,
            Shipment.status.in_(_SENT),
        )
        .order_by(ShipmentItem.order_id.desc())
        .limit(1)
    )


def _by_rating(sort: ReviewSort) -> bool:
    return sort in (ReviewSort.HIGHEST, ReviewSort.LOWEST)
