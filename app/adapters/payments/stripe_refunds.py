"""A refund of Stripe's in the shop's words.

https://docs.stripe.com/api/refunds/object · https://docs.stripe.com/refunds#failed-refunds
"""

from typing import Any
from uuid import UUID

from app.payments.errors import RepaymentRefused
from app.payments.ports import Repaid, RepaidStatus

REFUND_ID = "refund_id"  # of the metadata: what a refund is found by

_STATUS: dict[str, RepaidStatus] = {
    "succeeded": "succeeded",
    "pending": "pending",
    "requires_action": "pending",
    "failed": "failed",
    "canceled": "failed",
}


def repaid(refund: dict[str, Any]) -> Repaid:
    """The refund as it is now. One Stripe took back before it left has failed, too."""
    return Repaid(
        reference=refund["id"],
        status=_STATUS[refund["status"]],
        amount=refund["amount"],
        refund_id=_shops_own(refund.get("metadata") or {}),
        reason=refund.get("failure_reason"),
    )


def refused(error: Any) -> RepaymentRefused:
    """Why Stripe gives nothing back."""
    return RepaymentRefused(
        error.code or "refund_refused", error.user_message or "Stripe refused the refund."
    )


def _shops_own(metadata: dict[str, str]) -> UUID | None:
    try:
        return UUID(metadata.get(REFUND_ID, ""))
    except ValueError:
        return None
