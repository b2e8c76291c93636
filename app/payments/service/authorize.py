"""Ask for a hold, and learn what became of it: the key first, then the call, then the outcome.

Source of the numbers: Stripe keeps an idempotency key for at least 24 hours
(https://docs.stripe.com/api/idempotent_requests).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.payments.errors import LOOK_ONLY, NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.payments.models import Payment
from app.payments.ports import Hold, PaymentProvider, StoredRequest
from app.payments.queries import shop_now
from app.payments.service import holds
from app.payments.service.answers import Absent, Answer, StillUnknown
from app.payments.states import PAYMENT
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.money import Money

KEY_LASTS = timedelta(hours=23)  # a day at the provider, less an hour for clocks that disagree
ABSENCE_COUNTS_AFTER = timedelta(minutes=2)
WINDOW_MARGIN = timedelta(minutes=10)  # clocks that disagree, again
UNREACHED = {
    "code": "psp_unavailable",
    "reason": None,
    "message": "The payment provider could not take the payment; nothing was charged.",
}


@dataclass(frozen=True)
class Asked:
    """What is known of a payment when its outcome is asked for; times are the shop's.

    `asked_at` is when the last call ended, or can have ended at the latest; None before the first.
    """

    payment_id: UUID
    request: StoredRequest
    key: str
    reference: str | None
    silence: Silence | None
    written_at: datetime
    asked_at: datetime | None
    now: datetime

    @property
    def looks_only(self) -> bool:
        """Whether sending the request again would teach nothing, or could make a second hold."""
        return self.silence in LOOK_ONLY or self.now - self.written_at >= KEY_LASTS


def open_payment(
    session: ShopSession,
    provider: PaymentProvider,
    *,
    order_id: UUID,
    checkout_id: UUID,
    amount: Money,
    token: str,
    key: str,
    return_url: str,
    now: datetime | None = None,
) -> Payment:
    """Write down a claim on the shopper's money, its key and its request, before anyone is asked.

    Only worded by the provider here; sent by `ask_authorization`, after the commit. `now` is the
    shop's time where the caller has just read it.
    """
    identity, of = new_id(), {"order_id": order_id, "checkout_id": checkout_id}
    request = provider.authorization(
        amount, token=token, payment_id=identity, return_url=return_url, **of
    )
    payment = Payment(
        **of,
        id=identity,
        provider=provider.name,
        amount=amount.minor,
        captured=0,
        refunded=0,
        currency=amount.currency,
        status=PAYMENT.initial,
        idempotency_key=key,
        request=request.body,
        created_at=now or shop_now(session),
    )
    session.add(payment)
    return payment


def asking(
    session: ShopSession, payment: Payment, *, seconds_max: float, now: datetime | None = None
) -> Asked:
    """What `ask_authorization` needs, taken in the claiming transaction.

    Where the request is going to be sent, the latest end of that call is written down now: a crash
    during the call must not make absence count early. `seconds_max` is the patience for one call.
    """
    known = Asked(
        payment_id=payment.id,
        request=StoredRequest(payment.request),
        key=payment.idempotency_key,
        reference=payment.psp_ref,
        silence=_silence_of(payment),
        written_at=payment.created_at,
        asked_at=payment.asked_at,
        now=now or shop_now(session),
    )
    if known.reference is None and not known.looks_only:
        payment.asked_at = known.now + timedelta(seconds=seconds_max)
    return known


def ask_authorization(asked: Asked, provider: PaymentProvider) -> Answer:
    """Ask for the hold, or what became of it. Call it with no transaction open; refuses nothing.

    Known at the provider: look at it. Else repeat the stored request with its key while the key
    lasts. Where the key can only repeat its failure: list what was made meanwhile; that nothing is
    there counts two minutes after the last call ended.
    """
    try:
        if asked.reference is not None:
            return provider.retrieve(asked.reference)
        if asked.looks_only:
            return _look(asked, provider)
        return provider.authorize(asked.request, key=asked.key)
    except OutcomeUnknown as unknown:
        if not unknown.look:
            return StillUnknown(unknown.silence, unknown.detail, sent=True)
        return _look_at_once(asked, provider, unknown)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(asked.silence or Silence.NO_ANSWER, away.detail)


def record_hold(session: ShopSession, payment: Payment, answer: Answer) -> Payment:
    """Write down what `ask_authorization` learned; the payment's row is locked.

    Afterwards its status decides, not the answer: `authorized` go on, `requires_action` wait for
    the shopper, `pending` ask again, all else is a definitive no with its reason in `failure`.
    """
    if isinstance(answer, Hold):
        holds.apply_hold(session, payment, answer)
    elif isinstance(answer, Absent):
        holds.fail(session, payment, UNREACHED)
    else:
        note_silence(payment, answer)
        if answer.sent:
            payment.asked_at = shop_now(session)
    return payment


def note_silence(payment: Payment, answer: StillUnknown) -> None:
    """Keep why the outcome is not known, and what was learned anyway."""
    payment.unknown = {"reason": str(answer.silence), "detail": answer.detail[:500]}
    if payment.psp_ref is None:
        payment.psp_ref = answer.reference


def absence_counts(asked_at: datetime | None, now: datetime) -> bool:
    """Whether nothing found means nothing made."""
    return asked_at is None or now - asked_at >= ABSENCE_COUNTS_AFTER


def find(
    provider: PaymentProvider,
    payment_id: UUID,
    *,
    written_at: datetime,
    asked_at: datetime | None,
    now: datetime,
) -> Hold | None:
    """The hold of a payment, wherever its last call may have made it."""
    return provider.find(
        payment_id,
        since=written_at - WINDOW_MARGIN,
        until=max(asked_at or now, now) + WINDOW_MARGIN,
    )


def _look(asked: Asked, provider: PaymentProvider) -> Answer:
    found = _find(asked, provider)
    if found is not None:
        return found
    if absence_counts(asked.asked_at, asked.now):
        return Absent()
    return StillUnknown(asked.silence or Silence.KEY_TOO_OLD, "nothing found yet")


def _look_at_once(asked: Asked, provider: PaymentProvider, unknown: OutcomeUnknown) -> Answer:
    """The key failed just now: what it once did may be seen already; that it is not means
    little."""
    try:
        found = _find(asked, provider)
    except (ProviderAway, NotAtProvider):
        found = None
    return found or StillUnknown(unknown.silence, unknown.detail, sent=True)


def _find(asked: Asked, provider: PaymentProvider) -> Hold | None:
    return find(
        provider,
        asked.payment_id,
        written_at=asked.written_at,
        asked_at=asked.asked_at,
        now=asked.now,
    )


def _silence_of(payment: Payment) -> Silence | None:
    reason = (payment.unknown or {}).get("reason")
    return Silence(reason) if reason is not None else None
