"""Invariant 4: every authorization and charge at the provider belongs to a payment row of the same
amount, and every row that says so has one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, all_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.operations.breaches import Breach, public_id
from app.payments.errors import NotAtProvider
from app.payments.models import Payment
from app.payments.ports import Hold, PaymentProvider
from app.payments.queries import shop_now
from app.payments.states import PaymentStatus
from app.platform.db import Database

INVARIANT = 4
_DEAD = (PaymentStatus.FAILED, PaymentStatus.VOIDED, PaymentStatus.REFUNDED)
_BACKED = (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED)
_PAGE = 500


@dataclass(frozen=True)
class Window:
    """Which holds are looked at: made or changed within it, and older than the grace by the shop's
    clock."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class HoldsLook:
    """How many holds were looked at, and what was wrong."""

    holds: int
    breaches: list[Breach]


def window(db: Database, *, grace: timedelta, reach: timedelta) -> Window:
    """The last `reach` of time, up to `grace` ago."""
    with db.reading() as session:
        now = shop_now(session)
    return Window(now - reach, now - grace)


def look(db: Database, provider: PaymentProvider, seen: Window, *, limit: int) -> HoldsLook:
    """Compare the provider's holds of a window with the payments, both ways.

    Asks the provider with no transaction open. Raises ProviderAway.
    """
    made = list(provider.holds(since=seen.since, until=seen.until))
    made += _older(db, provider, seen, {hold.reference for hold in made}, limit=limit)
    holds = [hold for hold in made if stands(hold)]
    payments = _payments_of(db, holds)
    breaches = [b for hold in holds if (b := _misfit(hold, payments, seen)) is not None]
    known = [hold.reference for hold in holds if hold.reference is not None]
    breaches += _unbacked(db, provider, seen, known, limit=limit)
    return HoldsLook(len(holds), breaches[:limit])


def _older(
    db: Database,
    provider: PaymentProvider,
    seen: Window,
    known: Collection[str | None],
    *,
    limit: int,
) -> Iterator[Hold]:
    """The holds of payments that changed within the window and were made before; each is asked
    for, those first that changed last."""
    with db.reading() as session:
        references = session.scalars(
            select(Payment.psp_ref)
            .where(
                Payment.provider == provider.name,
                Payment.psp_ref.is_not(None),
                Payment.created_at < seen.since,
                Payment.updated_at.between(seen.since, seen.until),
            )
            .order_by(Payment.updated_at.desc())
            .limit(limit)
        ).all()
    for reference in references:
        if reference is None or reference in known:
            continue
        try:
            yield provider.retrieve(reference)
        except NotAtProvider:
            continue  # `_unbacked` tells of it, where the payment claims money


def stands(hold: Hold) -> bool:
    """Whether somebody's money is held, or was taken and not given back."""
    return hold.status == "authorized" or (
        hold.status == "captured" and hold.captured > hold.refunded
    )


def _payments_of(db: Database, holds: Iterable[Hold]) -> dict[UUID, Payment]:
    ids = [found for hold in holds if (found := _payment_id(hold)) is not None]
    payments: dict[UUID, Payment] = {}
    for start in range(0, len(ids), _PAGE):
        with db.reading() as session:
            page = session.scalars(
                select(Payment).where(Payment.id.in_(ids[start : start + _PAGE]))
            )
            payments |= {payment.id: payment for payment in page}
    return payments


def _payment_id(hold: Hold) -> UUID | None:
    try:
        return UUID(hold.metadata.get("payment_id", ""))
    except ValueError:
        return None


def _misfit(hold: Hold, payments: Mapping[UUID, Payment], seen: Window) -> Breach | None:
    """What is wrong with a hold, if anything is. One of a payment not decided yet belongs to it."""
    money = f"{hold.amount} {hold.currency} {hold.status}"
    identity = _payment_id(hold)
    payment = payments.get(identity) if identity else None
    if payment is None:
        return _breach("hold_without_payment", hold, f"{money}, and there is no payment of it")
    mine = public_id("pay", payment.id)
    if payment.psp_ref not in (None, hold.reference):
        detail = f"{money} for {mine}, which stands on {payment.psp_ref}"
        return _breach("hold_beside_another", hold, detail)
    if (hold.amount, hold.currency) != (payment.amount, payment.currency):
        detail = f"{money} for {mine} of {payment.amount} {payment.currency}"
        return _breach("hold_of_another_amount", hold, detail)
    if payment.status in _DEAD:
        return _breach("hold_of_dead_payment", hold, f"{money} for {mine}, which is over")
    if (hold.captured, hold.refunded) != (payment.captured, payment.refunded):
        # Between a capture and its record they differ for a moment: the grace covers it.
        if payment.updated_at > seen.until:
            return None
        told = f"{payment.captured} captured and {payment.refunded} refunded in {mine}"
        detail = f"{hold.captured} captured and {hold.refunded} refunded there, {told}"
        return _breach("charge_of_another_amount", hold, detail)
    return None


def _unbacked(
    db: Database, provider: PaymentProvider, seen: Window, known: list[str], *, limit: int
) -> Iterator[Breach]:
    """Payments of the window that claim money the provider does not hold; each is asked for."""
    with db.reading() as session:
        claims = session.scalars(
            select(Payment)
            .where(
                Payment.provider == provider.name,
                Payment.status.in_(_BACKED),
                or_(Payment.created_at >= seen.since, Payment.updated_at >= seen.since),
                Payment.created_at <= seen.until,
                Payment.updated_at <= seen.until,
                or_(
                    Payment.psp_ref.is_(None), Payment.psp_ref != all_(literal(known, ARRAY(Text)))
                ),
            )
            .order_by(Payment.id)
            .limit(limit)
        ).all()
    for payment in claims:
        status = _status_of(provider, payment.psp_ref)
        if status is not None:
            detail = f"it is {payment.status}, and the provider says {status} of {payment.psp_ref}"
            yield Breach(INVARIANT, "payment_not_held", public_id("pay", payment.id), detail)


def _status_of(provider: PaymentProvider, reference: str | None) -> str | None:
    """What the provider says of a hold that does not stand; None where it does."""
    if reference is None:
        return "nothing"
    try:
        hold = provider.retrieve(reference)
    except NotAtProvider:
        return "nothing"
    return None if stands(hold) else hold.status


def _breach(name: str, hold: Hold, detail: str) -> Breach:
    return Breach(INVARIANT, name, hold.reference or "", detail)
