"""What the provider tells: stored first, answered, applied later, once.

An event only says "look": the hold is retrieved with no transaction open, and the payment becomes
what the hold is now. All waiting events of one hold are done by one look.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.payments.errors import NotAtProvider, ProviderAway
from app.payments.models import Payment, PspEvent
from app.payments.ports import Hold, PaymentProvider, ProviderEvent, Repaid
from app.payments.queries import find_payment, lock_payment
from app.payments.service import bounced
from app.payments.service.holds import apply_hold, would_change
from app.payments.service.late import is_late, let_go
from app.platform.db import Database, ShopSession
from app.platform.metrics import PSP_EVENTS
from app.platform.queue import Queue
from app.saga import signals

log = logging.getLogger(__name__)

APPLY = "payments.apply_event"
IN_HAND = timedelta(seconds=5)  # a twin leaves the event alone; a killed worker's is taken up soon
SWEEP_SECONDS_MAX = 20.0
WAIT_SECONDS_MAX = 3600
ATTEMPTS_MAX = 40  # more than a day of waiting for a payment that never comes


class Outcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    NOTHING_NEW = "nothing_new"
    LATE_VOIDED = "late_voided"
    NOT_LOOKED_AT = "not_looked_at"
    UNKNOWN_TYPE = "unknown_type"
    FOREIGN = "foreign"
    NO_OBJECT = "no_object"
    NO_PAYMENT = "no_payment"


@dataclass(frozen=True)
class _Claimed:
    event_id: str
    reference: str
    attempts: int
    at: datetime


@dataclass(frozen=True)
class _Seen:
    """What one look showed: the hold of a payment, and those of its refunds that failed."""

    payment_id: UUID
    hold: Hold
    failed: Sequence[Repaid]


def receive_event(session: ShopSession, provider: str, event: ProviderEvent) -> bool:
    """Keep what a provider told; False where it told it before. What it means is decided later."""
    outcome = None
    if not event.known:
        outcome = Outcome.UNKNOWN_TYPE
    elif not event.worth_a_look or event.object_id is None:
        outcome = Outcome.NOT_LOOKED_AT
    stored = session.scalar(
        insert(PspEvent)
        .values(
            provider=provider,
            event_id=event.id,
            type=event.type,
            object_id=event.object_id,
            payload=event.body,
            attempts=0,
            outcome=outcome,
            applied_at=None if outcome is None else func.shop_now(),
        )
        .on_conflict_do_nothing()
        .returning(PspEvent.event_id)
    )
    if stored is None:
        return False
    if outcome is None:
        session.nudge(APPLY, id=event.id)
    else:
        _count(session, provider, outcome)
    return True


def apply_due(
    db: Database, queue: Queue | None, provider: PaymentProvider, *, limit: int = 50
) -> int:
    """Apply what waits and is due: lost nudges, events before their payment. Gives how many."""
    with db.reading() as session:
        due = session.scalars(
            select(PspEvent.event_id)
            .where(
                PspEvent.provider == provider.name,
                PspEvent.applied_at.is_(None),
                PspEvent.next_attempt_at <= func.shop_now(),
            )
            .order_by(PspEvent.next_attempt_at)
            .limit(limit)
        ).all()
    began, applied = monotonic(), 0
    for event_id in due:
        applied += apply_event(db, queue, provider, event_id)
        if monotonic() - began > SWEEP_SECONDS_MAX:
            break
    return applied


def apply_event(
    db: Database, queue: Queue | None, provider: PaymentProvider, event_id: str
) -> bool:
    """Apply one event; False where it is done, in other hands, or must wait."""
    with db.transaction(queue) as session:
        claimed = _claim(session, provider.name, event_id)
    if claimed is None:
        return False
    try:
        hold = provider.retrieve(claimed.reference)
        wanted = _payment_id(hold)
        if wanted is None:
            return _close(db, queue, provider, claimed, Outcome.FOREIGN)
        failed = bounced.came_back(db, provider, wanted, hold)
    except NotAtProvider:
        return _close(db, queue, provider, claimed, Outcome.NO_OBJECT)
    except ProviderAway as away:
        log.warning("psp_event_waits", extra={"event_id": event_id, "why": away.detail})
        return _wait(db, queue, provider, claimed)
    if failed is None:
        return _wait(db, queue, provider, claimed)
    return _apply(db, queue, provider, claimed, _Seen(wanted, hold, failed))


def _claim(session: ShopSession, provider: str, event_id: str) -> _Claimed | None:
    found = session.execute(
        update(PspEvent)
        .where(
            PspEvent.provider == provider,
            PspEvent.event_id == event_id,
            PspEvent.object_id.is_not(None),
            PspEvent.applied_at.is_(None),
            PspEvent.next_attempt_at <= func.shop_now(),
        )
        .values(attempts=PspEvent.attempts + 1, next_attempt_at=func.shop_now() + IN_HAND)
        .returning(PspEvent.object_id, PspEvent.attempts, func.shop_now())
    ).first()
    return None if found is None else _Claimed(event_id, str(found[0]), found[1], found[2])


def _apply(
    db: Database, queue: Queue | None, provider: PaymentProvider, claimed: _Claimed, seen: _Seen
) -> bool:
    hold, too_old = seen.hold, False
    with db.transaction(queue) as session:
        payment = find_payment(session, provider.name, seen.payment_id)
        if payment is not None and not is_late(payment, hold):
            payment, changed = _change(session, payment, seen, claimed)
            too_old = changed is None
            if changed is not None and not is_late(payment, hold):
                outcome = Outcome.APPLIED if changed else Outcome.NOTHING_NEW
                _mark(session, provider.name, claimed, outcome)
                return True
    if payment is None or too_old:
        return _wait(db, queue, provider, claimed, gives_up=payment is None)
    if not let_go(db, provider, payment, hold, attempt=claimed.attempts):
        return _wait(db, queue, provider, claimed)
    return _close(db, queue, provider, claimed, Outcome.LATE_VOIDED)


def _change(
    session: ShopSession, payment: Payment, seen: _Seen, claimed: _Claimed
) -> tuple[Payment, bool | None]:
    """Make the payment what its hold is; gives whether anything changed, None where the look is too
    old to tell. Sagas are locked first, as by everyone: the purchase is woken (a confirmed one
    needs nothing), refunds that failed are marked."""
    hold = seen.hold
    if not seen.failed and not would_change(payment, hold):
        return payment, False
    detail = {"event": claimed.event_id, "payment": hold.status}
    signals.wake(session, "purchase", payment.checkout_id, detail=detail)
    sum_back = bounced.mark(session, payment, hold, seen.failed) if seen.failed else 0
    locked = lock_payment(session, payment.id)
    if is_late(locked, hold):
        return locked, False
    if (
        not sum_back
        and hold.refunded > locked.refunded
        and bounced.came_since(session, locked, claimed.at)
    ):
        return locked, None
    return locked, apply_hold(session, locked, hold, came_back=sum_back) or sum_back > 0


def _payment_id(hold: Hold) -> UUID | None:
    try:
        return UUID(hold.metadata.get("payment_id", ""))
    except ValueError:
        return None


def _close(
    db: Database,
    queue: Queue | None,
    provider: PaymentProvider,
    claimed: _Claimed,
    outcome: Outcome,
) -> bool:
    with db.transaction(queue) as session:
        _mark(session, provider.name, claimed, outcome)
    return True


def _mark(session: ShopSession, provider: str, claimed: _Claimed, outcome: Outcome) -> None:
    """Done, and with it every event of this hold that waited when the look began."""
    done = session.scalars(
        update(PspEvent)
        .where(
            PspEvent.provider == provider,
            PspEvent.object_id == claimed.reference,
            PspEvent.applied_at.is_(None),
            PspEvent.received_at <= claimed.at,
        )
        .values(outcome=str(outcome), applied_at=func.shop_now())
        .returning(PspEvent.event_id)
        .execution_options(synchronize_session=False)
    ).all()
    for _ in done:
        _count(session, provider, outcome)


def _wait(
    db: Database,
    queue: Queue | None,
    provider: PaymentProvider,
    claimed: _Claimed,
    *,
    gives_up: bool = False,
) -> bool:
    if gives_up and claimed.attempts >= ATTEMPTS_MAX:
        log.error("psp_event_without_payment", extra={"event_id": claimed.event_id})
        return _close(db, queue, provider, claimed, Outcome.NO_PAYMENT)
    seconds = min(2.0 ** min(claimed.attempts - 1, 16), WAIT_SECONDS_MAX)
    with db.transaction(queue) as session:
        session.execute(
            update(PspEvent)
            .where(
                PspEvent.provider == provider.name,
                PspEvent.event_id == claimed.event_id,
                PspEvent.applied_at.is_(None),
            )
            .values(next_attempt_at=func.shop_now() + timedelta(seconds=seconds))
        )
    return False


def _count(session: ShopSession, provider: str, outcome: Outcome) -> None:
    session.afterwards(PSP_EVENTS.labels(provider=provider, outcome=str(outcome)).inc)
