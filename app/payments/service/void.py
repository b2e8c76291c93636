"""Let a hold go, even where it is unknown whether it was ever made.

The request is never sent again to learn the reference: that could make the hold.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.payments.errors import NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.payments.models import Payment
from app.payments.ports import Hold, PaymentProvider
from app.payments.queries import shop_now
from app.payments.service import holds
from app.payments.service.answers import Absent, Answer, StillUnknown
from app.payments.service.authorize import absence_counts, find, note_silence
from app.platform.db import ShopSession


@dataclass(frozen=True)
class Voiding:
    """What is known of a payment when it is to be let go; times are the shop's."""

    payment_id: UUID
    key: str
    reference: str | None
    written_at: datetime
    asked_at: datetime | None
    now: datetime


def voiding(
    session: ShopSession, payment: Payment, *, key: str, now: datetime | None = None
) -> Voiding:
    """What `ask_void` needs, taken in the claiming transaction. `key` is void's own."""
    return Voiding(
        payment_id=payment.id,
        key=key,
        reference=payment.psp_ref,
        written_at=payment.created_at,
        asked_at=payment.asked_at,
        now=now or shop_now(session),
    )


def ask_void(wanted: Voiding, provider: PaymentProvider) -> Answer:
    """Let the money go. Call it with no transaction open; refuses nothing.

    Without a reference the provider's list is read for one; that nothing is there counts two
    minutes after the last call ended. Money that was taken meanwhile is given back in full.
    """
    reference = wanted.reference
    if reference is None:
        try:
            found = _find(wanted, provider)
        except (ProviderAway, NotAtProvider) as away:
            return StillUnknown(Silence.NO_ANSWER, away.detail)
        if found is None or found.reference is None:
            return _nothing_found(wanted)
        reference = found.reference
    return release(provider, reference, wanted.key)


def release(provider: PaymentProvider, reference: str, key: str) -> Answer:
    """Cancel a hold, or give back what was taken of it; raises nothing."""
    try:
        return _released(provider, reference, key)
    except OutcomeUnknown as unknown:
        if unknown.look:
            return _look(provider, reference, unknown)
        return StillUnknown(unknown.silence, unknown.detail, sent=True, reference=reference)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(Silence.NO_ANSWER, away.detail, reference=reference)


def record_void(session: ShopSession, payment: Payment, answer: Answer) -> Payment:
    """Write down what `ask_void` learned; the payment's row is locked.

    Afterwards `queries.needs_void(payment)` tells whether to go on asking.
    """
    if isinstance(answer, Hold):
        failure = payment.failure
        holds.apply_hold(session, payment, answer)
        if is_released(answer):
            holds.give_up(session, payment)
        payment.failure = failure  # letting go is what was wanted, not a failure
    elif isinstance(answer, Absent):
        holds.give_up(session, payment)
    else:
        note_silence(payment, answer)
    return payment


def is_released(hold: Hold) -> bool:
    """Whether the shopper has, or will get, everything back."""
    return hold.status == "canceled" or (
        hold.status == "captured" and hold.refunded >= hold.captured
    )


def _find(wanted: Voiding, provider: PaymentProvider) -> Hold | None:
    if wanted.asked_at is None:
        return None
    return find(
        provider,
        wanted.payment_id,
        written_at=wanted.written_at,
        asked_at=wanted.asked_at,
        now=wanted.now,
    )


def _nothing_found(wanted: Voiding) -> Answer:
    if absence_counts(wanted.asked_at, wanted.now):
        return Absent()
    return StillUnknown(Silence.NOT_FOUND_YET, "the last call ended too short a while ago")


def _released(provider: PaymentProvider, reference: str, key: str) -> Answer:
    hold = provider.void(reference, key=key)
    if hold.status == "captured" and not is_released(hold):
        hold = provider.refund(reference, key=f"{key}:refund")
    if is_released(hold):
        return hold
    return StillUnknown(
        Silence.NOT_RELEASED,
        f"the provider says {hold.status}",
        sent=True,
        reference=reference,
        key_spent=True,
    )


def _look(provider: PaymentProvider, reference: str, trouble: OutcomeUnknown) -> Answer:
    """This key repeats its failure; the hold itself tells whether it did its work before."""
    try:
        hold = provider.retrieve(reference)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(trouble.silence, str(away), reference=reference)
    if is_released(hold):
        return hold
    return StillUnknown(
        trouble.silence, trouble.detail, sent=True, reference=reference, key_spent=True
    )
