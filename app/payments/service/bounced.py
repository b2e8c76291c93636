"""Money given back that did not arrive: the shop has it again, and a person must hear of it.

A refund that was made stays made in the story of its order (its units are not sold again); only its
money counts as not given back, and may be promised once more.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.payments.models import Payment, Refund
from app.payments.ports import Hold, PaymentProvider, Repaid
from app.platform.db import Database, ShopSession
from app.platform.ids import encode
from app.platform.metrics import REFUNDS
from app.saga.incidents import open_incident
from app.saga.models import SagaJournal
from app.saga.states import LIVE, JournalEvent

INCIDENT = "refund_failed"


def came_back(
    db: Database, provider: PaymentProvider, payment_id: UUID, hold: Hold
) -> Sequence[Repaid] | None:
    """The refunds of a hold that failed; asks only where something was ever given back.

    None while one of them is not written down yet: it must be looked at again. Call it with no
    transaction open. Raises ProviderAway.
    """
    with db.reading() as session:
        payment = session.get(Payment, payment_id)
    if payment is None or hold.reference is None or not (payment.refunded or hold.refunded):
        return ()
    failed = [one for one in provider.repayments(hold.reference) if one.status == "failed"]
    if not failed:
        return ()
    with db.reading() as session:
        unwritten = session.scalar(
            select(func.count()).where(
                Refund.id.in_([one.refund_id for one in failed]),
                Refund.psp_ref.is_(None),
                Refund.state.in_(LIVE),
            )
        )
    return None if unwritten else failed


def mark(session: ShopSession, payment: Payment, hold: Hold, failed: Sequence[Repaid]) -> int:
    """Mark the refunds that came back and tell operations; gives their sum, in minor units.

    Locks the refunds: call it before the payment is locked. Those marked before count no more.
    """
    rows = session.scalars(
        select(Refund)
        .where(
            Refund.payment_id == payment.id,
            Refund.psp_ref.in_([one.reference for one in failed]),
            Refund.came_back_at.is_(None),
        )
        .order_by(Refund.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    reasons = {one.reference: one.reason for one in failed}
    for row in rows:
        _mark(session, row, reasons.get(row.psp_ref or ""))
    sum_back = sum(row.amount for row in rows)
    if hold.refunded < payment.refunded - sum_back:
        sum_back += _made_elsewhere(session, payment, failed)
    return sum_back


def came_since(session: ShopSession, payment: Payment, at: datetime) -> bool:
    """Whether money of a payment came back at that moment or later: a look begun then may still
    show it as given back."""
    found = session.scalar(
        select(Refund.id).where(Refund.payment_id == payment.id, Refund.came_back_at >= at).limit(1)
    )
    return found is not None


def _mark(session: ShopSession, row: Refund, reason: str | None) -> None:
    row.came_back_at = row.updated_at = func.shop_now()
    row.failure = {"code": INCIDENT, "detail": reason or "The bank did not take the money."}
    told = {"reference": row.psp_ref, "reason": reason}
    session.add(
        SagaJournal(
            saga_kind="refund",
            saga_id=row.id,
            step=row.step,
            event=JournalEvent.FAILED,
            attempt=row.key_attempt,
            detail={"came_back": True, **told},
        )
    )
    money = {"amount": row.amount, "currency": row.currency}
    order = {"order": encode("ord", row.order_id)}
    open_incident(
        session,
        kind=INCIDENT,
        subject=str(row.id),
        detail={"saga": "refund", **order, **money, **told},
    )
    session.afterwards(REFUNDS.labels(outcome="came_back").inc)


def _made_elsewhere(session: ShopSession, payment: Payment, failed: Sequence[Repaid]) -> int:
    """Of refunds nobody asked this shop for only the sum is known, and that it fell."""
    foreign = sum(one.amount for one in failed if one.refund_id is None)
    if foreign:
        open_incident(
            session,
            kind=INCIDENT,
            subject=str(payment.id),
            detail={
                "payment": encode("pay", payment.id),
                "order": encode("ord", payment.order_id),
                "amount": foreign,
                "currency": payment.currency,
            },
        )
    return foreign
