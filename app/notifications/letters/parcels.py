"""Words of letters about parcels, and of what comes after they have arrived."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.catalog.models import Sku
from app.notifications.errors import NothingToShow, Withheld
from app.notifications.letters.kinds import PostalAddress, Words
from app.notifications.letters.orders import bought, merchants_of, number_of, units_of_lines
from app.notifications.links import Links
from app.orders.models import Order
from app.orders.queries import find_order, units_of
from app.orders.states import OrderState
from app.reviews.models import Review
from app.shipping.models import Shipment

_WEB = ("https://", "http://")


def shipped(session: Session, shipment_id: UUID, links: Links) -> Words:
    """What one merchant sent, how to follow it, and what is still to come from anybody."""
    shipment = session.scalar(
        select(Shipment).where(Shipment.id == shipment_id).options(selectinload(Shipment.items))
    )
    if shipment is None:
        raise NothingToShow("There is no such shipment.")
    order = find_order(session, shipment.order_id)
    merchants = merchants_of(session, order.items)
    sender = merchants[shipment.merchant_id].name
    inside = {item.line: item.qty for item in shipment.items}
    left = {line: units.left for line, units in units_of(session, order.id).items()}
    url = shipment.tracking_url or ""
    return {
        "number": number_of(order),
        "merchant": sender,
        "merchants": [sender],
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": url if url.startswith(_WEB) else None,
        "lines": [
            bought(item, None, inside[item.line]) for item in order.items if item.line in inside
        ],
        "to_come": units_of_lines(order, left, merchants),
        "address": PostalAddress.of(order.address),
        "order_url": links.order(order.id),
    }


def delivered(session: Session, order_id: UUID, links: Links) -> Words:
    """What has arrived: every unit that was sent."""
    order = find_order(session, order_id)
    merchants = merchants_of(session, order.items)
    sent = {line: units.shipped for line, units in units_of(session, order.id).items()}
    return {
        "number": number_of(order),
        "lines": units_of_lines(order, sent, merchants),
        "merchants": sorted(merchant.name for merchant in merchants.values()),
        "order_url": links.order(order.id),
    }


def to_be_reviewed(session: Session, order_id: UUID, links: Links) -> Words:
    """The same, days later. Raises Withheld where there is nothing left to say of it."""
    order = find_order(session, order_id)
    if order.state is not OrderState.DELIVERED:
        raise Withheld("not_delivered")
    if not _has_something_to_review(session, order):
        raise Withheld("reviewed")
    return delivered(session, order_id, links)


def _has_something_to_review(session: Session, order: Order) -> bool:
    products = select(Sku.product_id).where(Sku.id.in_([item.sku_id for item in order.items]))
    bought_products = set(session.scalars(products))
    written = select(Review.product_id).where(Review.user_id == order.user_id)
    return bool(bought_products - set(session.scalars(written)))
