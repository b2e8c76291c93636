"""The steps of a refund: the money first, then the units and the order."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.events.outbox import announce
from app.inventory import ledger
from app.inventory import service as inventory
from app.inventory.service import Receipt
from app.orders.events import RefundFailed, RefundSettled, ReturnRefunded
from app.orders.going_back import (
    refund_items,
    released_of,
    return_of_refund,
    skus_of,
    under_way,
)
from app.orders.models import Order
from app.orders.queries import (
    REFUND_IS_MADE,
    UNDONE,
    lock_order,
    lock_orders,
    spare_units,
    units_of,
)
from app.orders.service.refund_end import conclude
from app.orders.service.rest import let_rest_go
from app.orders.states import AT_END
from app.payments import service as payments
from app.payments.models import Payment, Refund, RefundItem
from app.payments.ports import Hold
from app.payments.queries import lock_payment, shop_now
from app.payments.service import (
    CloseAnswer,
    Closing,
    RepayAnswer,
    Repaying,
    StillUnknown,
    needs_new_key,
    psp_key,
)
from app.payments.service.bounced import INCIDENT
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.platform.ids import encode
from app.platform.metrics import RETURNS
from app.saga.incidents import open_incident
from app.saga.table import Batch, Done, Effect, Outcome, Outcomes


def write_repayment(batch: Batch) -> Mapping[UUID, Repaying | Closing]:
    """Write each key before anything is sent; where no money goes back nobody is asked, but to let
    go of a hold nobody is going to take any more of."""
    known = _lock_payments(batch)
    now = shop_now(batch.session)
    wanted: dict[UUID, Repaying | Closing] = {}
    for row in batch.rows:
        payment = known.get(row.id)
        if payment is None:
            continue
        key = psp_key("ref", row, "repay")
        closes = _is_last_of_hold(batch.session, row, payment)
        if row.amount:
            patience = batch.ports.terms.psp_seconds_max
            wanted[row.id] = payments.repaying(
                batch.session,
                row,
                payment,
                key=key,
                seconds_max=patience,
                closes=closes,
                now=now,
            )
        elif closes:
            wanted[row.id] = payments.closing(payment, key=key)
    return wanted


def ask_repayment(wanted: Repaying | Closing, ports: Any) -> RepayAnswer | CloseAnswer:
    """Give the money back; a repeat finds what the first did."""
    if isinstance(wanted, Closing):
        return payments.ask_close(wanted, ports.payments)
    return payments.ask_repay(wanted, ports.payments)


def record_repayment(batch: Batch, answers: Mapping[UUID, RepayAnswer | CloseAnswer]) -> Outcomes:
    """Write down what became of it; a key that can only fail again makes place for the next."""
    known = _lock_payments(batch)
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        answer = answers[row.id]
        if needs_new_key(answer):
            row.key_attempt += 1
        if isinstance(answer, Hold) or (isinstance(answer, StillUnknown) and not row.amount):
            outcomes[row.id] = payments.record_close(batch.session, known[row.id], answer)
        else:
            outcomes[row.id] = payments.record_repay(batch.session, row, known[row.id], answer)
    return outcomes


REPAY = Effect(write_repayment, ask_repayment, record_repayment)


def settle(batch: Batch) -> Outcomes:
    """Units that never will be sent can be sold again, what came back lies on the shelf, and the
    order stands where its money stands."""
    known = _lock_payments(batch)  # what was just learned of the money must not be read over
    ledger.lock(batch.session, skus_of(batch.session, [row.order_id for row in batch.rows]))
    items = refund_items(batch.session, [row.id for row in batch.rows])
    skus: set[UUID] = set()
    for row in batch.rows:
        skus |= _settle(batch, row, known.get(row.id), items[row.id])
    if skus:
        batch.session.afterwards(lambda: batch.ports.gate.mark_dirty(skus))
    return {row.id: Done({"amount": row.amount}) for row in batch.rows}


def told_at_end(batch: Batch) -> None:
    """A refund its provider will not make: nothing moved, and a person hears of the money that was
    promised. What its order was to let go by it is let go by itself where that is at its end."""
    orders = lock_orders(batch.session, [row.order_id for row in batch.rows])
    skus: set[UUID] = set()
    for row in batch.rows:
        if orders[row.order_id].state in AT_END:
            skus |= let_rest_go(batch.session, orders[row.order_id])
        announce(batch.session, RefundFailed(order_id=row.order_id, refund_id=row.id))
        return_id = return_of_refund(batch.session, row.id)
        failure = row.failure or {}
        about = {"order": encode("ord", row.order_id), "code": failure.get("code")}
        if return_id is not None:
            about["return"] = encode("ret", return_id)
        money = {"amount": row.amount, "currency": row.currency, "reason": failure.get("detail")}
        open_incident(
            batch.session,
            kind=INCIDENT,
            subject=str(row.id),
            detail={"saga": "refund"} | about | money,
        )
    if skus:
        batch.session.afterwards(lambda: batch.ports.gate.mark_dirty(skus))


def put_back(item: RefundItem) -> int:
    """How many units of it go on the shelf again: those astray, and those sent that came back."""
    return item.astray + (item.qty - item.unshipped - item.at_home if item.restock else 0)


def _lock_payments(batch: Batch) -> dict[UUID, Payment]:
    """The payment of each refund that has one, locked behind its order."""
    batch.session.flush()
    lock_orders(batch.session, [row.order_id for row in batch.rows])
    return {
        row.id: lock_payment(batch.session, row.payment_id)
        for row in sorted(batch.rows, key=lambda row: str(row.payment_id))
        if row.payment_id is not None
    }


def _is_last_of_hold(session: ShopSession, row: Refund, payment: Payment) -> bool:
    """Whether with this refund nobody is going to take any more of a hold taken in part: its rest
    is let go, or it would stand until the bank forgets it."""
    if payment.status != PaymentStatus.AUTHORIZED or not payment.captured:
        return False
    if _others_may_fail(session, row):
        return False
    left = payment.amount - payment.captured - released_of(session, payment.id)
    return left <= 0 or not _is_to_be_sent(session, row.order_id)


def _others_may_fail(session: ShopSession, row: Refund) -> bool:
    """Whether another refund under way may yet fail, and what it released be taken after all."""
    found = session.scalar(
        select(Refund.id)
        .where(
            Refund.order_id == row.order_id,
            Refund.id != row.id,
            Refund.state.not_in(UNDONE),
            Refund.amount > 0,
            Refund.released > 0,
            ~REFUND_IS_MADE,
        )
        .limit(1)
    )
    return found is not None


def _is_to_be_sent(session: ShopSession, order_id: UUID) -> bool:
    if under_way(session, order_id).preparing:
        return True
    return any(units.left for units in units_of(session, order_id).values())


def _settle(
    batch: Batch, row: Refund, payment: Payment | None, items: list[RefundItem]
) -> set[UUID]:
    session = batch.session
    session.flush()
    order = lock_order(session, row.order_id)
    skus = _move_units(batch, order, items)
    skus |= conclude(session, order, payment, actor="refund")
    announce(session, RefundSettled(refund_id=row.id, order_id=order.id))
    return_id = return_of_refund(session, row.id)
    if return_id is not None:
        announce(session, ReturnRefunded(return_id=return_id, order_id=order.id, refund_id=row.id))
        session.afterwards(RETURNS.labels(outcome="refunded").inc)
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
