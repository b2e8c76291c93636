"""What is announced of reviews. Facts carry ids; who hears them loads the row."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("review.published", topic="catalog", key="review_id")
@dataclass(frozen=True)
class ReviewPublished:
    """Shoppers see a review from now on; it counts in the product's rating."""

    review_id: UUID
    product_id: UUID
