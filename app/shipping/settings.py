"""Where a merchant ships and what it charges: zones of countries, and rates by validity.

A rate is never edited: another one is added and the old one ends, so that what a parcel cost on
a day can be explained. What was ordered keeps the figures it was ordered at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Merchant
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.money import CurrencyMismatch
from app.pricing.errors import WindowBackwards
from app.pricing.queries import in_window
from app.shipping.errors import (
    ShippingRateNotFound,
    ShippingZoneEnded,
    ShippingZoneNotFound,
    WeightsBackwards,
)
from app.shipping.models import ShippingRate, ShippingZone


@dataclass(frozen=True)
class RateDraft:
    """A rate to be: `price` in minor units for parcels from so many grams, below so many.

    No currency stands for the merchant's own, no `valid_from` for this moment.
    """

    zone_id: UUID
    service: str
    carrier: str
    name: str
    days_min: int
    days_max: int
    price: int
    weight_from_g: int = 0
    weight_until_g: int | None = None
    currency: str | None = None
    tax_code: str = "standard"
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True)
class RateView:
    """A rate and whether it counts at this moment; every column is there by its name."""

    row: ShippingRate
    in_force: bool

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the row does."""
        return getattr(self.row, name)


def zones(
    session: Session, merchant_id: UUID, *, after: UUID | None = None, limit: int
) -> Sequence[ShippingZone]:
    """A page of a merchant's zones, newest first; one that ended has no countries left."""
    wanted = select(ShippingZone).where(ShippingZone.merchant_id == merchant_id)
    if after is not None:
        wanted = wanted.where(ShippingZone.id < after)
    return session.scalars(wanted.order_by(ShippingZone.id.desc()).limit(limit)).all()


def add_zone(
    session: ShopSession, *, merchant_id: UUID, name: str, countries: Sequence[str], priority: int
) -> ShippingZone:
    """Ship to some countries (`*` for everywhere) at the same rates; lower `priority` first."""
    zone = ShippingZone(
        id=new_id(),
        merchant_id=merchant_id,
        name=name,
        countries=sorted(set(countries)),
        priority=priority,
    )
    session.add(zone)
    session.flush()
    return zone


def end_zone(session: ShopSession, zone_id: UUID, *, merchant_id: UUID) -> ShippingZone:
    """Ship there no more: the zone covers no country, so that another zone of the merchant may, and
    its rates end now. Raises ShippingZoneNotFound."""
    zone = _own_zone(session, zone_id, merchant_id)
    zone.countries = []
    session.flush()
    _end(session, None, ShippingRate.zone_id == zone_id)
    return zone


def rates(
    session: Session,
    merchant_id: UUID,
    *,
    zone_id: UUID | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[RateView]:
    """A page of a merchant's rates, newest first, those that are over too."""
    wanted = (
        select(ShippingRate, in_window(ShippingRate.valid_from, ShippingRate.valid_until))
        .join(ShippingZone, ShippingZone.id == ShippingRate.zone_id)
        .where(ShippingZone.merchant_id == merchant_id)
    )
    if zone_id is not None:
        wanted = wanted.where(ShippingRate.zone_id == zone_id)
    if after is not None:
        wanted = wanted.where(ShippingRate.id < after)
    rows = session.execute(wanted.order_by(ShippingRate.id.desc()).limit(limit))
    return [RateView(*row) for row in rows]


def add_rate(session: ShopSession, draft: RateDraft, *, merchant_id: UUID) -> RateView:
    """Charge for a service in a zone; of several in force for a parcel the one that came last
    counts. Raises ShippingZoneNotFound, ShippingZoneEnded, CurrencyMismatch, WeightsBackwards,
    WindowBackwards."""
    if not _own_zone(session, draft.zone_id, merchant_id).countries:
        raise ShippingZoneEnded("Nothing is shipped to this zone any more.")
    own = session.get_one(Merchant, merchant_id).currency
    if draft.currency not in (None, own):
        raise CurrencyMismatch(
            f"This merchant sells in {own}, not in {draft.currency}.", currency=own
        )
    if draft.weight_until_g is not None and draft.weight_until_g <= draft.weight_from_g:
        raise WeightsBackwards("A parcel cannot weigh less than it weighs at least.")
    given = {name: value for name, value in vars(draft).items() if value is not None}
    rate = ShippingRate(id=new_id(), **given | {"currency": own})
    session.add(rate)
    session.flush()
    session.refresh(rate)
    if rate.valid_until is not None and rate.valid_until <= rate.valid_from:
        raise WindowBackwards("It would be over before it begins.")
    return _seen(session, rate)


def end_rate(
    session: ShopSession, rate_id: UUID, *, merchant_id: UUID, at: datetime | None
) -> RateView:
    """Charge a rate no more from a moment on, now where none is said; never longer than it was to.

    Raises ShippingRateNotFound.
    """
    mine = select(ShippingZone.id).where(ShippingZone.merchant_id == merchant_id)
    ended = _end(session, at, ShippingRate.id == rate_id, ShippingRate.zone_id.in_(mine))
    if not ended:
        raise ShippingRateNotFound("There is no such shipping rate.")
    return _seen(session, ended[0])


def _end(session: ShopSession, at: datetime | None, *which: Any) -> Sequence[ShippingRate]:
    ends = func.greatest(func.coalesce(at, func.shop_now()), ShippingRate.valid_from)
    return session.scalars(
        update(ShippingRate)
        .where(*which)
        .values(valid_until=func.least(ShippingRate.valid_until, ends))
        .returning(ShippingRate)
        .execution_options(synchronize_session=False)
    ).all()


def _own_zone(session: ShopSession, zone_id: UUID, merchant_id: UUID) -> ShippingZone:
    """A merchant's zone, locked, so that none ends while a rate is added to it."""
    zone = session.scalar(
        select(ShippingZone)
        .where(ShippingZone.id == zone_id, ShippingZone.merchant_id == merchant_id)
        .with_for_update(key_share=True)
    )
    if zone is None:
        raise ShippingZoneNotFound("There is no such shipping zone.")
    return zone


def _seen(session: ShopSession, rate: ShippingRate) -> RateView:
    counts = select(in_window(ShippingRate.valid_from, ShippingRate.valid_until))
    return RateView(rate, bool(session.scalar(counts.where(ShippingRate.id == rate.id))))
