"""What became of the money of an order, day by day: what a receipt tells. Amounts in minor
units."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session, selectinload

from app.documents.errors import NothingPaid
from app.orders.models import Order
from app.payments.models import Capture, Payment, Refund
from app.payments.queries import payment_of_order
from app.platform.ids import encode
from app.saga.models import SagaJournal
from app.saga.states import JournalEvent
from app.shipping.models import Shipment


@dataclass(frozen=True)
class Moved:
    """Money that moved: `what` is authorized, captured or refunded; `reference` a public id."""

    at: datetime
    what: str
    reference: str
    amount: int


@dataclass(frozen=True)
class Story:
    """An order with its lines, the payment it stands on, and how its money moved, in order."""

    order: Order
    payment: Payment
    moves: tuple[Moved, ...]

    @property
    def kept(self) -> int:
        """What the shopper has paid in all."""
        return self.payment.captured - self.payment.refunded


def story_of(session: Session, order_id: UUID) -> Story:
    """What was paid for a confirmed order. Raises NothingPaid before any money was taken."""
    order = session.scalars(
        select(Order).where(Order.id == order_id).options(selectinload(Order.items))
    ).one()
    payment = payment_of_order(session, order_id)
    if payment is None or payment.captured == 0:
        raise NothingPaid("No money was taken for this order yet.")
    captures = list(_captures(session, order_id))
    refunds = list(_refunds(session, payment))
    asked = Moved(payment.created_at, "authorized", encode("pay", payment.id), payment.amount)
    moves = [
        *_whole(captures, payment, "captured", payment.captured),
        *_whole(refunds, payment, "refunded", payment.refunded),
    ]
    return Story(order, payment, (asked, *sorted(moves, key=lambda move: move.at)))


def _captures(session: Session, order_id: UUID) -> Iterator[Moved]:
    """What parcels took, and what was taken before any parcel; each by the day it succeeded."""
    for prefix, kind, row in (("shp", "fulfilment", Shipment), ("cap", "capture", Capture)):
        taken: list[Any] = [row.id, row.amount, SagaJournal.at]
        found = session.execute(
            select(*taken)
            .join(SagaJournal, _succeeded(kind, row.id, "capture"))
            .where(row.order_id == order_id, row.amount > 0)
        )
        for identity, amount, at in found:
            yield Moved(at, "captured", encode(prefix, identity), amount)


def _refunds(session: Session, payment: Payment) -> Iterator[Moved]:
    found = session.execute(
        select(Refund.id, Refund.amount, SagaJournal.at)
        .join(SagaJournal, _succeeded("refund", Refund.id, "repay"))
        .where(Refund.payment_id == payment.id, Refund.amount > 0)
    )
    for identity, amount, at in found:
        yield Moved(at, "refunded", encode("ref", identity), amount)


def _succeeded(kind: str, identity: Any, step: str) -> ColumnElement[bool]:
    """The row of the journal in which a step of a saga was done; there is one."""
    return and_(
        SagaJournal.saga_kind == kind,
        SagaJournal.saga_id == identity,
        SagaJournal.step == step,
        SagaJournal.event == JournalEvent.SUCCEEDED,
    )


def _whole(known: list[Moved], payment: Payment, what: str, amount: int) -> list[Moved]:
    """What is known to have moved, and in one sum what moved besides: by the provider's own hand,
    or in a cancellation. Where less moved than is known, the provider's sum counts alone."""
    rest = amount - sum(move.amount for move in known)
    if rest == 0:
        return known
    reference = payment.psp_ref or encode("pay", payment.id)
    besides = Moved(payment.updated_at, what, reference, rest if rest > 0 else amount)
    return [*known, besides] if rest > 0 else [besides]
