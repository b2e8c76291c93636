"""Reviews are written by buyers and shown once a moderator has read them.

A product's rating is that of its published reviews. Whatever changes which these are locks the
product first, then the review, and counts the stars anew in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import User
from app.accounts.queries import lock_person
from app.catalog import service as catalog
from app.catalog.models import Product
from app.events.outbox import announce
from app.platform.db import ShopSession
from app.platform.ids import encode, new_id
from app.platform.metrics import REVIEWS
from app.reviews import queries
from app.reviews.errors import (
    AlreadyReviewed,
    NotABuyer,
    OwnProduct,
    ReviewChanged,
    ReviewNotFound,
)
from app.reviews.events import ReviewPublished
from app.reviews.models import Review
from app.reviews.states import REVIEW, ReviewStatus

_FIRST_NAME_MAX = 40


@dataclass(frozen=True)
class ReviewDraft:
    """What a buyer says: 1 to 5 stars, and words in plain text; `anonymous` hides the name."""

    rating: int
    title: str = ""
    text: str = ""
    anonymous: bool = False


def write(
    session: ShopSession,
    product_id: UUID,
    *,
    user_id: UUID,
    merchant_id: UUID | None,
    draft: ReviewDraft,
) -> Review:
    """Keep a buyer's word on a product until a moderator has read it.

    `merchant_id` is for whom the buyer sells, if for anybody. Raises Unauthenticated,
    ProductNotFound, OwnProduct, NotABuyer, AlreadyReviewed.
    """
    buyer = lock_person(session, user_id)  # erasing them waits, or has been
    product = queries.product_for_sale(session, product_id)
    if product.merchant_id == merchant_id:
        raise OwnProduct("You sell this product: leave its reviews to its buyers.")
    order_id = queries.order_sent(session, product_id, user_id)
    if order_id is None:
        raise NotABuyer("Only who has been sent this product may review it.")
    written = _insert(session, product_id, buyer, order_id, draft)
    if written is None:
        there = queries.review_of(session, product_id, user_id)
        raise AlreadyReviewed(
            "You have reviewed this product: change what you wrote.",
            review_id=encode("rev", there.id) if there else None,
        )
    return written


def change(
    session: ShopSession,
    review_id: UUID,
    *,
    user_id: UUID,
    changes: Mapping[str, Any],
    version: int | None = None,
) -> Review:
    """Write what is named in `changes`; the review waits for a moderator again.

    Raises ReviewNotFound, for another person's too; ReviewChanged.
    """
    product, review = _locked(session, review_id, user_id=user_id, version=version)
    for name in ("rating", "title", "text"):
        if name in changes:
            setattr(review, name, changes[name])
    if "anonymous" in changes:
        review.author = "" if changes["anonymous"] else _name_of(session, user_id)
    review.version += 1
    review.updated_at = func.shop_now()
    review.moderated_by = review.moderation_reason = None
    if review.status is not ReviewStatus.PENDING:
        _move(session, product, review, ReviewStatus.PENDING)
    return review


def withdraw(session: ShopSession, review_id: UUID, *, user_id: UUID) -> UUID:
    """Take a review back for good; gives its product. Raises ReviewNotFound."""
    product, review = _locked(session, review_id, user_id=user_id)
    session.delete(review)
    _rate(session, product)
    return product.id


def publish(
    session: ShopSession, review_id: UUID, *, moderator: str, version: int | None = None
) -> Review:
    """Show a review to shoppers; one that is shown stays as it is.

    Raises ReviewNotFound, ReviewChanged where `version` is not what its buyer wrote last.
    """
    product, review = _locked(session, review_id, version=version)
    if review.status is not ReviewStatus.PUBLISHED:
        _decide(session, product, review, ReviewStatus.PUBLISHED, moderator, reason=None)
        announce(session, ReviewPublished(review.id, product.id))
    return review


def reject(
    session: ShopSession,
    review_id: UUID,
    *,
    moderator: str,
    reason: str,
    version: int | None = None,
) -> Review:
    """Keep a review from shoppers, also one they have seen; its buyer reads the reason.

    Raises as `publish` does.
    """
    product, review = _locked(session, review_id, version=version)
    if review.status is not ReviewStatus.REJECTED:
        _decide(session, product, review, ReviewStatus.REJECTED, moderator, reason=reason)
    return review


def _insert(
    session: ShopSession, product_id: UUID, buyer: User, order_id: UUID, draft: ReviewDraft
) -> Review | None:
    """The row, or None where the person has one for this product already, however lately."""
    written: Review | None = session.scalar(
        insert(Review)
        .values(
            id=new_id(),
            product_id=product_id,
            user_id=buyer.id,
            order_id=order_id,
            rating=draft.rating,
            title=draft.title,
            text=draft.text,
            author="" if draft.anonymous else _shown(buyer.name),
            status=REVIEW.initial,
        )
        .on_conflict_do_nothing(index_elements=["product_id", "user_id"])
        .returning(Review)
    )
    return written


def _locked(
    session: ShopSession,
    review_id: UUID,
    *,
    user_id: UUID | None = None,
    version: int | None = None,
) -> tuple[Product, Review]:
    """The product first, then its review: the same order for everyone."""
    product_id = session.scalar(select(Review.product_id).where(Review.id == review_id))
    if product_id is None:
        raise ReviewNotFound("There is no such review.")
    product = catalog.lock_product(session, product_id)
    review = session.scalar(
        select(Review)
        .where(Review.id == review_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if review is None or (user_id is not None and review.user_id != user_id):
        raise ReviewNotFound("There is no such review.")
    if version is not None and version != review.version:
        raise ReviewChanged(
            "The review was written anew since you read it.", version=review.version
        )
    return product, review


def _decide(
    session: ShopSession,
    product: Product,
    review: Review,
    status: ReviewStatus,
    moderator: str,
    *,
    reason: str | None,
) -> None:
    review.moderated_by, review.moderation_reason = moderator, reason
    review.updated_at = func.shop_now()
    _move(session, product, review, status)


def _move(session: ShopSession, product: Product, review: Review, to: ReviewStatus) -> None:
    REVIEW.check(review.status, to)
    counted = ReviewStatus.PUBLISHED in (review.status, to)
    review.status = to
    session.afterwards(REVIEWS.labels(outcome=str(to)).inc)
    if counted:
        _rate(session, product)


def _rate(session: ShopSession, product: Product) -> None:
    session.flush()  # the stars are counted in the database
    catalog.write_rating(session, product, stars=queries.stars_of(session, product.id))


def _name_of(session: ShopSession, user_id: UUID) -> str:
    return _shown(session.scalar(select(User.name).where(User.id == user_id)) or "")


def _shown(name: str) -> str:
    """`Ada L.`; empty for somebody who gave no name."""
    first, *others = name.split() or [""]
    return " ".join([first[:_FIRST_NAME_MAX], *(f"{last[0]}." for last in others[-1:])])
