"""Take held money, whole or in parts, each part once.

The hold itself remembers under which id it was captured: whether a call whose answer was lost did
its work is seen there, even while parcels of the same order are captured side by side.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.payments.errors import CaptureRefused, NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.payments.models import Payment
from app.payments.ports import Hold, PaymentProvider
from app.payments.queries import shop_now
from app.payments.service import holds
from app.payments.service.answers import ProviderNo, StillUnknown
from app.platform.db import ShopSession
from app.platform.metrics import PAYMENT_CAPTURES
from app.saga.table import Done, Later, Outcome, Stuck

KEY_LASTS = timedelta(hours=23)  # a day at the provider, less an hour for clocks that disagree
CLOSED = "authorization_expired"

CaptureAnswer = Hold | StillUnknown | ProviderNo


@dataclass(frozen=True)
class Capturing:
    """A part of a hold that is to be taken. Amounts are in minor units.

    `looks_first`: the key may be forgotten at the provider, so the hold is looked at before.
    """

    payment_id: UUID
    capture_id: UUID
    reference: str
    amount: int
    final: bool
    key: str
    looks_first: bool


def capturing(
    session: ShopSession,
    payment: Payment,
    *,
    amount: int,
    final: bool,
    key: str,
    capture_id: UUID,
    since: datetime,
    now: datetime | None = None,
) -> Capturing:
    """What `ask_capture` needs, taken in the claiming transaction; writes nothing.

    `capture_id` is the saga's own id, `since` the moment before which its key was never sent (when
    its row was written); `final` lets go what is not taken. Raises ValueError for nothing to take.
    """
    if amount <= 0:
        raise ValueError(f"nobody is asked for a capture of {amount}")
    if payment.psp_ref is None:
        raise ValueError(f"payment {payment.id} holds nothing that could be captured")
    return Capturing(
        payment_id=payment.id,
        capture_id=capture_id,
        reference=payment.psp_ref,
        amount=amount,
        final=final,
        key=key,
        looks_first=(now or shop_now(session)) - since >= KEY_LASTS,
    )


def ask_capture(wanted: Capturing, provider: PaymentProvider) -> CaptureAnswer:
    """Take the money. Call it with no transaction open; refuses nothing, raises nothing.

    The key is repeated while it lasts. Where it can only repeat its failure the call it stands for
    is over, so what the hold shows is all it did: the capture, or nothing (`key_spent`).
    """
    try:
        if wanted.looks_first:
            hold = provider.retrieve(wanted.reference)
            if is_taken(wanted, hold):
                return hold
        hold = provider.capture(
            wanted.reference,
            wanted.amount,
            capture_id=wanted.capture_id,
            final=wanted.final,
            key=wanted.key,
        )
    except CaptureRefused as no:
        return ProviderNo(no.reason, no.detail, _seen(wanted, provider))
    except OutcomeUnknown as unknown:
        if unknown.look:
            return _look(wanted, provider, unknown)
        return StillUnknown(unknown.silence, unknown.detail, sent=True)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(Silence.NO_ANSWER, away.detail)
    if is_taken(wanted, hold):
        return hold
    return ProviderNo(CLOSED, "The hold was closed with less than was asked for.", hold)


def record_capture(session: ShopSession, payment: Payment, answer: CaptureAnswer) -> Outcome:
    """Write down what `ask_capture` learned; the payment's row is locked.

    Done: the money is there. Later: ask again. Stuck: a definitive no, for a person to look at;
    its reason is `authorization_expired`, `multicapture_unavailable` or the provider's own word.
    """
    if isinstance(answer, Hold):
        holds.apply_hold(session, payment, answer)
        _count(session, "captured")
        return Done({"reference": answer.reference, "captured": answer.captured})
    if isinstance(answer, StillUnknown):
        return Later(str(answer.silence))
    if answer.hold is not None:
        holds.apply_hold(session, payment, answer.hold)
    _count(session, "refused")
    return Stuck(answer.code, {"detail": answer.detail})


def is_taken(wanted: Capturing, hold: Hold) -> bool:
    """Whether this part was taken: under its id, or by whoever took all there was to take."""
    if wanted.capture_id in hold.captures:
        return True
    enough = hold.amount if hold.multicapture else wanted.amount
    return hold.status == "captured" and hold.captured >= enough


def _look(wanted: Capturing, provider: PaymentProvider, trouble: OutcomeUnknown) -> CaptureAnswer:
    hold = _seen(wanted, provider)
    if hold is not None and is_taken(wanted, hold):
        return hold
    return StillUnknown(trouble.silence, trouble.detail, sent=True, key_spent=hold is not None)


def _seen(wanted: Capturing, provider: PaymentProvider) -> Hold | None:
    try:
        return provider.retrieve(wanted.reference)
    except (ProviderAway, NotAtProvider):
        return None


def _count(session: ShopSession, outcome: str) -> None:
    session.afterwards(PAYMENT_CAPTURES.labels(outcome=outcome).inc)
