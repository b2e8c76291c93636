"""Money that arrives after its checkout has died is let go again, and told of in the journal."""

import logging

from app.payments.models import Payment
from app.payments.ports import Hold, PaymentProvider
from app.payments.queries import lock_payment
from app.payments.service.holds import apply_hold
from app.payments.service.void import is_released, release
from app.payments.states import PaymentStatus
from app.platform.db import Database, ShopSession
from app.saga.models import SagaJournal
from app.saga.states import JournalEvent

log = logging.getLogger(__name__)

_DEAD = (PaymentStatus.FAILED, PaymentStatus.VOIDED)
_NOTHING_STANDS = ("declined", "canceled")


def is_late(payment: Payment, hold: Hold) -> bool:
    """Whether this hold keeps money for a payment that is over, or is a second one of it.

    One that was given back and shows money again is not late: its refund came back.
    """
    if hold.status in _NOTHING_STANDS or is_released(hold):
        return False
    return payment.status in _DEAD or payment.psp_ref not in (None, hold.reference)


def let_go(
    db: Database, provider: PaymentProvider, payment: Payment, hold: Hold, *, attempt: int
) -> bool:
    """Void a late hold, or give its money back; False where that must be tried again.

    `attempt` was committed before and is part of the key; a full void or refund happens once under
    any key.
    """
    assert hold.reference is not None  # noqa: S101  # it was retrieved by it
    key = f"{payment.checkout_id}:void:{hold.reference}:{attempt}"
    answer = release(provider, hold.reference, key)
    if not isinstance(answer, Hold):
        return False
    log.warning("late_hold_voided", extra={"payment_id": str(payment.id)})
    with db.transaction() as session:
        locked = lock_payment(session, payment.id)
        if locked.psp_ref in (None, hold.reference):
            apply_hold(session, locked, answer)
        _journal(session, payment, hold, answer, attempt)
    return True


def _journal(
    session: ShopSession, payment: Payment, hold: Hold, answer: Hold, attempt: int
) -> None:
    session.add(
        SagaJournal(
            saga_kind="purchase",
            saga_id=payment.checkout_id,
            step="authorize",
            event=JournalEvent.COMPENSATED,
            attempt=attempt,
            detail={
                "late": True,
                "reference": hold.reference,
                "was": hold.status,
                "is": answer.status,
                "refunded": answer.refunded,
            },
        )
    )
