"""What each part of the shop wrote down about purchases, one function a part."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.documents.models import Invoice
from app.events.models import ConsumerInbox, OutboxEvent
from app.inventory.models import LedgerEntry, Reservation, Warehouse
from app.notifications.masking import masked
from app.notifications.models import Notification
from app.operations.queries import saga_id
from app.orders.models import Order, OrderTransition
from app.payments.models import Payment, PspEvent
from app.payments.states import PaymentStatus
from app.platform.ids import encode
from app.pricing.models import Coupon, CouponRedemption
from app.pricing.states import RedemptionStatus
from app.saga.models import Incident, SagaJournal
from app.saga.states import Direction, JournalEvent


@dataclass(frozen=True)
class Entry:
    """One thing that happened: when, who wrote it down, what it was."""

    at: datetime
    source: str
    what: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """Whose story is told: some checkouts, and the orders and payments they made.

    `sagas` are what was done with these orders afterwards, each by its kind.
    """

    checkouts: tuple[Checkout, ...]
    orders: tuple[Order, ...]
    payments: tuple[Payment, ...]
    sagas: Mapping[UUID, str] = field(default_factory=dict)

    @cached_property
    def checkout_ids(self) -> list[UUID]:
        """The ids sagas and reservations go by."""
        return [checkout.id for checkout in self.checkouts]

    @cached_property
    def order_ids(self) -> list[UUID]:
        """The ids of what was bought."""
        return [order.id for order in self.orders]

    @cached_property
    def keys(self) -> list[str]:
        """The keys their facts go by."""
        ids = [*self.checkout_ids, *self.order_ids, *self.sagas]
        return [str(identity) for identity in (*ids, *(paid.id for paid in self.payments))]


Source = Callable[[Session, About], Iterable[Entry]]


def accepted(_session: Session, about: About) -> Iterator[Entry]:
    """The checkouts themselves."""
    for checkout in about.checkouts:
        detail = {
            "checkout": encode("chk", checkout.id),
            "units": sum(line["qty"] for line in checkout.lines),
            "lines": len(checkout.lines),
            "request_id": checkout.request_id,
        }
        yield Entry(checkout.created_at, "checkout", "accepted", _known(detail))
        if checkout.cancel_requested_at is not None:
            reason = {"reason": checkout.cancel_reason}
            yield Entry(checkout.cancel_requested_at, "checkout", "asked to stop", reason)


def journal(session: Session, about: About) -> Iterator[Entry]:
    """What their sagas did, step by step."""
    rows = session.scalars(
        select(SagaJournal)
        .where(SagaJournal.saga_id.in_([*about.checkout_ids, *about.sagas]))
        .order_by(SagaJournal.id)
    )
    undone = {row.id for row in about.checkouts if row.direction == Direction.UNDO}
    turned: set[UUID] = set()
    for row in rows:
        detail = ({"attempt": row.attempt} if row.attempt > 1 else {}) | (row.detail or {})
        way = "undo " if row.saga_id in turned and row.event == JournalEvent.STARTED else ""
        kind = about.sagas.get(row.saga_id)
        if kind is not None:
            way, detail = f"of {kind} {way}", {"id": saga_id(kind, row.saga_id)} | detail
        yield Entry(row.at, "saga", f"{row.step} {way}{row.event}", detail)
        if row.saga_id in undone and (row.event == JournalEvent.FAILED or "turn" in detail):
            turned.add(row.saga_id)


def moves(session: Session, about: About) -> Iterator[Entry]:
    """Where their orders went."""
    rows = session.scalars(
        select(OrderTransition)
        .where(OrderTransition.order_id.in_(about.order_ids))
        .order_by(OrderTransition.id)
    )
    for row in rows:
        detail = {
            "from": None if row.from_state is None else str(row.from_state),
            "actor": row.actor,
            "reason": row.reason,
            "order": encode("ord", row.order_id),
        }
        yield Entry(row.at, "order", str(row.to_state), _known(detail))


def money(_session: Session, about: About) -> Iterator[Entry]:
    """Their payments: the key written, and where they stand."""
    for payment in about.payments:
        identity = {"payment": encode("pay", payment.id)}
        asked = {"amount": payment.amount, "currency": payment.currency}
        key = {"key": payment.idempotency_key}
        yield Entry(payment.created_at, "payment", "pending", identity | asked | key)
        if payment.status != PaymentStatus.PENDING:
            held = {"reference": payment.psp_ref}
            taken = {"captured": payment.captured or None, "refunded": payment.refunded or None}
            reason = (payment.failure or {}).get("reason")
            detail = _known(identity | held | taken | {"reason": reason})
            yield Entry(payment.updated_at, "payment", str(payment.status), detail)


def told_by_provider(session: Session, about: About) -> Iterator[Entry]:
    """What the provider told about their payments, and what came of it."""
    references = [payment.psp_ref for payment in about.payments if payment.psp_ref]
    rows = session.scalars(
        select(PspEvent).where(PspEvent.object_id.in_(references)).order_by(PspEvent.received_at)
    )
    for row in rows:
        detail = {"event": row.event_id, "reference": row.object_id}
        yield Entry(row.received_at, "provider", f"tells {row.type}", detail)
        if row.applied_at is not None:
            applied = {"event": row.event_id, "outcome": row.outcome}
            yield Entry(row.applied_at, "provider", f"heard {row.type}", applied)


def units(session: Session, about: About) -> Iterator[Entry]:
    """Which units were held for them, from where, and given back."""
    rows = session.execute(
        select(LedgerEntry, Sku.code, Warehouse.name)
        .join(Reservation, Reservation.id == LedgerEntry.reference)
        .join(Sku, Sku.id == LedgerEntry.sku_id)
        .join(Warehouse, Warehouse.id == LedgerEntry.warehouse_id)
        .where(Reservation.checkout_id.in_(about.checkout_ids))
        .order_by(LedgerEntry.id)
    )
    for entry, code, warehouse in rows:
        qty = max(abs(entry.delta_available), abs(entry.delta_reserved))
        detail = {"qty": qty, "sku": code, "warehouse": warehouse}
        yield Entry(entry.at, "stock", str(entry.reason), detail)


def coupon_uses(session: Session, about: About) -> Iterator[Entry]:
    """Which coupon they took, and whether it was used or given back."""
    rows = session.execute(
        select(CouponRedemption, Coupon.code)
        .join(Coupon, Coupon.id == CouponRedemption.coupon_id)
        .where(CouponRedemption.checkout_id.in_(about.checkout_ids))
    )
    for row, code in rows:
        detail = {"coupon": code, "amount": row.amount}
        yield Entry(row.created_at, "coupon", str(RedemptionStatus.HELD), detail)
        if row.status != RedemptionStatus.HELD:
            yield Entry(row.updated_at, "coupon", str(row.status), {"coupon": code})


def invoiced(session: Session, about: About) -> Iterator[Entry]:
    """Which invoices their merchants issued."""
    rows = session.scalars(
        select(Invoice).where(Invoice.order_id.in_(about.order_ids)).order_by(Invoice.id)
    )
    for row in rows:
        detail = {"number": row.figures["number"], "merchant": encode("mer", row.merchant_id)}
        yield Entry(row.issued_at, "invoice", "issued", detail | {"total": row.total})


def facts(session: Session, about: About) -> Iterator[Entry]:
    """What was announced of them, when the bus had it, and who applied it."""
    events = session.scalars(
        select(OutboxEvent).where(OutboxEvent.key.in_(about.keys)).order_by(OutboxEvent.seq)
    ).all()
    types = {event.id: event.type for event in events}
    for event in events:
        detail = {"event": encode("evt", event.id)}
        yield Entry(event.created_at, "outbox", event.type, detail)
        if event.published_at is not None:
            yield Entry(
                event.published_at, "bus", f"{event.type} published", {"position": event.position}
            )
    applied = session.scalars(
        select(ConsumerInbox).where(ConsumerInbox.event_id.in_(types)).order_by(ConsumerInbox.at)
    )
    for row in applied:
        detail = {"consumer": row.consumer}
        yield Entry(row.at, "consumer", f"{types[row.event_id]} applied", detail)


def letters(session: Session, about: About) -> Iterator[Entry]:
    """What was written to people about them. Recipients are masked."""
    rows = session.scalars(
        select(Notification)
        .where(Notification.subject_id.in_(about.order_ids))
        .order_by(Notification.id)
    )
    for row in rows:
        detail = {"letter": encode("ntf", row.id), "to": masked(row.recipient)}
        yield Entry(row.created_at, "letter", f"{row.template} queued", detail)
        if row.sent_at is not None:
            attempts = {"letter": encode("ntf", row.id), "attempts": row.attempts}
            yield Entry(row.sent_at, "letter", f"{row.template} sent", attempts)


def incidents(session: Session, about: About) -> Iterator[Entry]:
    """What a person was asked to look at."""
    rows = session.scalars(
        select(Incident).where(Incident.subject.in_(about.keys)).order_by(Incident.opened_at)
    )
    for row in rows:
        yield Entry(row.opened_at, "incident", f"{row.kind} opened", row.detail or {})
        if row.closed_at is not None:
            yield Entry(row.closed_at, "incident", f"{row.kind} closed", {})


SOURCES: tuple[Source, ...] = (
    accepted,
    units,
    coupon_uses,
    money,
    moves,
    invoiced,
    facts,
    journal,
    told_by_provider,
    letters,
    incidents,
)


def _known(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value is not None}
