"""What buyers say of what they bought."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base, one_of
from app.platform.ids import new_id
from app.reviews.states import ReviewStatus


class Review(Base):
    """One buyer's word on one product; changed, it is looked at again before it is shown.

    Without an order it came with the catalog from elsewhere. `author` is the name it is shown
    under, empty for nobody's; `version` counts what its buyer wrote.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        one_of("status", ReviewStatus, name="status_known"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_in_range"),
        UniqueConstraint("product_id", "user_id"),
        Index("ix_reviews_product", "product_id", "status", "id"),
        Index("ix_reviews_moderation", "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"), index=True)
    rating: Mapped[int]
    title: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    author: Mapped[str] = mapped_column(default="")
    status: Mapped[ReviewStatus] = mapped_column(default=ReviewStatus.PENDING)
    version: Mapped[int] = mapped_column(default=1, server_default=sql_text("1"))
    moderated_by: Mapped[str | None]
    moderation_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
