"""A merchant's own tax rates: rows by validity, never edited, so that the past can be explained."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.pricing.errors import TaxRateNotFound, WindowBackwards
from app.pricing.models import TaxRate
from app.pricing.queries import TaxRateView, in_window


@dataclass(frozen=True)
class TaxRateDraft:
    """A rate to be: `rate_ppm` parts per million, `included` where shown prices contain it."""

    country: str
    region: str | None
    tax_code: str
    name: str
    rate_ppm: int
    included: bool
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def add_tax_rate(session: ShopSession, draft: TaxRateDraft, *, merchant_id: UUID) -> TaxRateView:
    """Add a rate; of several in force for a place and tax code the one that came last counts.

    Raises WindowBackwards.
    """
    given = {name: value for name, value in vars(draft).items() if value is not None}
    rate = TaxRate(id=new_id(), merchant_id=merchant_id, **given)
    session.add(rate)
    session.flush()
    session.refresh(rate)
    if rate.valid_until is not None and rate.valid_until <= rate.valid_from:
        raise WindowBackwards("It would be over before it begins.")
    return _seen(session, rate)


def end_tax_rate(
    session: ShopSession, rate_id: UUID, *, merchant_id: UUID, at: datetime | None
) -> TaxRateView:
    """Let a rate count no more from a moment on, now where none is said; never longer than it was
    to. Raises TaxRateNotFound."""
    ends = func.greatest(func.coalesce(at, func.shop_now()), TaxRate.valid_from)
    rate = session.scalar(
        update(TaxRate)
        .where(TaxRate.id == rate_id, TaxRate.merchant_id == merchant_id)
        .values(valid_until=func.least(TaxRate.valid_until, ends))
        .returning(TaxRate)
    )
    if rate is None:
        raise TaxRateNotFound("There is no such tax rate.")
    return _seen(session, rate)


def _seen(session: ShopSession, rate: TaxRate) -> TaxRateView:
    counts = select(in_window(TaxRate.valid_from, TaxRate.valid_until)).where(TaxRate.id == rate.id)
    return TaxRateView(rate, bool(session.scalar(counts)))
