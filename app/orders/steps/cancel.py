"""The steps of a cancellation: the order closed and its units let go, then its money."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.events.outbox import announce
from app.inventory import ledger
from app.inventory import service as inventory
from app.orders import going_back
from app.orders.events import OrderCanceled
from app.orders.models import Order
from app.orders.queries import lock_orders
from app.orders.service import move
from app.orders.service.cancel import EXPIRY
from app.orders.service.rest import put_astray_back
from app.orders.states import ORDER, OrderState
from app.payments import service as payments
from app.payments.models import Payment
from app.payments.queries import lock_payment, needs_void, payment_of_order, shop_now
from app.payments.service import Answer, StillUnknown, Voiding, needs_new_key, psp_key
from app.platform.db import ShopSession
from app.platform.metrics import CANCELLATIONS
from app.saga.table import Batch, Done, Effect, Later, Outcome, Outcomes, Refused


def close(batch: Batch) -> Outcomes:
    """The pivot: the order is canceled, its units can be sold again, the world told; one
    commit."""
    orders = lock_orders(batch.session, [row.order_id for row in batch.rows])
    outcomes: dict[UUID, Outcome] = {}
    closed: list[Order] = []
    expired: set[UUID] = set()
    for row in batch.rows:
        order = orders[row.order_id]
        if not _may_close(batch.session, order):
            outcomes[row.id] = Refused("shipment_under_way", "Something of it is on its way.")
            continue
        reason = _code(row)
        move(batch.session, order, OrderState.CANCELED, actor=row.actor, reason=reason)
        announce(batch.session, OrderCanceled(order_id=order.id, reason=reason))
        closed.append(order)
        if row.actor == EXPIRY:
            expired.add(order.checkout_id)
        outcomes[row.id] = Done()
    _let_units_go(batch, closed, expired)
    return outcomes


def write_repayment(batch: Batch) -> Mapping[UUID, Voiding]:
    """What still stands of the money is voided, or given back where it was taken; nobody is asked
    where nothing does."""
    known = _lock_payments(batch)
    standing = {
        row.id: known[row.id] for row in batch.rows if row.id in known and needs_void(known[row.id])
    }
    if not standing:
        return {}
    now = shop_now(batch.session)
    return {
        row.id: payments.voiding(
            batch.session, standing[row.id], key=psp_key("can", row, "repay"), now=now
        )
        for row in batch.rows
        if row.id in standing
    }


def ask_repayment(wanted: Voiding, ports: Any) -> Answer:
    """Let the money go, or give it back in full where it was taken meanwhile."""
    return payments.ask_void(wanted, ports.payments)


def record_repayment(batch: Batch, answers: Mapping[UUID, Answer]) -> Outcomes:
    """Write down what became of it; a key that can only fail again makes place for the next."""
    known = _lock_payments(batch)
    outcomes: dict[UUID, Outcome] = {}
    for row in batch.rows:
        answer = answers[row.id]
        payment = payments.record_void(batch.session, known[row.id], answer)
        if needs_new_key(answer):
            row.key_attempt += 1
        outcomes[row.id] = (
            Later(str(answer.silence) if isinstance(answer, StillUnknown) else "pending")
            if needs_void(payment)
            else Done({"payment": str(payment.status)})
        )
    return outcomes


def settle(batch: Batch) -> Outcomes:
    """Nothing is held and nothing is owed any more."""
    for row in batch.rows:
        batch.session.afterwards(CANCELLATIONS.labels(actor=row.actor.partition(":")[0]).inc)
    return {row.id: Done() for row in batch.rows}


REPAY = Effect(write_repayment, ask_repayment, record_repayment)


def _code(row: Any) -> str:
    """Why, in a word: what people typed stays in their own row, for journals are never blanked."""
    return str(row.reason) if row.actor == EXPIRY else f"{row.actor.partition(':')[0]}_request"


def _may_close(session: ShopSession, order: Order) -> bool:
    if not ORDER.may(order.state, OrderState.CANCELED):
        return False
    return not going_back.under_way(session, order.id).parcels


def _let_units_go(batch: Batch, closed: list[Order], expired: set[UUID]) -> None:
    if not closed:
        return
    batch.session.flush()
    order_ids = [order.id for order in closed]
    skus = going_back.skus_of(batch.session, order_ids)
    ledger.lock(batch.session, skus)  # all at once: what is let go and what lies astray
    inventory.release(batch.session, [order.checkout_id for order in closed], expired=expired)
    put_astray_back(batch.session, order_ids)
    batch.session.afterwards(lambda: batch.ports.gate.mark_dirty(skus))


def _lock_payments(batch: Batch) -> dict[UUID, Payment]:
    """The payment of each cancellation that has one, locked behind its order."""
    batch.session.flush()
    lock_orders(batch.session, [row.order_id for row in batch.rows])
    found = {row.id: payment_of_order(batch.session, row.order_id) for row in batch.rows}
    return {
        saga_id: lock_payment(batch.session, payment.id)
        for saga_id, payment in found.items()
        if payment is not None
    }
