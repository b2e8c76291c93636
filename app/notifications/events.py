"""What letters announce of themselves."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("order.review_invited", topic="orders", key="order_id")
@dataclass(frozen=True)
class ReviewInvited:
    """The buyer of a delivered order is to be asked, some days later, how it was liked."""

    order_id: UUID
