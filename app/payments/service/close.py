"""Let the rest of a hold go of which a part was taken: what was taken stays with the shop."""

from dataclasses import dataclass

from app.payments.errors import NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.payments.models import Payment
from app.payments.ports import Hold, PaymentProvider
from app.payments.service import holds
from app.payments.service.answers import StillUnknown
from app.platform.db import ShopSession
from app.saga.table import Done, Later, Outcome

CloseAnswer = Hold | StillUnknown


@dataclass(frozen=True)
class Closing:
    """A hold that nobody is going to take any more of; `key` is closing's own."""

    reference: str
    key: str


def closing(payment: Payment, *, key: str) -> Closing:
    """What `ask_close` needs; writes nothing. Raises ValueError where nothing was taken: such a
    hold is voided."""
    if payment.psp_ref is None or not payment.captured:
        raise ValueError(f"nothing was taken of payment {payment.id}")
    return Closing(payment.psp_ref, key)


def ask_close(wanted: Closing, provider: PaymentProvider) -> CloseAnswer:
    """Let the rest go. Call it with no transaction open; refuses nothing, raises nothing.

    Closing twice is closing once. Where the key can only repeat its failure, the hold itself tells
    whether it did its work.
    """
    try:
        return provider.void(wanted.reference, key=wanted.key)
    except OutcomeUnknown as unknown:
        if unknown.look:
            return _look(wanted, provider, unknown)
        return StillUnknown(unknown.silence, unknown.detail, sent=True)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(Silence.NO_ANSWER, away.detail)


def record_close(session: ShopSession, payment: Payment, answer: CloseAnswer) -> Outcome:
    """Write down what `ask_close` learned; the payment's row is locked. Done, or Later: ask
    again."""
    if isinstance(answer, StillUnknown):
        return Later(str(answer.silence))
    holds.apply_hold(session, payment, answer)
    if answer.status == "authorized":
        return Later(str(Silence.NOT_RELEASED))
    return Done({"reference": answer.reference, "closed": True})


def _look(wanted: Closing, provider: PaymentProvider, trouble: OutcomeUnknown) -> CloseAnswer:
    """This key repeats its failure; another may ask where it did nothing."""
    try:
        hold = provider.retrieve(wanted.reference)
    except (ProviderAway, NotAtProvider) as away:
        return StillUnknown(trouble.silence, away.detail)
    if hold.status == "authorized":
        return StillUnknown(trouble.silence, trouble.detail, sent=True, key_spent=True)
    return hold
