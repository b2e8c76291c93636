"""The story of a purchase: what every part of the shop wrote down about it, merged by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.checkout.models import Checkout
from app.operations import going_back, parcels
from app.operations.sources import SOURCES, About, Entry
from app.orders.models import Order
from app.payments.models import Payment
from app.payments.queries import payment_of_order
from app.platform.db import Database
from app.platform.errors import NotFound
from app.platform.ids import decode, encode
from app.saga import registry


class NothingKnown(NotFound):
    """No purchase goes by this word."""

    code = "not_found"


@dataclass(frozen=True)
class Purchase:
    """One attempt to buy, as it stands now. Amounts are in minor units."""

    checkout_id: str
    cart_id: str
    state: str
    step: str
    failure: dict[str, Any] | None
    order_id: str | None
    number: str | None
    order_state: str | None
    total: int | None
    currency: str
    payment_id: str | None
    payment_status: str | None
    began_at: datetime


@dataclass(frozen=True)
class Story:
    """The purchases behind a word, the oldest first, and all that happened to them, by time."""

    purchases: Sequence[Purchase]
    entries: Sequence[Entry]

    @property
    def began_at(self) -> datetime:
        """When the first of them was accepted."""
        return self.purchases[0].began_at


def story_of(db: Database, word: str) -> Story:
    """Tell the story of an order id, order number, checkout id, payment id or cart id.

    A cart tells of every attempt to buy it. Raises NothingKnown.
    """
    with db.reading() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        checkouts = _checkouts(session, word.strip())
        if not checkouts:
            raise NothingKnown(f"Nothing goes by {word!r}: no order, checkout, payment or cart.")
        about = _about(session, checkouts)
        told = (*SOURCES, *parcels.SOURCES, *going_back.SOURCES)
        entries = [entry for source in told for entry in source(session, about)]
        purchases = [_purchase(session, checkout) for checkout in checkouts]
    return Story(purchases, sorted(entries, key=lambda entry: entry.at))


def _checkouts(session: Session, word: str) -> Sequence[Checkout]:
    prefix, identity = _read(word)
    match prefix:
        case "chk":
            wanted = Checkout.id == identity
        case "crt":
            wanted = Checkout.cart_id == identity
        case "ord":
            wanted = Checkout.order_id == identity
        case "pay":
            mine = select(Payment.checkout_id).where(Payment.id == identity)
            wanted = Checkout.id.in_(mine)
        case _ if not word.isascii():
            return []
        case _:
            numbered = select(Order.checkout_id).where(Order.number == word)
            wanted = Checkout.id.in_(numbered)
    return session.scalars(select(Checkout).where(wanted).order_by(Checkout.created_at)).all()


def _read(word: str) -> tuple[str, UUID | None]:
    """The kind of an id and the UUID in it; a word that is no id may be a number."""
    prefix = word.partition("_")[0]
    try:
        return prefix, decode(prefix, word)
    except ValueError:
        return "", None


def _about(session: Session, checkouts: Sequence[Checkout]) -> About:
    mine = [checkout.id for checkout in checkouts]
    payments = session.scalars(
        select(Payment).where(Payment.checkout_id.in_(mine)).order_by(Payment.id)
    ).all()
    orders = session.scalars(select(Order).where(Order.checkout_id.in_(mine))).all()
    return About(tuple(checkouts), tuple(orders), tuple(payments), _sagas(session, orders))


def _sagas(session: Session, orders: Sequence[Order]) -> dict[UUID, str]:
    """What was done with orders after they were bought, by kind."""
    found: dict[UUID, str] = {}
    for saga in registry.sagas():
        model: Any = saga.model
        if model is Checkout or not hasattr(model, "order_id"):
            continue
        mine = select(model.id).where(model.order_id.in_([order.id for order in orders]))
        found |= dict.fromkeys(session.scalars(mine), saga.kind)
    return found


def _purchase(session: Session, checkout: Checkout) -> Purchase:
    order = session.get(Order, checkout.order_id) if checkout.order_id else None
    payment = payment_of_order(session, order.id) if order else None
    failure = {k: v for k, v in (checkout.failure or {}).items() if k != "undone"}
    return Purchase(
        checkout_id=encode("chk", checkout.id),
        cart_id=encode("crt", checkout.cart_id),
        state=str(checkout.state),
        step=checkout.step,
        failure=failure or None,
        order_id=encode("ord", order.id) if order else None,
        number=order.number if order else None,
        order_state=str(order.state) if order else None,
        total=order.total if order else None,
        currency=checkout.currency,
        payment_id=encode("pay", payment.id) if payment else None,
        payment_status=str(payment.status) if payment else None,
        began_at=checkout.created_at,
    )
