"""The steps of a refund: the money first, then the units and the order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.events.outbox import announce
from app.inventory import service as inventory
from app.inventory.service import Receipt
from app.orders.events import RefundSettled, ReturnRefunded
from app.orders.going_back import refund_items, released_of, return_of_refund, under_way
from app.orders.models import Order
from app.orders.queries import lock_order, lock_orders, spare_units
from app.orders.service.refund_end import conclude
from app.payments import service as payments
from app.payments.models import Payment, Refund, RefundItem
from app.payments.queries import lock_payment, needs_void, shop_now
from app.payments.service import (
    Answer,
    RepayAnswer,
    Repaying,
    StillUnknown,
    Voiding,
    needs_new_key,
    psp_key,
)
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.saga.table import Batch, Done, Effect, Later, Outcome, Outcomes


@dataclass(frozen=True)
class Emptied:
    """What became of the rest of a hold of which everything taken had gone back before."""

    answer: Answer


def write_repayment(batch: Batch) -> Mapping[UUID, Repaying | Voiding]:
    """Write each key before anything is sent; where no money goes back nobody is asked."""
    known = _lock_payments(batch)
    now = shop_now(batch.session)
    wanted: dict[UUID, Repaying | Voiding] = {}
    for row in batch.rows:
        payment = known.get(row.id)
        if payment is None:
            continue
        key = psp_key("ref", row, "repay")
        empties = _empties(batch.session, row, payment)
        if row.amount:
            patience = batch.ports.terms.psp_seconds_max
            wanted[row.id] = payments.repaying(
                batch.session,
                row,
                payment,
                key=key,
                seconds_max=patience,
                closes=empties,
                now=now,
            )
        elif empties:
            wanted[row.id] = payments.voiding(batch.session, payment, key=key, now=now)
    return wanted


def ask_repayment(wanted: Repaying | Voiding, ports: Any) -> RepayAnswer | Emptied:
    """Give the money back; a repeat finds what the first did."""
    if isinstance(wanted, Voiding):
        return Emptied(payments.ask_void(wanted, ports.payments))
    return payments.ask_repay(wanted, ports.payments)


def record_repayment(batch: Batch, answers: Mapping[UUID, RepayAnswer | Emptied]) -> Outcomes:
    """Write down what became of it; a key that can only fail again makes place for the next."""
    known = _lock_payments(batch)
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        answer = answers[row.id]
        if needs_new_key(answer.answer if isinstance(answer, Emptied) else answer):
            row.key_attempt += 1
        if isinstance(answer, Emptied):
            outcomes[row.id] = _emptied(batch.session, known[row.id], answer.answer)
        else:
            outcomes[row.id] = payments.record_repay(batch.session, row, known[row.id], answer)
    return outcomes


REPAY = Effect(write_repayment, ask_repayment, record_repayment)


def settle(batch: Batch) -> Outcomes:
    """Units that never will be sent can be sold again, what came back lies on the shelf, and the
    order stands where its money stands."""
    batch.session.flush()  # what was just learned of the money must not be read over
    lock_orders(batch.session, [row.order_id for row in batch.rows])
    items = refund_items(batch.session, [row.id for row in batch.rows])
    skus: set[UUID] = set()
    for row in batch.rows:
        skus |= _settle(batch, row, items[row.id])
    if skus:
        batch.session.afterwards(lambda: batch.ports.gate.mark_dirty(skus))
    return {row.id: Done({"amount": row.amount}) for row in batch.rows}


def put_back(item: RefundItem) -> int:
    """How many units of it go on the shelf again: those astray, and those sent that came back."""
    return item.astray + (item.qty - item.unshipped if item.restock else 0)


def _lock_payments(batch: Batch) -> dict[UUID, Payment]:
    """The payment of each refund that has one, locked behind its order."""
    batch.session.flush()
    lock_orders(batch.session, [row.order_id for row in batch.rows])
    return {
        row.id: lock_payment(batch.session, row.payment_id)
        for row in sorted(batch.rows, key=lambda row: str(row.payment_id))
        if row.payment_id is not None
    }


def _empties(session: ShopSession, row: Refund, payment: Payment) -> bool:
    """Whether with this refund nothing of a hold is owed by anyone any more: what was never taken
    is let go with what was, or it would stand until the bank forgets it."""
    if not row.released or not payment.captured or payment.status != PaymentStatus.AUTHORIZED:
        return False
    held = payment.amount - payment.captured - released_of(session, payment.id)
    alone = under_way(session, row.order_id).refunds == 1
    return alone and held <= 0 and payments.refundable(session, payment) == 0


def _emptied(session: ShopSession, payment: Payment, answer: Answer) -> Outcome:
    payments.record_void(session, payment, answer)
    if needs_void(payment):
        return Later(str(answer.silence) if isinstance(answer, StillUnknown) else "pending")
    return Done({"payment": str(payment.status)})


def _settle(batch: Batch, row: Refund, items: list[RefundItem]) -> set[UUID]:
    session = batch.session
    order = lock_order(session, row.order_id)
    payment = None if row.payment_id is None else lock_payment(session, row.payment_id)
    skus = _move_units(batch, order, items)
    skus |= conclude(session, order, payment, actor="refund")
    announce(session, RefundSettled(refund_id=row.id, order_id=order.id))
    return_id = return_of_refund(session, row.id)
    if return_id is not None:
        announce(session, ReturnRefunded(return_id=return_id, order_id=order.id, refund_id=row.id))
    return skus


def _move_units(batch: Batch, order: Order, items: list[RefundItem]) -> set[UUID]:
    free: dict[UUID, int] = {}
    for item in items:
        free[item.sku_id] = free.get(item.sku_id, 0) + item.unshipped - item.astray
    spare = spare_units(batch.session, order)
    inventory.let_go(batch.session, order.checkout_id, free, spare=spare)
    receipts = [
        Receipt(item.sku_id, item.warehouse_id, qty, item.id, note="refund")
        for item in items
        if (qty := put_back(item)) and item.warehouse_id is not None
    ]
    inventory.put_back(batch.session, receipts)
    return {sku_id for sku_id, qty in free.items() if qty} | {each.sku_id for each in receipts}
