"""Holding the shopper's money and letting it go: keys before calls, and never a guess about the
outcome."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.checkout.models import Checkout
from app.payments import service as payments
from app.payments.errors import PaymentDeclined, ProviderAway
from app.payments.models import Payment
from app.payments.queries import lock_payments, needs_void, shop_now
from app.payments.service import Answer, Asked, StillUnknown, Voiding
from app.payments.states import PaymentStatus
from app.platform.ids import encode
from app.platform.metrics import CHECKOUT_FUNNEL
from app.platform.money import Money
from app.saga.table import Batch, Done, Effect, Later, Outcome, Outcomes, Parked, Refused


def psp_key(checkout: Checkout, step: str) -> str:
    """The key of one act at the PSP: `<saga id>:<step>:<attempt>`. A retry never changes it."""
    return f"{encode('chk', checkout.id)}:{step}:{checkout.key_attempt}"


def write_authorization(batch: Batch) -> Mapping[UUID, Asked]:
    """Write each payment with its key and request, before anything is sent; a total of 0 asks
    nobody."""
    paying = [row for row in batch.rows if row.totals["total"] > 0]
    _count_authorized(batch, len(batch.rows) - len(paying))
    if not paying:
        return {}
    known = lock_payments(batch.session, [row.id for row in paying])
    now = shop_now(batch.session)
    for row in paying:
        if row.id not in known:
            known[row.id] = _open(batch, row, now)
    patience = batch.ports.terms.psp_seconds_max
    return {
        row.id: payments.asking(batch.session, known[row.id], seconds_max=patience, now=now)
        for row in paying
    }


def ask_authorization(asked: Asked, ports: Any) -> Answer:
    """Hold the money. A repeat finds the first hold."""
    return payments.ask_authorization(asked, ports.payments)


def record_authorization(batch: Batch, answers: Mapping[UUID, Answer]) -> Outcomes:
    """Write down what became of each hold, and what it means for the purchase."""
    known = lock_payments(batch.session, list(answers))
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        payment = payments.record_hold(batch.session, known[row.id], answers[row.id])
        outcomes[row.id] = _outcome(payment, answers[row.id])
    _count_authorized(batch, sum(isinstance(each, Done) for each in outcomes.values()))
    return outcomes


def write_void(batch: Batch) -> Mapping[UUID, Voiding]:
    """Only what this checkout itself recorded is let go, and only where something may still
    stand."""
    known = lock_payments(batch.session, [row.id for row in batch.rows])
    standing = [row for row in batch.rows if row.id in known and needs_void(known[row.id])]
    if not standing:
        return {}
    now = shop_now(batch.session)
    return {
        row.id: payments.voiding(batch.session, known[row.id], key=psp_key(row, "void"), now=now)
        for row in standing
    }


def ask_void(wanted: Voiding, ports: Any) -> Answer:
    """Let the money go; whether the hold was ever made may be unknown: the PSP is looked through
    first."""
    return payments.ask_void(wanted, ports.payments)


def record_void(batch: Batch, answers: Mapping[UUID, Answer]) -> Outcomes:
    """Write down what became of each void; a key that can only fail again makes place for the
    next."""
    known = lock_payments(batch.session, list(answers))
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        answer = answers[row.id]
        payment = payments.record_void(batch.session, known[row.id], answer)
        if isinstance(answer, StillUnknown) and answer.key_spent:
            row.key_attempt += 1
        outcomes[row.id] = (
            Later(_reason(answer)) if needs_void(payment) else Done({"payment": payment.status})
        )
    return outcomes


AUTHORIZE = Effect(write_authorization, ask_authorization, record_authorization)
VOID = Effect(write_void, ask_void, record_void)


def _count_authorized(batch: Batch, checkouts: int) -> None:
    if checkouts:
        batch.session.afterwards(lambda: CHECKOUT_FUNNEL.labels(stage="authorized").inc(checkouts))


def _open(batch: Batch, row: Checkout, now: datetime) -> Payment:
    return payments.open_payment(
        batch.session,
        batch.ports.payments,
        order_id=_order_of(row),
        checkout_id=row.id,
        amount=Money((row.totals or {})["total"], row.currency),
        token=row.payment_method_token,
        key=psp_key(row, "authorize"),
        return_url=f"{batch.ports.terms.public_url}/v1/checkout/{encode('chk', row.id)}",
        now=now,
    )


def _order_of(row: Checkout) -> UUID:
    if row.order_id is None:
        raise RuntimeError("money is asked for before the order is priced")
    return row.order_id


def _outcome(payment: Payment, answer: Answer) -> Outcome:
    match payment.status:
        case PaymentStatus.AUTHORIZED | PaymentStatus.CAPTURED:
            return Done({"reference": payment.psp_ref})
        case PaymentStatus.REQUIRES_ACTION:
            return Parked("requires_action")
        case PaymentStatus.PENDING:
            return Later(_reason(answer))
        case _:
            failure = payment.failure or {}
            away = failure.get("code") == ProviderAway.code
            return Refused(
                ProviderAway.code if away else PaymentDeclined.code,
                failure.get("message") or "The payment was declined; another card may be tried.",
                {"reason": failure.get("reason") or failure.get("code")},
            )


def _reason(answer: Answer) -> str:
    return str(answer.silence) if isinstance(answer, StillUnknown) else "pending"
