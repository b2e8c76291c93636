"""What can be asked about payments."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from app.payments.models import Payment, Refund
from app.payments.states import PaymentStatus
from app.saga.states import SagaState

# A refund that ended so gave nothing back and promises nothing any more.
_UNDONE = (SagaState.FAILED, SagaState.EXPIRED, SagaState.CANCELED)


def shop_now(session: Session) -> datetime:
    """The shop's time."""
    now: datetime = session.scalars(select(func.shop_now())).one()
    return now


def payments_of(session: Session, checkout_ids: Iterable[UUID]) -> dict[UUID, Payment]:
    """The payment of each checkout that has one, the newest where there are more."""
    return _by_checkout(session, checkout_ids, lock=False)


def lock_payments(session: Session, checkout_ids: Iterable[UUID]) -> dict[UUID, Payment]:
    """The same, read anew and locked until the transaction ends, in one order for everyone."""
    return _by_checkout(session, checkout_ids, lock=True)


def find_payment(session: Session, provider: str, payment_id: UUID) -> Payment | None:
    """A payment of this provider."""
    payment = session.get(Payment, payment_id)
    return payment if payment is not None and payment.provider == provider else None


def lock_payment(session: Session, payment_id: UUID) -> Payment:
    """A payment that is there, read anew and locked until the transaction ends."""
    return session.scalars(
        select(Payment)
        .where(Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def payment_of_order(session: Session, order_id: UUID) -> Payment | None:
    """The payment an order stands on: its live one, else the newest."""
    return session.scalars(
        select(Payment)
        .where(Payment.order_id == order_id)
        .order_by(
            Payment.status.in_([PaymentStatus.FAILED, PaymentStatus.VOIDED]), Payment.id.desc()
        )
        .limit(1)
    ).first()


def promised_back(payment_id: UUID) -> ScalarSelect[int]:
    """The sum of a payment's refunds on their way or arrived, as part of a statement; those that
    came back are with the shop again."""
    promised = func.coalesce(func.sum(Refund.amount), 0)
    return (
        select(promised)
        .where(
            Refund.payment_id == payment_id,
            Refund.state.not_in(_UNDONE),
            Refund.came_back_at.is_(None),
        )
        .scalar_subquery()
    )


def needs_void(payment: Payment) -> bool:
    """Whether something of this payment may still stand at the provider.

    A declined one keeps its reference there: its client secret could still be paid.
    """
    if payment.status == PaymentStatus.FAILED:
        return payment.psp_ref is not None
    return payment.status not in (PaymentStatus.VOIDED, PaymentStatus.REFUNDED)


def _by_checkout(
    session: Session, checkout_ids: Iterable[UUID], *, lock: bool
) -> dict[UUID, Payment]:
    found = select(Payment).where(Payment.checkout_id.in_(list(checkout_ids))).order_by(Payment.id)
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return {payment.checkout_id: payment for payment in session.scalars(found)}
