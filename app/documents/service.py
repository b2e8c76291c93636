"""Invoices are issued here: one for each merchant of an order, numbered without a gap.

The number is drawn under the lock of the merchant's counter, in the transaction that writes the
invoice: whoever issues next waits for its outcome, and a rollback takes the number back with it.
"""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.settings import settings_of
from app.documents import figures, queries
from app.documents.errors import NothingToBill, OrderCanceled
from app.documents.models import Invoice, InvoiceCounter
from app.orders.amounts import LineUnits
from app.orders.models import Order
from app.orders.queries import units_of
from app.orders.states import OrderState
from app.payments.queries import shop_now
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.metrics import INVOICES


def issue_due(session: ShopSession, order_id: UUID) -> list[Invoice]:
    """Issue what is due of an order by `queries.merchants_due`; asked again it issues nothing."""
    return [
        issue(session, order_id, merchant_id=merchant_id)
        for merchant_id in sorted(queries.merchants_due(session, order_id))
    ]


def issue(session: ShopSession, order_id: UUID, *, merchant_id: UUID) -> Invoice:
    """The merchant's invoice for its part of an order: the one there is, or a new one.

    It bills the units that were sent or still will be, and is issued once they are due: whoever
    cancels or refunds meanwhile waits for the order. Raises OrderNotFound where the merchant sells
    nothing of it, OrderCanceled, NothingToBill.
    """
    order, totals = queries.order_of(session, order_id, merchant_id)
    _lock_counter(session, merchant_id)
    issued = queries.invoice_of(session, order_id, merchant_id)
    if issued is not None:
        return issued
    units = _due_units(session, order, merchant_id)
    now, number = shop_now(session), _draw_number(session, merchant_id)
    printed = figures.of_invoice(
        order,
        merchant_id,
        seller=settings_of(session, merchant_id),
        number=number,
        totals=totals,
        canceled={line: each.canceled for line, each in units.items()},
        issued_at=now,
        supplied_at=queries.supplied_at(session, order_id, merchant_id),
    )
    invoice = Invoice(
        id=new_id(),
        merchant_id=merchant_id,
        order_id=order_id,
        number=number,
        total=printed["totals"]["total"],
        currency=order.currency,
        figures=printed,
        issued_at=now,
    )
    session.add(invoice)
    session.afterwards(INVOICES.inc)
    session.flush()  # an append-only row: it is written before anybody can change what was read
    return invoice


def _due_units(session: ShopSession, order: Order, merchant_id: UUID) -> dict[int, LineUnits]:
    if order.state is OrderState.CANCELED:
        raise OrderCanceled("The order was canceled: there is nothing to pay for.")
    units = units_of(session, order.id)
    if merchant_id not in queries.merchants_due(session, order.id, units):
        raise NothingToBill("Nothing of it was paid or sent yet.")
    return units


def _lock_counter(session: ShopSession, merchant_id: UUID) -> None:
    first = insert(InvoiceCounter).values(merchant_id=merchant_id, last=0)
    session.execute(first.on_conflict_do_nothing())
    session.execute(
        select(InvoiceCounter.last)
        .where(InvoiceCounter.merchant_id == merchant_id)
        .with_for_update()
    )


def _draw_number(session: ShopSession, merchant_id: UUID) -> int:
    drawn: int = session.execute(
        update(InvoiceCounter)
        .where(InvoiceCounter.merchant_id == merchant_id)
        .values(last=InvoiceCounter.last + 1)
        .returning(InvoiceCounter.last)
    ).scalar_one()
    return drawn
