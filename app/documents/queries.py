"""What can be asked of invoices, and of what they are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, selectinload

from app.checkout.models import Checkout
from app.documents.errors import InvoiceNotFound
from app.documents.models import Invoice
from app.orders.amounts import LineUnits
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderItem
from app.orders.queries import units_of
from app.orders.states import OrderState
from app.payments.queries import payment_of_order
from app.payments.states import PaymentStatus
from app.shipping.models import Shipment
from app.shipping.states import ShipmentStatus

_TAKEN = (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED)


@dataclass(frozen=True)
class Owners:
    """To whom a confirmed order belongs: a person, or a guest's cart; and who sells it."""

    user_id: UUID | None
    cart_id: UUID
    merchant_ids: frozenset[UUID]


def owners_of(session: Session, order_id: UUID) -> Owners:
    """Who may see the papers of an order. Raises OrderNotFound, also while it is not confirmed."""
    merchants = (
        select(func.array_agg(OrderItem.merchant_id.distinct()))
        .where(OrderItem.order_id == Order.id)
        .scalar_subquery()
    )
    row = session.execute(
        select(Order.user_id, Checkout.cart_id, merchants.label("merchants"))
        .join(Checkout, Checkout.id == Order.checkout_id)
        .where(Order.id == order_id, Order.number.is_not(None))
    ).one_or_none()
    if row is None:
        raise OrderNotFound("There is no such order.")
    return Owners(row.user_id, row.cart_id, frozenset(row.merchants or ()))


def find_invoice(session: Session, invoice_id: UUID) -> Invoice:
    """One invoice. Raises InvoiceNotFound."""
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise InvoiceNotFound("There is no such invoice.")
    return invoice


def invoice_of(session: Session, order_id: UUID, merchant_id: UUID) -> Invoice | None:
    """The invoice of one merchant for its part of an order."""
    return session.scalar(
        select(Invoice).where(Invoice.order_id == order_id, Invoice.merchant_id == merchant_id)
    )


def invoices_of(
    session: Session, order_id: UUID, *, merchant_id: UUID | None = None
) -> Sequence[Invoice]:
    """The invoices of an order in the order in which they were issued; of one merchant alone."""
    wanted = select(Invoice).where(Invoice.order_id == order_id).order_by(Invoice.id)
    if merchant_id is not None:
        wanted = wanted.where(Invoice.merchant_id == merchant_id)
    return session.scalars(wanted).all()


def merchants_due(
    session: Session, order_id: UUID, units: Mapping[int, LineUnits] | None = None
) -> set[UUID]:
    """Whose goods of an order are paid and not invoiced.

    All merchants' are once the payment is taken, in whatever number of parts; before, and where
    there was nothing to pay, those of who has sent a parcel. Who sends nothing bills nothing.
    """
    order = session.get(Order, order_id)
    if order is None or order.state in (OrderState.CREATED, OrderState.CANCELED):
        return set()
    units = units_of(session, order_id) if units is None else units
    due = {each.merchant_id for each in units.values() if each.canceled < each.ordered}
    payment = payment_of_order(session, order_id)
    if payment is None or payment.status not in _TAKEN:
        due &= _senders(session, order_id)
    invoiced = select(Invoice.merchant_id).where(Invoice.order_id == order_id)
    return due - set(session.scalars(invoiced))


def order_of(session: Session, order_id: UUID, merchant_id: UUID) -> tuple[Order, dict[str, Any]]:
    """A confirmed order that this merchant sells a part of, locked, with its lines, and its frozen
    totals.

    Raises OrderNotFound.
    """
    row = session.execute(
        select(Order, Checkout.totals)
        .join(Checkout, Checkout.id == Order.checkout_id)
        .where(
            Order.id == order_id,
            Order.number.is_not(None),
            exists().where(OrderItem.order_id == Order.id, OrderItem.merchant_id == merchant_id),
        )
        .options(selectinload(Order.items))
        .with_for_update(of=Order)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise OrderNotFound("There is no such order.")
    return row[0], row[1] or {}


def supplied_at(session: Session, order_id: UUID, merchant_id: UUID) -> datetime | None:
    """When the first of a merchant's parcels left; None before."""
    return session.scalar(
        select(func.min(Shipment.units_left_at)).where(
            Shipment.order_id == order_id,
            Shipment.merchant_id == merchant_id,
            Shipment.status != ShipmentStatus.CANCELED,
        )
    )


def _senders(session: Session, order_id: UUID) -> set[UUID]:
    """Merchants whose first parcel's money was taken: its units have left the stock with it."""
    return set(
        session.scalars(
            select(Shipment.merchant_id).where(
                Shipment.order_id == order_id,
                Shipment.status != ShipmentStatus.CANCELED,
                Shipment.units_left_at.is_not(None),
            )
        )
    )
