"""What happens to every order: created priced, confirmed, let go where it was never confirmed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy import func, select

from app.events.outbox import announce
from app.orders.events import OrderConfirmed, OrderCreated
from app.orders.models import Order, OrderItem, OrderTransition
from app.orders.queries import lock_orders
from app.orders.states import ORDER, OrderState
from app.platform.db import Base, ShopSession
from app.platform.metrics import ORDER_TRANSITION_ERRORS
from app.platform.state_machine import IllegalMove

_NUMBERS = DatabaseSequence("order_numbers", metadata=Base.metadata, start=100_001)


def create(session: ShopSession, order: Order, items: Sequence[OrderItem]) -> Order:
    """Write a priced order and its lines; it becomes visible when it is confirmed."""
    session.add(order)
    session.flush()
    session.add_all(items)
    session.add(_transition(order.id, None, OrderState.CREATED, actor="checkout", reason="priced"))
    announce(session, OrderCreated(order_id=order.id, checkout_id=order.checkout_id))
    return order


def confirm(session: ShopSession, order_ids: Sequence[UUID], *, actor: str) -> dict[UUID, Order]:
    """Confirm orders whose money and units are held; their numbers are drawn here."""
    orders = lock_orders(session, order_ids)
    numbers = _draw_numbers(session, len(orders))
    for order, number in zip(orders.values(), numbers, strict=True):
        order.number = number
        move(session, order, OrderState.CONFIRMED, actor=actor, reason="paid")
        announce(
            session,
            OrderConfirmed(order_id=order.id, number=number, checkout_id=order.checkout_id),
        )
    return orders


def cancel_unconfirmed(session: ShopSession, order_ids: Sequence[UUID], *, reason: str) -> None:
    """Let orders go that were never confirmed; those that are canceled already stay so."""
    for order in lock_orders(session, order_ids).values():
        if order.state == OrderState.CREATED:
            move(session, order, OrderState.CANCELED, actor="checkout", reason=reason)


def move(session: ShopSession, order: Order, to: OrderState, *, actor: str, reason: str) -> None:
    """Move a locked order along a legal edge and write it down. Raises IllegalMove."""
    try:
        ORDER.check(order.state, to)
    except IllegalMove:
        ORDER_TRANSITION_ERRORS.inc()
        raise
    session.add(_transition(order.id, order.state, to, actor=actor, reason=reason))
    order.state = to


def _transition(
    order_id: UUID, before: OrderState | None, after: OrderState, **why: Any
) -> OrderTransition:
    return OrderTransition(order_id=order_id, from_state=before, to_state=after, **why)


def _draw_numbers(session: ShopSession, count: int) -> list[str]:
    if not count:
        return []
    drawn = session.scalars(
        select(_NUMBERS.next_value()).select_from(func.generate_series(1, count).alias("n"))
    )
    return [str(number) for number in drawn]
