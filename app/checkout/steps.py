"""The steps of a purchase, each beside its undo; all are safe to repeat."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.checkout import quote
from app.checkout.authorization import AUTHORIZE, VOID
from app.checkout.events import CheckoutExpired, CheckoutFailed
from app.checkout.models import Checkout
from app.events.outbox import announce
from app.inventory import ledger
from app.inventory import service as inventory
from app.inventory.service import Shortage, Want
from app.orders import service as orders
from app.orders.models import Order, OrderItem
from app.platform.errors import DomainError
from app.platform.ids import encode, new_id
from app.platform.metrics import CHECKOUT_FAILURES, CHECKOUT_FUNNEL
from app.pricing import service as coupons
from app.pricing.promotions import Terms, customer_key
from app.pricing.queries import coupon_terms
from app.pricing.service import Take
from app.pricing.totals import Totals
from app.saga.states import SagaState
from app.saga.table import Batch, Done, Outcome, Outcomes, Refused, end_of
from app.shipping.ports import CarrierRate

__all__ = [
    "AUTHORIZE", "VOID", "cancel_order", "confirm", "give_cart_back", "price", "rates", "release",
    "reserve",
]  # fmt: skip


def reserve(batch: Batch) -> Outcomes:
    """Hold the units: the final gate. Those that do not fit fail alone and gate 1 learns of it."""
    wants = [
        Want(row.id, row.user_id, {UUID(line["sku_id"]): line["qty"] for line in row.lines})
        for row in batch.rows
    ]
    seconds = batch.ports.terms.reservation_seconds
    short = inventory.reserve(batch.session, wants, seconds=seconds)
    _recount(batch, [row for row in batch.rows if short[row.id]])
    return {
        checkout_id: Done() if not found else _out_of_stock(found)
        for checkout_id, found in short.items()
    }


def release(batch: Batch) -> Outcomes:
    """Give the units back that these checkouts hold, and let gate 1 count them anew."""
    expired = [row.id for row in batch.rows if end_of(row.failure) == SagaState.EXPIRED]
    inventory.release(batch.session, [row.id for row in batch.rows], expired=expired)
    _recount(batch, batch.rows)
    return {row.id: Done() for row in batch.rows}


def rates(ids: Sequence[UUID], ports: Any) -> Mapping[UUID, list[CarrierRate]]:
    """Ask carriers for today's rates, before any transaction; a table has nobody to ask."""
    if ports.carriers.name == "table" or not ids:
        return {}
    with ports.db.reading() as session:
        found = [session.get(Checkout, checkout_id) for checkout_id in ids]
    return {
        row.id: ports.carriers.look(
            quote.weights(row.lines), country=row.address["country"], currency=row.currency
        )
        for row in found
        if row is not None
    }


def price(batch: Batch) -> Outcomes:
    """Freeze what it costs, take the coupons and write the orders; refused where the shopper agreed
    to another total, or the coupon has no use left."""
    known = coupon_terms(batch.session, {row.coupon for row in batch.rows if row.coupon})
    priced = {row.id: _price(batch, row, known) for row in batch.rows}
    takes = [
        Take(row.id, totals.reduction.coupon_id, _customer(row), totals.coupon_amount)
        for row in batch.rows
        if isinstance(totals := priced[row.id], Totals) and totals.reduction.coupon_id is not None
    ]
    refused = coupons.take(batch.session, takes)
    return {row.id: _freeze(batch, row, priced[row.id], refused) for row in batch.rows}


def cancel_order(batch: Batch) -> Outcomes:
    """Let the order go that was never confirmed, and give its coupon back.

    Whoever reserves and prices locks stock first, then coupons; so does who gives back.
    """
    mine = [row.order_id for row in batch.rows if row.order_id is not None]
    if mine:
        orders.cancel_unconfirmed(batch.session, mine, reason="checkout undone")
    with_coupon = [row.id for row in batch.rows if row.coupon and row.order_id is not None]
    if with_coupon:
        ledger.lock(batch.session, _skus(batch.rows))
        coupons.give_back(batch.session, with_coupon)
    return {row.id: Done() for row in batch.rows}


def confirm(batch: Batch) -> Outcomes:
    """The pivot: units held for good, order confirmed, cart closed, the world told; one commit."""
    held = inventory.hold(batch.session, [row.id for row in batch.rows])
    ready = [row for row in batch.rows if row.id in held]
    confirmed = orders.confirm(batch.session, [row.order_id for row in ready], actor="checkout")
    coupons.use(batch.session, [row.id for row in ready if row.coupon])
    batch.ports.carts.close_all(batch.session, {row.cart_id: row.id for row in ready})
    sold = CHECKOUT_FUNNEL.labels(stage="confirmed")
    batch.session.afterwards(lambda: sold.inc(len(ready)))
    outcomes: dict[UUID, Outcome] = {
        row.id: Refused("reservation_lost", "The units were not held any more.")
        for row in batch.rows
    }
    return outcomes | {row.id: Done({"number": confirmed[row.order_id].number}) for row in ready}


def give_cart_back(batch: Batch) -> None:
    """At the end of an undone purchase the cart can change again, and the world is told."""
    batch.ports.carts.unlock_all(batch.session, {row.cart_id: row.id for row in batch.rows})
    for row in batch.rows:
        code = (row.failure or {}).get("code", "failed")
        kind = CheckoutExpired if row.state == SagaState.EXPIRED else CheckoutFailed
        announce(batch.session, kind(checkout_id=row.id, code=code))
        batch.session.afterwards(CHECKOUT_FAILURES.labels(code=code).inc)


def _recount(batch: Batch, rows: Sequence[Checkout]) -> None:
    """Have gate 1 count anew what these checkouts were admitted for, reserved or not, after the
    commit."""
    skus = _skus(rows)
    if skus:
        batch.session.afterwards(lambda: batch.ports.gate.mark_dirty(skus))


def _skus(rows: Sequence[Checkout]) -> set[UUID]:
    return {UUID(line["sku_id"]) for row in rows for line in row.lines}


def _customer(row: Checkout) -> str:
    return customer_key(row.user_id, row.email)


def _out_of_stock(found: Sequence[Shortage]) -> Refused:
    lines = [
        {"sku_id": encode("sku", each.sku_id), "wanted": each.wanted, "left": each.left}
        for each in found
    ]
    return Refused("out_of_stock", "Not everything is in stock.", {"lines": lines})


def _price(batch: Batch, row: Checkout, known: Mapping[str, Terms]) -> Totals | Refused:
    """What a checkout costs, or why it cannot be had at that; nothing is written."""
    try:
        totals = quote.price(
            batch.session,
            row.lines,
            address=row.address,
            currency=row.currency,
            service=row.shipping_service,
            coupon=row.coupon,
            coupons=known,
            asked=batch.looked.get(row.id, []),
        )
    except DomainError as refusal:
        return _refusal(refusal)
    if row.expected_total is not None and row.expected_total != totals.total:
        facts = {"old": row.expected_total, "new": totals.total}
        return Refused("price_changed", "The total is not the one agreed to.", facts)
    return totals


def _freeze(
    batch: Batch, row: Checkout, priced: Totals | Refused, refused: Mapping[UUID, DomainError]
) -> Outcome:
    if isinstance(priced, Refused):
        return priced
    if row.id in refused:
        return _refusal(refused[row.id])
    row.totals = priced.as_json()
    row.order_id = _write_order(batch, row, priced).id
    return Done({"total": priced.total})


def _refusal(refusal: DomainError) -> Refused:
    return Refused(refusal.code, refusal.detail, refusal.facts)


def _write_order(batch: Batch, row: Checkout, totals: Totals) -> Order:
    order = Order(
        id=new_id(),
        checkout_id=row.id,
        user_id=row.user_id,
        email=row.email,
        items_total=totals.items_total,
        shipping=totals.shipping,
        discount=totals.discount,
        tax=totals.tax,
        tax_included=totals.tax_included,
        total=totals.total,
        currency=row.currency,
        address=row.address,
        locale=row.locale,
        shipping_service=totals.shipping_service,
        shipping_lines=[part.as_json() for part in totals.shipping_lines],
    )
    items = [
        OrderItem(
            order_id=order.id,
            line=priced.line,
            sku_id=priced.sku_id,
            merchant_id=priced.merchant_id,
            name=line["name"],
            code=line["code"],
            qty=priced.qty,
            price_snapshot=priced.price,
            discount=priced.discount,
            tax=priced.tax,
            tax_included=priced.tax_included,
        )
        for priced, line in zip(totals.lines, row.lines, strict=True)
    ]
    return orders.create(batch.session, order, items)
