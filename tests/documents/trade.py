"""Orders as checkouts write them, and what comes after, row by row and without the sagas."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Merchant
from app.catalog.models import Product, Sku
from app.orders import service as orders
from app.orders.models import Order, OrderItem
from app.payments.models import Payment, Refund, RefundItem
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.pricing.promotions import Reduction
from app.pricing.tax import Rate, TaxTable
from app.pricing.totals import PricedLine, ShippingCharge, ShippingPart, Totals, compute
from app.saga.models import SagaJournal
from app.saga.states import JournalEvent, SagaState
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus
from tests.factories import make_checkout, make_payment

INCLUDED = Rate("MwSt.", 190_000, included=True)
REDUCED = Rate("MwSt.", 70_000, included=True)
ADDED = Rate("Sales tax", 82_500, included=False)


def priced(
    lines: Sequence[PricedLine],
    *,
    rates: Mapping[str, Rate] | None = None,
    shipping: int = 490,
    discount: int = 0,
) -> Totals:
    """The totals of these lines; every merchant sends a parcel for the same price."""
    known = {"standard": INCLUDED, "reduced": REDUCED} | dict(rates or {})
    parts = [ShippingPart(merchant, shipping) for merchant in dict.fromkeys(_sellers(lines))]
    return compute(
        lines,
        shipping=ShippingCharge("standard", tuple(parts)) if shipping else None,
        taxes=TaxTable("DE", rates={(None, code): rate for code, rate in known.items()}),
        reduction=Reduction(discount=discount),
    )


def order_of(totals: Totals, names: Sequence[str], **given: Any) -> Order:
    """An order with these totals and its lines, not written anywhere."""
    values: dict[str, Any] = {
        "id": new_id(), "currency": "EUR", "number": None, "locale": "en",
        "items_total": totals.items_total, "shipping": totals.shipping,
        "discount": totals.discount, "tax": totals.tax, "tax_included": totals.tax_included,
        "total": totals.total, "shipping_service": totals.shipping_service,
        "shipping_lines": [part.as_json() for part in totals.shipping_lines],
    }  # fmt: skip
    order = Order(**values | given)
    order.items = [
        OrderItem(
            order_id=order.id,
            line=line.line,
            sku_id=line.sku_id,
            merchant_id=line.merchant_id,
            name=name,
            code=f"CODE-{line.line}",
            qty=line.qty,
            price_snapshot=line.price,
            discount=line.discount,
            tax=line.tax,
            tax_included=line.tax_included,
        )
        for line, name in zip(totals.lines, names, strict=True)
    ]
    return order


def sell(session: ShopSession, *wanted: tuple[Sku, int], **given: Any) -> Order:
    """A confirmed order of so many units of these SKUs, with its checkout and its frozen totals."""
    terms = {name: given.pop(name) for name in ("rates", "shipping", "discount") if name in given}
    lines = [
        PricedLine(sku.id, sku.merchant_id, qty, sku.price, sku.tax_code) for sku, qty in wanted
    ]
    totals = priced(lines, **terms)
    checkout = make_checkout(
        session, user_id=given.get("user_id"), totals=totals.as_json(), state=SagaState.CONFIRMED
    )
    ids = [sku.product_id for sku, _ in wanted]
    products = {row.id: row for row in session.scalars(select(Product).where(Product.id.in_(ids)))}
    about = {"checkout_id": checkout.id, "email": checkout.email, "address": checkout.address}
    names = [products[product_id].name for product_id in ids]
    order = order_of(totals, names, **about | given)
    orders.create(session, order, order.items)
    orders.confirm(session, [order.id], actor="test")
    checkout.order_id = order.id
    session.flush()
    return order


def pay(session: Session, order: Order, *, taken: int | None = None, **given: Any) -> Payment:
    """Its payment, of which so much was taken: all, or some of a hold taken in parts."""
    taken = order.total if taken is None else taken
    status = PaymentStatus.CAPTURED if taken == order.total else PaymentStatus.AUTHORIZED
    values = {"psp_ref": f"pi_{order.number}", "captured": taken, "status": status}
    return make_payment(session, order=order, **values | {"multicapture": True} | given)


def send(
    session: Session, order: Order, merchant_id: UUID, *, amount: int = 0, **given: Any
) -> Shipment:
    """A parcel with all that a merchant sells of an order, whose money was taken with it."""
    warehouse_id = session.get_one(Merchant, merchant_id).default_warehouse_id
    values: dict[str, Any] = {
        "id": new_id(), "order_id": order.id, "merchant_id": merchant_id,
        "warehouse_id": warehouse_id, "status": ShipmentStatus.SHIPPED, "carrier": "DHL",
        "service": "standard", "amount": amount, "currency": order.currency, "actor": "test",
        "state": SagaState.CONFIRMED, "step": "notify", "units_left_at": func.shop_now(),
        "deadline": func.shop_now() + timedelta(days=1),
    }  # fmt: skip
    parcel = Shipment(**values | given)
    session.add(parcel)
    session.flush()
    session.add_all(
        ShipmentItem(
            shipment_id=parcel.id,
            order_id=order.id,
            line=item.line,
            sku_id=item.sku_id,
            qty=item.qty,
        )
        for item in order.items
        if item.merchant_id == merchant_id
    )
    if amount:
        session.add(_succeeded("fulfilment", parcel.id, "capture"))
    session.flush()
    return parcel


def refund(
    session: Session, payment: Payment, *, amount: int, unshipped: Sequence[OrderItem] = ()
) -> Refund:
    """Money given back, of which the payment knows; perhaps for lines that never left."""
    identity = new_id()
    back = Refund(
        id=identity,
        order_id=payment.order_id,
        payment_id=payment.id,
        amount=amount,
        currency=payment.currency,
        reason="broken",
        actor="test",
        idempotency_key=f"{identity}:repay:1",
        state=SagaState.CONFIRMED,
        step="settle",
        deadline=func.shop_now(),
    )
    session.add(back)
    session.flush()
    session.add_all(
        RefundItem(
            refund_id=identity,
            order_id=item.order_id,
            line=item.line,
            sku_id=item.sku_id,
            qty=item.qty,
            unshipped=item.qty,
            amount=item.total,
        )
        for item in unshipped
    )
    session.add(_succeeded("refund", identity, "repay"))
    payment.refunded += amount
    session.flush()
    return back


def _succeeded(kind: str, identity: UUID, step: str) -> SagaJournal:
    done = JournalEvent.SUCCEEDED
    return SagaJournal(saga_kind=kind, saga_id=identity, step=step, event=done, attempt=1)


def _sellers(lines: Sequence[PricedLine]) -> list[UUID]:
    return [line.merchant_id for line in lines]
