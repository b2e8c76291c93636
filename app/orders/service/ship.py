"""Send units of an order: one merchant's, from one warehouse, with their share of the money."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.catalog.models import Sku
from app.orders import amounts
from app.orders.amounts import LineUnits
from app.orders.errors import (
    CancellationUnderWay,
    LinesOfSeveralMerchants,
    OrderNotFound,
    OrderNotShippable,
    RefundUnderWay,
    UnitsNotLeft,
    UnknownLine,
)
from app.orders.models import Order
from app.orders.queries import Standing, lock_order, spare_units, standing_of, units_of
from app.orders.service.split import Places, choose
from app.orders.states import OrderState
from app.payments.models import Payment
from app.payments.queries import lock_payment, payment_of_order
from app.payments.service import refundable
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.saga import engine
from app.shipping import service as shipping
from app.shipping.models import Shipment
from app.shipping.queries import shipments_of
from app.shipping.rates import chosen, offers
from app.shipping.states import ShipmentStatus

_GONE = (PaymentStatus.VOIDED, PaymentStatus.FAILED, PaymentStatus.REFUNDED)


@dataclass(frozen=True)
class Wanted:
    """What is to be sent: units by line, or all that is left; how; from where. None chooses."""

    lines: Mapping[int, int] | None = None
    service: str | None = None
    warehouse_id: UUID | None = None


def ship(
    session: ShopSession,
    order_id: UUID,
    wanted: Wanted,
    *,
    merchant_id: UUID | None,
    carrier: str,
    actor: str,
) -> Shipment:
    """Begin a parcel of an order; money, label and letter follow by its saga.

    `merchant_id` is whose units may be sent, None for anyone's (of one merchant a parcel). Refuses
    as the checks below, `split` and `shipping.rates` do.
    """
    order = lock_order(session, order_id)
    units, standing = units_of(session, order.id), standing_of(session, order.id)
    payment = _payment(session, order)
    mine = _of_one_merchant(units, wanted.lines, merchant_id)
    _check_open(order, payment, standing)
    place, parts = choose(
        _still_there(mine, wanted.lines),
        Places(spare_units(session, order), {line.line: line.sku_id for line in mine.values()}),
        warehouse_id=wanted.warehouse_id,
        may_be_less=wanted.lines is None,
    )
    sender = next(iter(mine.values())).merchant_id
    amount = _amount(session, order, units, parts, sender, payment, standing)
    _check_paid(session, payment, amount)
    shipment = Shipment(
        order_id=order.id,
        merchant_id=sender,
        warehouse_id=place,
        carrier=carrier,
        service=check_service(session, order, sender, parts, wanted.service),
        amount=amount,
        currency=order.currency,
        actor=actor,
    )
    engine.start(session, "fulfilment", shipment)
    return shipping.pack(session, shipment, [(n, mine[n].sku_id, parts[n]) for n in sorted(parts)])


def check_service(
    session: ShopSession,
    order: Order,
    merchant_id: UUID,
    parts: Mapping[int, int],
    service: str | None,
) -> str:
    """The service a parcel goes by: the one asked for, else the one the shopper chose.

    Raises UnknownShippingService where the merchant offers it no more, before money is taken for
    a parcel nobody would carry; and as `shipping.rates.offers` does.
    """
    offered = offers(
        session,
        merchants={merchant_id: weight_of(session, order, parts)},
        country=str(order.address["country"]),
        currency=order.currency,
    )
    return chosen(offered, service or order.shipping_service).service


def weight_of(session: ShopSession, order: Order, parts: Mapping[int, int]) -> int:
    """The grams of units by line."""
    units = {item.sku_id: parts[item.line] for item in order.items if item.line in parts}
    weights = session.execute(select(Sku.id, Sku.weight_g).where(Sku.id.in_(units)))
    return sum(units[sku_id] * grams for sku_id, grams in weights)


def _of_one_merchant(
    units: Mapping[int, LineUnits], lines: Mapping[int, int] | None, merchant_id: UUID | None
) -> dict[int, LineUnits]:
    """The lines a parcel may be made of: those named, or all, of the one merchant they are of."""
    mine = {n: line for n, line in units.items() if merchant_id in (None, line.merchant_id)}
    if not mine:
        raise OrderNotFound("There is no such order.")
    unknown = sorted(set(lines or ()) - mine.keys())
    if unknown:
        raise UnknownLine(f"The order has no line {unknown[0]} to send.", lines=unknown)
    named = {n: line for n, line in mine.items() if lines is None or n in lines}
    if len({line.merchant_id for line in named.values()}) > 1:
        raise LinesOfSeveralMerchants("A parcel holds lines of one merchant: name them.")
    return named


def _check_open(order: Order, payment: Payment | None, standing: Standing) -> None:
    if standing.canceling:
        raise CancellationUnderWay("The order was canceled.")
    if order.state != OrderState.CONFIRMED:
        raise OrderNotShippable(f"The order is {order.state}.", state=str(order.state))
    if payment is not None and payment.status in _GONE:
        raise OrderNotShippable(
            f"Its payment is {payment.status}.",
            state=str(order.state),
            payment=str(payment.status),
        )
    if payment is not None and payment.status == PaymentStatus.CAPTURED:
        missing = order.total - standing.released - payment.captured
        if missing > 0:
            raise OrderNotShippable(
                "What was held for the rest has lapsed before it was taken.",
                state=str(order.state),
                payment=str(payment.status),
                missing=missing,
            )


def _payment(session: ShopSession, order: Order) -> Payment | None:
    """The payment of a locked order; locked too where money was taken, which may be going back."""
    payment = payment_of_order(session, order.id)
    if payment is None or not payment.captured:
        return payment
    return lock_payment(session, payment.id)


def _check_paid(session: ShopSession, payment: Payment | None, amount: int) -> None:
    """What takes nothing is paid by what was taken before: some of that must be there still."""
    if payment is None or amount or not payment.captured:
        return
    if not refundable(session, payment):
        raise RefundUnderWay("All the money that was taken for it is on its way back.")


def _still_there(mine: Mapping[int, LineUnits], lines: Mapping[int, int] | None) -> dict[int, int]:
    """The units to be sent, by line. Raises UnitsNotLeft."""
    if lines is None:
        left = {n: line.left for n, line in mine.items() if line.left > 0}
        if not left:
            raise UnitsNotLeft("Nothing of it is left to be shipped.", lines=[])
        return left
    short = [
        {"line": n, "wanted": qty, "left": mine[n].left}
        for n, qty in sorted(lines.items())
        if qty > mine[n].left
    ]
    if short:
        raise UnitsNotLeft("Not so many units are left to be shipped.", lines=short)
    return dict(lines)


def _amount(
    session: ShopSession,
    order: Order,
    units: Mapping[int, LineUnits],
    parts: Mapping[int, int],
    merchant_id: UUID,
    payment: Payment | None,
    standing: Standing,
) -> int:
    """The money this parcel takes: none where all of it is taken, or will be, by something else."""
    if payment is None or payment.status == PaymentStatus.CAPTURED or standing.capturing:
        return 0
    left_to_take = max(order.total - standing.claimed - standing.released, 0)
    if not payment.multicapture:
        return 0 if standing.claimed else left_to_take
    # Who shipped before has taken the merchant's shipping along; who was called off unpaid has not.
    first = not any(
        parcel.status != ShipmentStatus.CANCELED or parcel.amount
        for parcel in shipments_of(session, [order.id], merchant_id=merchant_id)
    )
    return amounts.of_parcel(
        order,
        units,
        parts,
        left_to_take=left_to_take,
        shipping=amounts.shipping_of(order, merchant_id) if first else 0,
    )
