"""Confirmed orders written row by row, for tests that need many of them, or odd ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.events.outbox import announce
from app.inventory import service as inventory
from app.inventory.models import Reservation
from app.inventory.service import Leaving, Want
from app.orders import service as orders
from app.orders.events import OrderCreated, OrderShipped
from app.orders.models import Order, OrderItem, OrderTransition
from app.orders.states import OrderState
from app.payments.events import PaymentAuthorized, PaymentCaptured
from app.payments.models import Payment
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.platform.ids import encode, new_id
from app.saga.models import SagaJournal
from app.saga.states import JournalEvent, SagaState
from app.shipping.events import ShipmentCreated
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus
from tests.factories import make_checkout, make_order, make_payment

PURCHASE_STEPS = ("reserve", "price", "authorize", "confirm")


@dataclass(frozen=True)
class Line:
    """Units of a SKU, and what the line cost in minor units: any amount, divisible or not."""

    sku: Sku
    qty: int
    discount: int = 0


def sell(
    session: ShopSession,
    lines: Sequence[Line],
    *,
    shipping: Mapping[UUID, int] | None = None,
    multicapture: bool = True,
) -> Order:
    """A confirmed order whose money and units are held, as a checkout leaves it."""
    return sell_many(session, lines, times=1, shipping=shipping, multicapture=multicapture)[0]


def sell_many(
    session: ShopSession,
    lines: Sequence[Line],
    *,
    times: int,
    shipping: Mapping[UUID, int] | None = None,
    multicapture: bool = True,
) -> list[Order]:
    """So many orders of the same, each by a guest of its own, confirmed as one batch."""
    made = [_priced(session, lines, shipping or {}) for _ in range(times)]
    units = {line.sku.id: line.qty for line in lines}
    checkouts = [order.checkout_id for order in made]
    inventory.reserve(session, [Want(each, None, units) for each in checkouts], seconds=900)
    inventory.hold(session, checkouts)
    for order in made:
        if order.total:
            _hold(session, order, multicapture=multicapture)
    orders.confirm(session, [order.id for order in made], actor="checkout")
    session.execute(
        update(Checkout).where(Checkout.id.in_(checkouts)).values(state=SagaState.CONFIRMED)
    )
    session.add_all(_journal(each, step) for each in checkouts for step in PURCHASE_STEPS)
    session.flush()
    return made


def pay(session: ShopSession, sold: Sequence[Order]) -> None:
    """The money of these orders is taken."""
    paid = Payment.order_id.in_([order.id for order in sold])
    for payment in session.scalars(select(Payment).where(paid)):
        payment.status, payment.captured = PaymentStatus.CAPTURED, payment.amount
        announce(
            session,
            PaymentCaptured(
                payment.id,
                payment.order_id,
                payment.checkout_id,
                payment.amount,
                payment.currency,
            ),
        )


def send(session: ShopSession, sold: Sequence[Order]) -> None:
    """All of each order has left in one parcel that took its money; orders of one line, of which
    all units lie in one warehouse."""
    by_id = {order.id: order for order in sold}
    lines = session.scalars(select(OrderItem).where(OrderItem.order_id.in_(by_id))).all()
    place = session.scalars(
        select(Reservation.warehouse_id).where(Reservation.sku_id == lines[0].sku_id).limit(1)
    ).one()
    parcels = [_parcel(line, place, by_id[line.order_id].total) for line in lines]
    session.add_all(parcels)
    session.flush()
    units = [
        ShipmentItem(
            shipment_id=parcel.id,
            order_id=line.order_id,
            line=line.line,
            sku_id=line.sku_id,
            qty=line.qty,
        )
        for parcel, line in zip(parcels, lines, strict=True)
    ]
    session.add_all(units)
    session.flush()
    inventory.fulfil(
        session,
        [
            Leaving(by_id[each.order_id].checkout_id, each.sku_id, place, each.qty, each.id)
            for each in units
        ],
    )
    for parcel in parcels:
        orders.move(session, by_id[parcel.order_id], OrderState.SHIPPED, actor="ops", reason="sent")
        announce(session, ShipmentCreated(shipment_id=parcel.id, order_id=parcel.order_id))
        announce(session, OrderShipped(parcel.order_id))
        session.add_all(
            _journal(parcel.id, step, "fulfilment") for step in ("capture", "label", "notify")
        )


def _parcel(line: OrderItem, place: UUID, amount: int) -> Shipment:
    return Shipment(
        id=new_id(),
        order_id=line.order_id,
        merchant_id=line.merchant_id,
        warehouse_id=place,
        carrier="table",
        service="standard",
        amount=amount,
        currency="EUR",
        actor="ops",
        status=ShipmentStatus.SHIPPED,
        units_left_at=func.shop_now(),
        shipped_at=func.shop_now(),
        tracking_number=line.order_id.hex,
        step="notify",
        state=SagaState.CONFIRMED,
        deadline=func.shop_now(),
    )


def _priced(session: ShopSession, lines: Sequence[Line], shipping: Mapping[UUID, int]) -> Order:
    parts = [
        {"merchant_id": encode("mer", merchant), "price": price, "tax": 0, "tax_included": 0}
        | {"total": price}
        for merchant, price in shipping.items()
    ]
    amounts: dict[str, Any] = {
        "items_total": sum(line.sku.price * line.qty for line in lines),
        "discount": sum(line.discount for line in lines),
        "shipping": sum(shipping.values()),
    }
    total = amounts["items_total"] - amounts["discount"] + amounts["shipping"]
    wanted = [{"sku_id": str(line.sku.id), "qty": line.qty} for line in lines]
    checkout = make_checkout(session, lines=wanted, step="confirm", totals={"total": total})
    order = make_order(
        session,
        checkout=checkout,
        total=total,
        shipping_lines=parts,
        shipping_service="standard",
        **amounts,
    )
    session.add(
        OrderTransition(
            order_id=order.id, to_state=OrderState.CREATED, actor="checkout", reason="priced"
        )
    )
    announce(session, OrderCreated(order_id=order.id, checkout_id=checkout.id))
    session.add_all(_items(order, lines))
    return order


def _items(order: Order, lines: Sequence[Line]) -> list[OrderItem]:
    return [
        OrderItem(
            order_id=order.id,
            line=number,
            sku_id=line.sku.id,
            merchant_id=line.sku.merchant_id,
            name="Walking boot",
            code=line.sku.code,
            qty=line.qty,
            price_snapshot=line.sku.price,
            discount=line.discount,
        )
        for number, line in enumerate(lines, start=1)
    ]


def _hold(session: Session, order: Order, *, multicapture: bool) -> Payment:
    payment = make_payment(
        session,
        order=order,
        status=PaymentStatus.AUTHORIZED,
        psp_ref=f"pi_{order.id.hex}",
        multicapture=multicapture,
        updated_at=func.shop_now(),
    )
    announce(
        session,
        PaymentAuthorized(
            payment.id, order.id, payment.checkout_id, payment.amount, payment.currency
        ),
    )
    return payment


def _journal(saga_id: UUID, step: str, kind: str = "purchase") -> SagaJournal:
    return SagaJournal(
        saga_kind=kind,
        saga_id=saga_id,
        step=step,
        event=JournalEvent.SUCCEEDED,
        attempt=1,
    )
