"""What buyers say: anyone reads it, buyers write it, operations decide what is shown."""

import json
from functools import partial
from typing import Any
from uuid import UUID

from app.accounts.errors import Unauthenticated
from app.api.schemas.reviews import (
    ModeratedReviewSchema,
    ModerationArgs,
    NewReviewSchema,
    OwnReviewSchema,
    RejectionSchema,
    ReviewChangeSchema,
    ReviewsArgs,
    ReviewsSchema,
)
from app.platform.db import ShopSession
from app.reviews import queries, service
from app.reviews.models import Review
from app.reviews.service import ReviewDraft
from app.web.auth import Scope, principal, public, requires
from app.web.blueprints import Blueprint
from app.web.conditional import cacheable, expected_version, version_tag
from app.web.idempotency import idempotent
from app.web.pagination import Page, PageArgs, decode_cursor, page_of, paginate
from app.web.transactions import reading, transaction
from app.wiring import providers

LIST_SECONDS = 15  # how long a CDN may keep an answer

reviews = Blueprint("reviews", __name__, url_prefix="/v1", description="Reviews")

_OF_PRODUCT = '/products/<id(prefix="prd"):product_id>/reviews'
_ONE = '/reviews/<id(prefix="rev"):review_id>'
_MODERATED = '/ops/reviews/<id(prefix="rev"):review_id>'


@reviews.route(_OF_PRODUCT, methods=["GET"])
@requires(public)
@cacheable(seconds=LIST_SECONDS)
@reviews.arguments(ReviewsArgs, location="query")
@reviews.response(200, ReviewsSchema)
@reviews.alt_response(404, "NOT_FOUND")
def list_reviews(asked: dict[str, Any], product_id: UUID) -> dict[str, Any]:
    """What buyers say of a product for sale, and how many gave it how many stars."""
    kind = json.dumps(["reviews", str(product_id), asked["sort"], asked["rating"]])
    with reading() as session:
        product = queries.product_for_sale(session, product_id)
        stars = queries.stars_of(session, product_id)
        found = queries.published(
            session,
            product_id,
            sort=asked["sort"],
            rating=asked["rating"],
            after=decode_cursor(kind, asked["after"]) if asked["after"] else None,
            limit=asked["limit"] + 1,
        )
    page = paginate(
        found,
        limit=asked["limit"],
        kind=kind,
        key=lambda review: queries.position(review, asked["sort"]),
    )
    summary = {
        "rating": product.rating,
        "rating_count": product.rating_count,
        "histogram": [{"stars": each, "count": stars[each]} for each in reversed(queries.STARS)],
    }
    return {"data": page.data, "next": page.next, "summary": summary}


@reviews.route(_OF_PRODUCT, methods=["POST"])
@requires(Scope.REVIEWS_WRITE)
@idempotent
@reviews.arguments(NewReviewSchema)
@reviews.response(201, OwnReviewSchema)
@reviews.alt_response(404, "NOT_FOUND")
@reviews.alt_response(409, "CONFLICT")
def write_review(review: dict[str, Any], product_id: UUID) -> tuple[Review, int, dict[str, str]]:
    """Say what one thinks of a product one was sent. It is shown once operations have read it.

    Refused as `product_not_found`, `own_product`, `not_a_buyer` or `already_reviewed`.
    """
    with transaction() as session:
        written = service.write(
            session,
            product_id,
            user_id=_person(),
            merchant_id=principal().merchant_id,
            draft=ReviewDraft(**review),
        )
    return written, 201, version_tag(written.version)


@reviews.route("/reviews", methods=["GET"])
@requires(Scope.REVIEWS_WRITE)
@reviews.arguments(PageArgs, location="query")
@reviews.response(200, page_of(OwnReviewSchema))
def list_own_reviews(page: dict[str, Any]) -> Page[Review]:
    """What the caller wrote, newest first, whatever became of it."""
    kind = f"own-reviews {_person()}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        found = queries.reviews_by(session, _person(), after=after, limit=page["limit"] + 1)
    return paginate(found, limit=page["limit"], kind=kind, key=lambda review: [review.id])


@reviews.route(_ONE, methods=["PATCH"])
@requires(Scope.REVIEWS_WRITE)
@idempotent
@reviews.arguments(ReviewChangeSchema)
@reviews.response(200, OwnReviewSchema)
@reviews.alt_response(404, "NOT_FOUND")
@reviews.alt_response(412, "PRECONDITION_FAILED")
def change_review(changes: dict[str, Any], review_id: UUID) -> tuple[Review, int, dict[str, str]]:
    """Change what one wrote; operations read it again before it is shown."""
    with transaction() as session:
        changed = service.change(
            session, review_id, user_id=_person(), changes=changes, version=expected_version()
        )
        return _decided(session, changed)


@reviews.route(_ONE, methods=["DELETE"])
@requires(Scope.REVIEWS_WRITE)
@idempotent
@reviews.response(204)
@reviews.alt_response(404, "NOT_FOUND")
def withdraw_review(review_id: UUID) -> None:
    """Take back what one wrote, for good."""
    with transaction() as session:
        product_id = service.withdraw(session, review_id, user_id=_person())
        _forget(session, product_id)


@reviews.route("/ops/reviews", methods=["GET"])
@requires(Scope.OPS)
@reviews.arguments(ModerationArgs, location="query")
@reviews.response(200, page_of(ModeratedReviewSchema))
def list_reviews_to_moderate(asked: dict[str, Any]) -> Page[Review]:
    """The reviews of a status, the longest waiting first; the pending ones unless asked
    otherwise."""
    kind = f"moderation {asked['status']}"
    after = decode_cursor(kind, asked["after"])[0] if asked["after"] else None
    with reading() as session:
        found = queries.to_moderate(session, asked["status"], after=after, limit=asked["limit"] + 1)
    return paginate(found, limit=asked["limit"], kind=kind, key=lambda review: [review.id])


@reviews.route(f"{_MODERATED}/publish", methods=["POST"])
@requires(Scope.OPS)
@idempotent
@reviews.response(200, ModeratedReviewSchema)
@reviews.alt_response(404, "NOT_FOUND")
@reviews.alt_response(412, "PRECONDITION_FAILED")
def publish_review(review_id: UUID) -> tuple[Review, int, dict[str, str]]:
    """Show a review to shoppers; from now on it counts in the product's rating.

    Send its version as If-Match, so that nothing is shown that nobody has read.
    """
    with transaction() as session:
        shown = service.publish(
            session, review_id, moderator=_moderator(), version=expected_version()
        )
        return _decided(session, shown)


@reviews.route(f"{_MODERATED}/reject", methods=["POST"])
@requires(Scope.OPS)
@idempotent
@reviews.arguments(RejectionSchema)
@reviews.response(200, ModeratedReviewSchema)
@reviews.alt_response(404, "NOT_FOUND")
@reviews.alt_response(412, "PRECONDITION_FAILED")
def reject_review(rejection: dict[str, str], review_id: UUID) -> tuple[Review, int, dict[str, str]]:
    """Keep a review from shoppers, with the reason its buyer reads; also one they have seen."""
    with transaction() as session:
        kept = service.reject(
            session,
            review_id,
            moderator=_moderator(),
            reason=rejection["reason"],
            version=expected_version(),
        )
        return _decided(session, kept)


def _decided(session: ShopSession, review: Review) -> tuple[Review, int, dict[str, str]]:
    """The review as it stands now; after the commit shoppers' copies of its product are
    forgotten."""
    _forget(session, review.product_id)
    session.flush()
    session.refresh(review)  # its times are set by the database
    return review, 200, version_tag(review.version)


def _forget(session: ShopSession, product_id: UUID) -> None:
    session.afterwards(partial(providers().products.forget, [product_id]))


def _person() -> UUID:
    user_id = principal().user_id
    if user_id is None:
        raise Unauthenticated("Sign in to do this.")
    return user_id


def _moderator() -> str:
    return principal().id or ""
