"""Taking the money: for a parcel its share, or all of an order at once before anything is sent.

The units of a parcel leave the reserved stock in the transaction that knows their money is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.inventory import service as inventory
from app.inventory.service import Leaving
from app.orders.models import Order
from app.orders.queries import UNDONE, Standing, lock_orders, standing_of, units_of
from app.orders.states import OrderState
from app.payments import service as payments
from app.payments.models import Capture, Payment
from app.payments.queries import lock_payments, shop_now
from app.payments.service import CaptureAnswer, Capturing
from app.payments.service.capture import KEY_LASTS
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.saga.models import SagaRow
from app.saga.states import LIVE, SagaState
from app.saga.table import Batch, Done, Effect, Later, Outcome, Outcomes, Refused, Stuck
from app.shipping.models import Shipment
from app.shipping.queries import items_of, shipments_of
from app.shipping.states import ShipmentStatus

GONE = "payment_gone"


@dataclass(frozen=True)
class Settled:
    """Nobody is asked: what becomes of the step is known already."""

    outcome: Outcome


Wanted = Capturing | Settled


def write_parcels(batch: Batch) -> Mapping[UUID, Wanted]:
    """What is to be taken for each parcel; where nothing is, its units leave at once."""
    orders, known = _lock(batch)
    wanted: dict[UUID, Wanted] = {}
    for row in batch.rows:
        order = orders[row.order_id]
        asked = _for_parcel(batch.session, row, order, known.get(order.checkout_id))
        if asked is not None:
            wanted[row.id] = asked
    _leave(batch.session, orders, [row for row in batch.rows if row.id not in wanted])
    return wanted


def write_wholes(batch: Batch) -> Mapping[UUID, Wanted]:
    """What is to be taken of each order: all that no refund let go of."""
    orders, known = _lock(batch)
    wanted: dict[UUID, Wanted] = {}
    for row in batch.rows:
        order = orders[row.order_id]
        if order.state in (OrderState.CANCELED, OrderState.REFUNDED):
            wanted[row.id] = Settled(
                Refused("order_canceled", "The order takes no money any more.")
            )
            continue
        payment = known.get(order.checkout_id)
        amount = order.total - standing_of(batch.session, order.id).released
        if payment is None or amount <= 0 or _is_all_taken(payment, amount):
            continue
        if payment.status not in (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED):
            wanted[row.id] = _gone(payment)
            continue
        row.amount = amount
        wanted[row.id] = _capturing(batch.session, row, "cap", payment, amount, final=True)
    return wanted


def ask(wanted: Wanted, ports: Any) -> CaptureAnswer | Settled:
    """Take it. A repeat finds what the first call did."""
    if isinstance(wanted, Settled):
        return wanted
    return payments.ask_capture(wanted, ports.payments)


def record_parcels(batch: Batch, answers: Mapping[UUID, CaptureAnswer | Settled]) -> Outcomes:
    """Write down what became of it; of whom the money is there, the units leave."""
    orders, known = _lock(batch)
    outcomes = _record(batch, orders, known, answers)
    for row in batch.rows:
        if isinstance(outcomes[row.id], Stuck):
            row.capture_request = None  # a clear no: whoever goes on asks anew, under a new key
    paid = [row for row in batch.rows if isinstance(outcomes[row.id], Done)]
    _leave(batch.session, orders, paid)
    return outcomes


def record_wholes(batch: Batch, answers: Mapping[UUID, CaptureAnswer | Settled]) -> Outcomes:
    """Write down what became of it; parcels take nothing by themselves any more."""
    orders, known = _lock(batch)
    return _record(batch, orders, known, answers)


PARCEL = Effect(write_parcels, ask, record_parcels)
WHOLE = Effect(write_wholes, ask, record_wholes)


def _lock(batch: Batch) -> tuple[dict[UUID, Order], dict[UUID, Payment]]:
    """The orders of these rows, then their payments by checkout."""
    orders = lock_orders(batch.session, [row.order_id for row in batch.rows])
    return orders, lock_payments(batch.session, [order.checkout_id for order in orders.values()])


def _for_parcel(
    session: ShopSession, row: Shipment, order: Order, payment: Payment | None
) -> Wanted | None:
    if payment is None:
        return None
    if _is_all_taken(payment, order.total - standing_of(session, order.id).released):
        return None
    if payment.status not in (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED):
        return _gone(payment)
    return _whole(session, order) or _in_turn(session, row, order, payment)


def _in_turn(session: ShopSession, row: Shipment, order: Order, payment: Payment) -> Wanted | None:
    """Parcels take their money one after the other."""
    standing = standing_of(session, order.id)
    if row.amount == 0 and not payment.multicapture:
        if standing.claimed:
            return Settled(Later("another_parcel_pays"))
        row.amount = order.total - standing.released  # who should have paid was called off
        session.flush()
    if row.amount == 0:
        return None
    others = _unpaid(session, row)
    if any(_goes_first(other, row) for other in others):
        return Settled(Later("another_parcel_pays"))
    final = not payment.multicapture or (not others and _is_last(session, order, standing))
    return _capturing(session, row, "shp", payment, row.amount, final=_frozen(row, final=final))


def _frozen(row: Shipment, *, final: bool) -> bool:
    """What was asked for under the present key before, whatever has become of the order since."""
    key = payments.psp_key("shp", row, "capture")
    if row.capture_request is None or row.capture_request["key"] != key:
        row.capture_request = {"key": key, "amount": row.amount, "final": final}
    return bool(row.capture_request["final"])


def _capturing(
    session: ShopSession, row: SagaRow, prefix: str, payment: Payment, amount: int, *, final: bool
) -> Capturing:
    return payments.capturing(
        session,
        payment,
        amount=amount,
        final=final,
        key=payments.psp_key(prefix, row, "capture"),
        capture_id=row.id,
        since=_since(row),
        now=shop_now(session),
    )


def _since(row: SagaRow) -> datetime:
    """Since when the present key may have been sent. Behind a key that was given up the hold is
    looked at first: the old one may have done more than was known."""
    return row.created_at if row.key_attempt == 1 else row.created_at - KEY_LASTS


def _is_all_taken(payment: Payment, owed: int) -> bool:
    """Whether the hold is closed and all of it was taken; one that lapsed after a first parcel is
    closed too, with less."""
    return payment.status == PaymentStatus.CAPTURED and payment.captured >= owed


def _gone(payment: Payment) -> Settled:
    return Settled(Stuck(GONE, {"payment": str(payment.status)}))


def _whole(session: ShopSession, order: Order) -> Settled | None:
    """Where all of the order is captured at once, its parcels wait for that."""
    state = session.scalar(
        select(Capture.state).where(Capture.order_id == order.id, Capture.state.not_in(UNDONE))
    )
    if state is None:
        return None
    if state == SagaState.NEEDS_ATTENTION:
        return Settled(Stuck("capture_stuck"))
    return Settled(Later("capture_under_way"))


def _unpaid(session: ShopSession, row: Shipment) -> list[Shipment]:
    """The other parcels of the order that still have money to take."""
    return [
        other
        for other in shipments_of(session, [row.order_id])
        if other.id != row.id
        and other.status == ShipmentStatus.PENDING
        and other.units_left_at is None
        and other.amount > 0
    ]


def _goes_first(other: Shipment, row: Shipment) -> bool:
    """One at a time, in the order they were asked for, so that the last one knows that it is."""
    return other.state in LIVE and (other.created_at, other.id) < (row.created_at, row.id)


def _is_last(session: ShopSession, order: Order, standing: Standing) -> bool:
    """Whether nothing of the order's money is left to take after this."""
    if standing.claimed + standing.released >= order.total:
        return True
    return not any(line.left for line in units_of(session, order.id).values())


def _record(
    batch: Batch,
    orders: Mapping[UUID, Order],
    known: Mapping[UUID, Payment],
    answers: Mapping[UUID, CaptureAnswer | Settled],
) -> dict[UUID, Outcome]:
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        answer = answers[row.id]
        if isinstance(answer, Settled):
            outcomes[row.id] = answer.outcome
            continue
        payment = known[orders[row.order_id].checkout_id]
        outcomes[row.id] = payments.record_capture(batch.session, payment, answer)
        if payments.needs_new_key(answer):
            row.key_attempt += 1
    return outcomes


def _leave(session: ShopSession, orders: Mapping[UUID, Order], rows: Sequence[Shipment]) -> None:
    """The units of these parcels are out of the reserved stock, once by their item."""
    if not rows:
        return
    items = items_of(session, [row.id for row in rows])
    inventory.fulfil(
        session,
        [
            Leaving(
                orders[row.order_id].checkout_id, item.sku_id, row.warehouse_id, item.qty, item.id
            )
            for row in rows
            for item in items[row.id]
        ],
    )
    for row in rows:
        row.units_left_at = func.shop_now()
