"""Where a review can stand."""

from enum import StrEnum

from app.platform.state_machine import StateMachine


class ReviewStatus(StrEnum):
    """Whether shoppers see a review."""

    PENDING = "pending"
    PUBLISHED = "published"
    REJECTED = "rejected"


REVIEW = StateMachine(
    initial=ReviewStatus.PENDING,
    moves={
        ReviewStatus.PENDING: frozenset({ReviewStatus.PUBLISHED, ReviewStatus.REJECTED}),
        ReviewStatus.PUBLISHED: frozenset({ReviewStatus.REJECTED, ReviewStatus.PENDING}),
        ReviewStatus.REJECTED: frozenset({ReviewStatus.PUBLISHED, ReviewStatus.PENDING}),
    },
)
