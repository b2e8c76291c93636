"""What the merchants' tables charge for sending."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import BigInteger, Subquery, Uuid, column, func, or_, select, values
from sqlalchemy.dialects.postgresql import distinct_on

from app.platform.db import ShopSession
from app.shipping.models import ShippingRate, ShippingZone
from app.shipping.ports import CarrierRate

ANYWHERE = "*"


def table_rates(
    session: ShopSession, merchants: Mapping[UUID, int], country: str
) -> list[CarrierRate]:
    """The rates in force for parcels of these grams by merchant, in one statement.

    A country lies in one zone of a merchant: the lowest `priority`, of equals the one that names it
    before `*`. Of overlapping rows of a service the one that came into force last counts.
    """
    if not merchants:
        return []
    zones = _zones(merchants, country)
    rate = ShippingRate
    rows = session.execute(
        select(
            zones.c.merchant_id, rate.service, rate.carrier, rate.name, rate.price, rate.currency,
            rate.days_min, rate.days_max, rate.tax_code,
        )
        .ext(distinct_on(zones.c.merchant_id, rate.service, rate.currency))
        .join(zones, zones.c.id == rate.zone_id)
        .where(
            rate.weight_from_g <= zones.c.weight_g,
            or_(rate.weight_until_g.is_(None), rate.weight_until_g > zones.c.weight_g),
            rate.valid_from <= func.shop_now(),
            or_(rate.valid_until.is_(None), rate.valid_until > func.shop_now()),
        )
        .order_by(
            zones.c.merchant_id, rate.service, rate.currency, rate.valid_from.desc(), rate.id.desc()
        )
    )  # fmt: skip
    return [CarrierRate(**row._mapping) for row in rows]


def _zones(merchants: Mapping[UUID, int], country: str) -> Subquery:
    """The one zone of each merchant that the country lies in, with the grams to be sent."""
    parcels = values(
        column("merchant_id", Uuid), column("weight_g", BigInteger), name="parcels"
    ).data(sorted(merchants.items()))
    return (
        select(ShippingZone.id, ShippingZone.merchant_id, parcels.c.weight_g)
        .ext(distinct_on(ShippingZone.merchant_id))
        .join(parcels, parcels.c.merchant_id == ShippingZone.merchant_id)
        .where(ShippingZone.countries.overlap([country, ANYWHERE]))
        .order_by(
            ShippingZone.merchant_id,
            ShippingZone.priority,
            ShippingZone.countries.contains([country]).desc(),
            ShippingZone.id,
        )
        .subquery("zones")
    )
