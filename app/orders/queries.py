"""What can be asked of orders."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import column, select, table
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
    session: Session,
    *,
    user_id: UUID | None,
    cart_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Order]:
    """The confirmed orders of a person, or of a guest's cart, newest first."""
    checkouts = table("checkouts", column("id"), column("cart_id"))
    mine = (
        Order.user_id == user_id
        if user_id is not None
        else Order.checkout_id.in_(select(checkouts.c.id).where(checkouts.c.cart_id == cart_id))
    )
    wanted = (
        select(Order)
        .where(mine, Order.number.is_not(None))
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
