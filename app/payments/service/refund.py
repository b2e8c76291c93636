"""Give back a part of what was taken: the key first, then the call, then the outcome.

A refund carries its own id at the provider: where an answer was lost it is found by it, in a list
that does not lag.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.payments.errors import (
    LOOK_ONLY,
    NotAtProvider,
    OutcomeUnknown,
    ProviderAway,
    RepaymentRefused,
    Silence,
)
from app.payments.models import Payment, Refund
from app.payments.ports import Hold, PaymentProvider, Repaid
from app.payments.queries import promised_back, shop_now
from app.payments.service import holds
from app.payments.service.answers import ProviderNo, StillUnknown
from app.payments.service.authorize import KEY_LASTS, absence_counts
from app.platform.db import ShopSession
from app.platform.metrics import REFUNDS
from app.saga.table import Done, Later, Outcome, Refused


@dataclass(frozen=True)
class Repaying:
    """What is known of a refund when its money is to go back; times are the shop's.

    `keyed_at` is when its key was first taken to the provider, None for the first time; `asked_at`
    when the last call ended, or can have ended at the latest. With `closes`, what is still held is
    let go before: nobody is going to take it.
    """

    refund_id: UUID
    reference: str
    amount: int
    key: str
    closes: bool
    silence: Silence | None
    keyed_at: datetime | None
    asked_at: datetime | None
    now: datetime

    @property
    def looks_only(self) -> bool:
        """Whether sending it again would teach nothing, or could give the money back twice."""
        too_old = self.keyed_at is not None and self.now - self.keyed_at >= KEY_LASTS
        return too_old or self.silence in LOOK_ONLY


@dataclass(frozen=True)
class Repayment:
    """The money is on its way back; `hold` is what is left at the provider."""

    repaid: Repaid
    hold: Hold


RepayAnswer = Repayment | StillUnknown | ProviderNo


def refundable(session: ShopSession, payment: Payment) -> int:
    """What may still be promised back, in minor units; the caller has locked the payment.

    Captured, less every refund that is on its way or has arrived, and at least less what the
    provider says was given back, whoever did it.
    """
    promised = session.scalar(select(promised_back(payment.id))) or 0
    return max(0, payment.captured - max(int(promised), payment.refunded))


def repaying(
    session: ShopSession,
    refund: Refund,
    payment: Payment,
    *,
    key: str,
    seconds_max: float,
    closes: bool = False,
    now: datetime | None = None,
) -> Repaying:
    """What `ask_repay` needs, taken in the claiming transaction; both rows are locked.

    A new `key` begins anew. Where the request is going to be sent, the latest end of that call is
    written down now: a crash during the call must not make absence count early. `seconds_max` is
    the patience for one call; `closes` lets go what is still held, for the last refund of a hold
    taken in part. Raises ValueError where nothing is to be given back.
    """
    if refund.amount <= 0 or payment.psp_ref is None:
        raise ValueError(f"refund {refund.id} has nothing to give back")
    if refund.idempotency_key != key:
        refund.idempotency_key = key
        refund.keyed_at = refund.asked_at = refund.unknown = None
    reason = (refund.unknown or {}).get("reason")
    known = Repaying(
        refund_id=refund.id,
        reference=payment.psp_ref,
        amount=refund.amount,
        key=key,
        closes=closes,
        silence=Silence(reason) if reason is not None else None,
        keyed_at=refund.keyed_at,
        asked_at=refund.asked_at,
        now=now or shop_now(session),
    )
    if not known.looks_only:
        refund.keyed_at = refund.keyed_at or known.now
        refund.asked_at = known.now + timedelta(seconds=seconds_max)
    return known


def ask_repay(wanted: Repaying, provider: PaymentProvider) -> RepayAnswer:
    """Give the money back. Call it with no transaction open; refuses nothing, raises nothing.

    Asked before: look for the refund by its id first. The same key is repeated while it lasts and
    may do something. Else only a look helps; that nothing is there counts two minutes after the
    last call ended, and then a new key may ask (`key_spent`).
    """
    try:
        found = _find(wanted, provider) if wanted.keyed_at is not None else None
        if found is None and wanted.looks_only:
            return _not_found(wanted)
        return _repayment(wanted, provider, found or _send(wanted, provider))
    except RepaymentRefused as no:
        return ProviderNo(no.reason, no.detail)
    except OutcomeUnknown as unknown:
        return StillUnknown(unknown.silence, unknown.detail, sent=True)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(wanted.silence or Silence.NO_ANSWER, away.detail)


def record_repay(
    session: ShopSession, refund: Refund, payment: Payment, answer: RepayAnswer
) -> Outcome:
    """Write down what `ask_repay` learned; both rows are locked.

    Done: the money is on its way. Later: ask again. Refused: a definitive no, nothing was given
    back.
    """
    if isinstance(answer, Repayment):
        refund.psp_ref, refund.unknown = answer.repaid.reference, None
        holds.apply_hold(session, payment, answer.hold)
        _count(session, "repaid")
        return Done({"reference": answer.repaid.reference, "status": answer.repaid.status})
    if isinstance(answer, ProviderNo):
        _count(session, "refused")
        return Refused(answer.code, answer.detail)
    refund.unknown = {"reason": str(answer.silence), "detail": answer.detail[:500]}
    if answer.sent:
        refund.asked_at = func.shop_now()
    return Later(str(answer.silence))


def _send(wanted: Repaying, provider: PaymentProvider) -> Repaid:
    if wanted.closes:
        provider.void(wanted.reference, key=f"{wanted.key}:rest")
    return provider.repay(
        wanted.reference, wanted.amount, refund_id=wanted.refund_id, key=wanted.key
    )


def _repayment(wanted: Repaying, provider: PaymentProvider, repaid: Repaid) -> RepayAnswer:
    if repaid.status == "failed":
        return ProviderNo("refund_failed", repaid.reason or "The refund failed at the provider.")
    return Repayment(repaid, provider.retrieve(wanted.reference))


def _find(wanted: Repaying, provider: PaymentProvider) -> Repaid | None:
    """This refund at the provider; one that stands before one that failed."""
    mine = [
        one for one in provider.repayments(wanted.reference) if one.refund_id == wanted.refund_id
    ]
    return min(mine, key=lambda one: one.status == "failed", default=None)


def _not_found(wanted: Repaying) -> StillUnknown:
    certain = absence_counts(wanted.asked_at, wanted.now)
    silence = wanted.silence or Silence.KEY_TOO_OLD
    return StillUnknown(silence, "nothing found", key_spent=certain)


def _count(session: ShopSession, outcome: str) -> None:
    session.afterwards(REFUNDS.labels(outcome=outcome).inc)
