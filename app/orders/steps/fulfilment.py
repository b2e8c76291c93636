"""The steps of a parcel: its money, its label, and telling that it left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.models import Merchant
from app.inventory.models import Warehouse
from app.orders.models import Order
from app.orders.queries import lock_orders
from app.orders.service.parcels import catch_up
from app.orders.service.ship import weight_of
from app.orders.steps import capture
from app.platform.db import ShopSession
from app.platform.files import FilesAway
from app.platform.ids import encode
from app.saga.table import Batch, Done, Effect, Later, Outcome, Outcomes, Stuck
from app.shipping import labels
from app.shipping import service as shipping
from app.shipping.errors import CarrierAway, LabelRefused
from app.shipping.label import MEDIA_TYPE
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.ports import Content, Label, Parcel
from app.shipping.queries import items_of

CAPTURE = capture.PARCEL


@dataclass(frozen=True)
class Buying:
    """A label to be bought; `reference` is ours, `key` is where it will be kept."""

    parcel: Parcel
    reference: str
    key: str


@dataclass(frozen=True)
class Bought:
    """A label and where it is kept; None where the carrier prints it."""

    label: Label
    key: str | None


def write_labels(batch: Batch) -> Mapping[UUID, Buying]:
    """All that the carrier must know, by names and addresses as they are now."""
    items = items_of(batch.session, [row.id for row in batch.rows])
    return {row.id: _buying(batch.session, row, items[row.id]) for row in batch.rows}


def buy_label(wanted: Buying, ports: Any) -> Bought | LabelRefused | CarrierAway | FilesAway:
    """Buy the label, unless it was bought before and the answer lost; keep it.

    The reference stays the same for all attempts: whatever was bought under it is used.
    """
    try:
        label = ports.carriers.find(wanted.reference) or ports.carriers.buy(
            wanted.parcel, reference=wanted.reference
        )
        if label.pdf is None:
            return Bought(label, None)
        ports.files.put(wanted.key, label.pdf, media_type=MEDIA_TYPE)
        return Bought(label, wanted.key)
    except (LabelRefused, CarrierAway, FilesAway) as trouble:
        return trouble


def record_labels(
    batch: Batch, answers: Mapping[UUID, Bought | LabelRefused | CarrierAway | FilesAway]
) -> Outcomes:
    """Write down number, cost and place of each label. A refusal needs a person: another service,
    or the parcel is called off; the capture is never undone by itself."""
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        answer = answers[row.id]
        if isinstance(answer, Bought):
            shipping.stick_on(row, answer.label, key=answer.key)
            outcomes[row.id] = Done({"tracking_number": answer.label.tracking_number})
        elif isinstance(answer, LabelRefused):
            facts = {"detail": answer.detail} | answer.facts
            outcomes[row.id] = Stuck(answer.code, facts)
        else:
            outcomes[row.id] = Later(type(answer).__name__)
    return outcomes


def notify(batch: Batch) -> Outcomes:
    """The parcel is on its way, and with the last one the order; the world is told."""
    orders = lock_orders(batch.session, [row.order_id for row in batch.rows])
    for row in batch.rows:
        shipping.send(batch.session, row)
        catch_up(batch.session, orders[row.order_id], actor="fulfilment", reason="sent")
    return {row.id: Done() for row in batch.rows}


LABEL = Effect(write_labels, buy_label, record_labels)


def _buying(session: ShopSession, row: Shipment, items: list[ShipmentItem]) -> Buying:
    order = session.scalars(
        select(Order).where(Order.id == row.order_id).options(selectinload(Order.items))
    ).one()
    reference = encode("shp", row.id)
    units = {item.line: item.qty for item in items}
    lines = {item.line: item for item in order.items}
    return Buying(
        parcel=Parcel(
            merchant_id=row.merchant_id,
            service=row.service,
            currency=row.currency,
            weight_g=weight_of(session, order, units),
            sender=_sender(session, row),
            recipient=order.address,
            order_number=order.number or "",
            contents=[Content(lines[n].code, lines[n].name, qty) for n, qty in units.items()],
        ),
        reference=reference,
        key=labels.key_of(row.id),
    )


def _sender(session: ShopSession, row: Shipment) -> dict[str, Any]:
    """The warehouse as the address a parcel comes from, under its merchant's name."""
    merchant = session.get_one(Merchant, row.merchant_id)
    place = session.get_one(Warehouse, row.warehouse_id)
    names = {"name": merchant.name, "warehouse": place.name}
    return {"country": place.country} | place.address | names
