"""A payment becomes what its hold is: amounts are set, never added, and never go back."""

import logging
from typing import Any

from sqlalchemy import func

from app.events.outbox import announce
from app.payments.events import (
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentVoided,
)
from app.payments.models import Payment
from app.payments.ports import Hold
from app.payments.states import PAYMENT, PaymentStatus
from app.platform.db import ShopSession
from app.platform.metrics import PAYMENT_AUTHORIZATIONS

log = logging.getLogger(__name__)

_BECOMES: dict[str, PaymentStatus | None] = {
    "authorized": PaymentStatus.AUTHORIZED,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "declined": PaymentStatus.FAILED,
    "canceled": PaymentStatus.VOIDED,
    "captured": PaymentStatus.CAPTURED,
    "processing": None,
}
CANCELED_ELSEWHERE = {
    "code": "payment_declined",
    "reason": "canceled",
    "message": "The payment was canceled before it could be used.",
}
WRONG_AMOUNT = {
    "code": "payment_mismatch",
    "reason": None,
    "message": "The provider holds another amount than was asked for.",
}


def apply_hold(session: ShopSession, payment: Payment, hold: Hold, *, came_back: int = 0) -> bool:
    """Make a locked payment what its hold is now; gives whether anything changed.

    A look older than what the payment already knows changes nothing: less was given back than
    before only where so much is known to have come back. A hold of another amount or currency fails
    the payment, which is then voided like a declined one.
    """
    if _is_stale(payment, hold, came_back):
        return False
    before = _known(payment)
    if hold.reference is not None and payment.psp_ref is None:
        payment.psp_ref = hold.reference
    if _is_mismatch(payment, hold):
        log.error("payment_mismatch", extra={"payment_id": str(payment.id)})
        fail(session, payment, WRONG_AMOUNT)
    else:
        _take(session, payment, hold)
    changed = _known(payment) != before
    if changed:
        payment.updated_at = func.shop_now()
    return changed


def would_change(payment: Payment, hold: Hold) -> bool:
    """Whether applying this hold would change the payment; looks only."""
    if _is_stale(payment, hold, 0):
        return False
    target = target_of(hold)
    known = (payment.psp_ref, payment.captured, payment.refunded)
    terms = (payment.multicapture, payment.capture_before)
    if hold.capture_before is not None and terms != (hold.multicapture, hold.capture_before):
        return True
    return known != (hold.reference, hold.captured, hold.refunded) or (
        target is not None and target != payment.status and _way(payment.status, target) != []
    )


def target_of(hold: Hold) -> PaymentStatus | None:
    """Where a payment with this hold stands; None while the provider has not decided."""
    if hold.status == "captured" and 0 < hold.captured <= hold.refunded:
        return PaymentStatus.REFUNDED
    return _BECOMES[hold.status]


def fail(session: ShopSession, payment: Payment, failure: dict[str, Any]) -> None:
    """Nothing will come of this payment, where it still could have."""
    if PAYMENT.may(payment.status, PaymentStatus.FAILED):
        payment.failure = failure
        _move(session, payment, PaymentStatus.FAILED)


def give_up(session: ShopSession, payment: Payment) -> None:
    """Nothing stands at the provider any more: what was asked for is given up."""
    if PAYMENT.may(payment.status, PaymentStatus.VOIDED):
        payment.unknown = None
        _move(session, payment, PaymentStatus.VOIDED)


def _take(session: ShopSession, payment: Payment, hold: Hold) -> None:
    target = target_of(hold)
    if target is None:
        payment.unknown = {"reason": "processing", "detail": ""}
        return
    steps = _way(payment.status, target)
    if payment.status != target and not steps:
        return
    given_now = _set_amounts(session, payment, hold)
    if hold.capture_before is not None:
        payment.multicapture, payment.capture_before = hold.multicapture, hold.capture_before
    payment.next_action = hold.next_action if target == PaymentStatus.REQUIRES_ACTION else None
    payment.unknown = None
    if target == PaymentStatus.FAILED:
        payment.failure = hold.decline
    if target == PaymentStatus.VOIDED and payment.failure is None:
        payment.failure = CANCELED_ELSEWHERE
    for step in steps:
        _move(session, payment, step)
    if PaymentStatus.REFUNDED in steps and not given_now:
        _tell_refunded(session, payment)  # what was still held is gone: all there was is back


def _set_amounts(session: ShopSession, payment: Payment, hold: Hold) -> bool:
    """Set what was taken and given back, and tell of it; gives whether more was given back."""
    taken, given = hold.captured > payment.captured, hold.refunded > payment.refunded
    payment.captured, payment.refunded = hold.captured, hold.refunded
    if taken:
        announce(
            session,
            PaymentCaptured(**_ids(payment), captured=payment.captured, currency=payment.currency),
        )
    if given:
        _tell_refunded(session, payment)
    return given


def _tell_refunded(session: ShopSession, payment: Payment) -> None:
    announce(
        session,
        PaymentRefunded(**_ids(payment), refunded=payment.refunded, currency=payment.currency),
    )


def _way(here: PaymentStatus, there: PaymentStatus) -> list[PaymentStatus]:
    """The permitted moves from here to there; none where there is no way, or no need."""
    if PAYMENT.may(here, there):
        return [there]
    through = PaymentStatus.CAPTURED
    if PAYMENT.may(here, through) and PAYMENT.may(through, there):
        return [through, there]
    return []


def _is_stale(payment: Payment, hold: Hold, came_back: int) -> bool:
    other = payment.psp_ref is not None and hold.reference not in (None, payment.psp_ref)
    older = hold.captured < payment.captured or hold.refunded < payment.refunded - came_back
    return other or older


def _is_mismatch(payment: Payment, hold: Hold) -> bool:
    other = (hold.amount, hold.currency) != (payment.amount, payment.currency)
    return other or not 0 <= hold.refunded <= hold.captured <= payment.amount


def _known(payment: Payment) -> tuple[Any, ...]:
    return (
        payment.status,
        payment.psp_ref,
        payment.captured,
        payment.refunded,
        payment.next_action,
        payment.unknown,
        payment.multicapture,
        payment.capture_before,
    )


def _move(session: ShopSession, payment: Payment, status: PaymentStatus) -> None:
    PAYMENT.check(payment.status, status)
    payment.status = status
    fact = _fact(payment, status)
    if fact is not None:
        announce(session, fact)
    outcome = _OUTCOMES.get(status)
    if outcome is not None:
        counter = PAYMENT_AUTHORIZATIONS.labels(outcome=outcome)
        session.afterwards(counter.inc)


_OUTCOMES = {
    PaymentStatus.AUTHORIZED: "authorized",
    PaymentStatus.REQUIRES_ACTION: "requires_action",
    PaymentStatus.FAILED: "failed",
}


def _fact(payment: Payment, status: PaymentStatus) -> object | None:
    if status == PaymentStatus.AUTHORIZED:
        return PaymentAuthorized(**_ids(payment), amount=payment.amount, currency=payment.currency)
    if status == PaymentStatus.REQUIRES_ACTION:
        return PaymentActionRequired(**_ids(payment))
    if status == PaymentStatus.VOIDED:
        return PaymentVoided(**_ids(payment))
    if status == PaymentStatus.FAILED:
        failure = payment.failure or {}
        return PaymentFailed(
            **_ids(payment),
            code=failure.get("code", "payment_declined"),
            reason=failure.get("reason"),
        )
    return None


def _ids(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "checkout_id": payment.checkout_id,
    }
