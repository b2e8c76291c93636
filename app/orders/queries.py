"""What can be asked of orders."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.orders.errors import OrderNotFound
from app.orders.models import Order


def find_order(session: Session, order_id: UUID) -> Order:
    """One order with its lines and its story. Raises OrderNotFound."""
    order = session.scalar(
        select(Order)
        .where(Order.id == order_id)
        .options(selectinload(Order.items), selectinload(Order.transitions))
    )
    if order is None:
        raise OrderNotFound("There is no such order.")
    return order


def orders_of(
    session: Session, user_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Order]:
    """A shopper's confirmed orders, newest first; those never confirmed are not shown."""
    wanted = (
        select(Order)
        .where(Order.user_id == user_id, Order.number.is_not(None))
        .options(selectinload(Order.items))
        .order_by(Order.id.desc())
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(Order.id < after)
    return session.scalars(wanted).all()


def lock_orders(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Lock orders in the order of their ids; gives them by id."""
    rows = session.scalars(
        select(Order).where(Order.id.in_(order_ids)).order_by(Order.id).with_for_update()
    )
    return {order.id: order for order in rows}
