"""Reviews as they go in and out."""

import unicodedata
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.api.schemas.fields import Flag, Text, TypeId, Whole
from app.reviews.queries import ReviewSort
from app.reviews.states import ReviewStatus
from app.web.pagination import PageArgs, page_of

ANONYMOUS = "anonymous"
TITLE_MAX, TEXT_MAX = 120, 4_000
# Embeddings, overrides and isolates turn the reading direction of what follows, also of other
# people's words on the same page (Unicode Technical Report 36, §2.5).
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTED = ("Cc", "Zl", "Zp")


class Prose(Text):
    """Plain text that people read: no control characters, line breaks only where there are
    lines."""

    def __init__(self, *, lines: bool, **options: Any) -> None:
        super().__init__(**options)
        self._permitted = "\n\t" if lines else ""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        for letter in text:
            control = letter in _TURNING or unicodedata.category(letter) in _UNPRINTED
            if control and letter not in self._permitted:
                raise ValidationError("Contains control characters.")
        return text


class ReviewChangeSchema(Schema):
    """What to change of a review; what is left out stays."""

    rating = Whole(least=1, most=5, metadata={"example": 4})
    title = Prose(
        lines=False, longest=TITLE_MAX, shortest=0, metadata={"example": "Dry feet all day"}
    )
    text = Prose(
        lines=True,
        longest=TEXT_MAX,
        shortest=0,
        metadata={"example": "Warm, and light to walk in."},
    )
    anonymous = Flag(metadata={"description": "Show no name.", "example": False})


class NewReviewSchema(ReviewChangeSchema):
    """A buyer's word on a product: stars, and words in plain text."""

    rating = Whole(least=1, most=5, required=True, metadata={"example": 4})


class ReviewSchema(Schema):
    """A review as shoppers read it. `verified`: it was bought here."""

    id = TypeId("rev", required=True)
    product_id = TypeId("prd", required=True)
    rating = fields.Integer(required=True, metadata={"example": 4})
    title = fields.String(required=True, metadata={"example": "Dry feet all day"})
    text = fields.String(required=True, metadata={"example": "Warm, and light to walk in."})
    author = fields.Function(
        lambda review: review.author or ANONYMOUS,
        required=True,
        metadata={"type": "string", "example": "Ada L."},
    )
    verified = fields.Function(
        lambda review: review.order_id is not None,
        required=True,
        metadata={"type": "boolean", "example": True},
    )
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class OwnReviewSchema(ReviewSchema):
    """A review as its buyer sees it; `moderation_reason` says why it was rejected."""

    order_id = TypeId("ord", required=True, allow_none=True)
    status = fields.Enum(ReviewStatus, by_value=True, required=True)
    version = fields.Integer(
        required=True, metadata={"description": "Counts what its buyer wrote."}
    )
    moderation_reason = fields.String(
        required=True, allow_none=True, metadata={"example": "It is about the parcel service."}
    )


class ModeratedReviewSchema(OwnReviewSchema):
    """A review as operations see it."""

    user_id = TypeId("usr", required=True)
    moderated_by = fields.String(
        required=True, allow_none=True, metadata={"example": "user:01h455vb"}
    )


class HistogramSchema(Schema):
    """How many gave so many stars."""

    stars = fields.Integer(required=True, metadata={"example": 5})
    count = fields.Integer(required=True)


class SummarySchema(Schema):
    """What all published reviews of a product come to."""

    rating = fields.Float(required=True)
    rating_count = fields.Integer(required=True)
    histogram = fields.List(fields.Nested(HistogramSchema), required=True)


class ReviewsSchema(page_of(ReviewSchema)):  # type: ignore[misc]  # made at run time
    """A page of reviews, and what all of them come to."""

    summary = fields.Nested(SummarySchema, required=True)


class ReviewsArgs(PageArgs):
    """Which reviews of a product, and in which order."""

    sort = fields.Enum(ReviewSort, by_value=True, load_default=ReviewSort.NEWEST)
    rating = fields.Integer(
        load_default=None,
        validate=validate.Range(1, 5),
        metadata={"description": "With so many stars.", "example": 5},
    )


class ModerationArgs(PageArgs):
    """Which reviews to look at."""

    status = fields.Enum(ReviewStatus, by_value=True, load_default=ReviewStatus.PENDING)


class RejectionSchema(Schema):
    """Why shoppers shall not see a review; its buyer reads it."""

    reason = Prose(
        lines=True,
        longest=500,
        required=True,
        metadata={"example": "It is about the parcel service."},
    )
