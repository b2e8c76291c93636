"""What the merchants' tables charge for sending, and where parcels are."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Select, Subquery, Uuid, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, selectinload

from app.platform.db import ShopSession
from app.platform.rows import unnested
from app.shipping.errors import ParcelNotFound, ShipmentNotFound
from app.shipping.models import Shipment, ShipmentItem, ShippingRate, ShippingZone, TrackingEvent
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
    weights = sorted(merchants.items())
    parcels = unnested(
        "parcels",
        {
            "merchant_id": (Uuid(), [merchant_id for merchant_id, _ in weights]),
            "weight_g": (BigInteger(), [grams for _, grams in weights]),
        },
    )
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


def find_shipment(session: Session, shipment_id: UUID) -> Shipment:
    """A parcel with what is in it. Raises ShipmentNotFound."""
    return _one_shipment(session, _with_items().where(Shipment.id == shipment_id))


def lock_shipment(session: Session, shipment_id: UUID) -> Shipment:
    """The same, read anew and locked until the transaction ends; it is locked before its order.

    Raises ShipmentNotFound.
    """
    wanted = _with_items().where(Shipment.id == shipment_id).with_for_update()
    return _one_shipment(session, wanted.execution_options(populate_existing=True))


def find_parcel(session: Session, carrier: str, number: str) -> Shipment:
    """The parcel a carrier knows by this number. Raises ParcelNotFound."""
    return _parcel(session, _numbered(carrier, number))


def lock_parcel(session: Session, carrier: str, number: str) -> Shipment:
    """The same, locked until the transaction ends. Raises ParcelNotFound."""
    wanted = _numbered(carrier, number).with_for_update()
    return _parcel(session, wanted.execution_options(populate_existing=True))


def shipments_of(
    session: Session, order_ids: Collection[UUID], *, merchant_id: UUID | None = None
) -> Sequence[Shipment]:
    """The parcels of some orders, of one merchant or of all, the oldest first."""
    wanted = _with_items().where(Shipment.order_id.in_(order_ids)).order_by(Shipment.id)
    if merchant_id is not None:
        wanted = wanted.where(Shipment.merchant_id == merchant_id)
    return session.scalars(wanted).all()


def items_of(session: Session, shipment_ids: Collection[UUID]) -> dict[UUID, list[ShipmentItem]]:
    """What is in some parcels, by line."""
    found: dict[UUID, list[ShipmentItem]] = {shipment_id: [] for shipment_id in shipment_ids}
    rows = session.scalars(
        select(ShipmentItem).where(ShipmentItem.shipment_id.in_(found)).order_by(ShipmentItem.line)
    )
    for item in rows:
        found[item.shipment_id].append(item)
    return found


def tracking_of(session: Session, shipment_ids: Collection[UUID]) -> Sequence[TrackingEvent]:
    """What carriers told about some parcels, in the order it happened."""
    return session.scalars(
        select(TrackingEvent)
        .where(TrackingEvent.shipment_id.in_(shipment_ids))
        .order_by(TrackingEvent.happened_at, TrackingEvent.id)
    ).all()


def _with_items() -> Select[Shipment]:
    return select(Shipment).options(selectinload(Shipment.items))


def _numbered(carrier: str, number: str) -> Select[Shipment]:
    return select(Shipment).where(Shipment.carrier == carrier, Shipment.tracking_number == number)


def _one_shipment(session: Session, wanted: Select[Shipment]) -> Shipment:
    found = session.scalar(wanted)
    if found is None:
        raise ShipmentNotFound("There is no such shipment.")
    return found


def _parcel(session: Session, wanted: Select[Shipment]) -> Shipment:
    found = session.scalar(wanted)
    if found is None:
        raise ParcelNotFound("No parcel goes by this number.")
    return found
