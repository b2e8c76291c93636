"""On whose side of an order a caller stands; for everyone else there is no such order."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Role
from app.checkout.models import Checkout
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderItem
from app.platform.db import ShopSession
from app.platform.ids import encode
from app.web.auth import principal


class Side(StrEnum):
    """Who somebody is to an order."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    OPS = "ops"


@dataclass(frozen=True)
class Party:
    """A side of an order. `merchant_id` bounds what it sees and touches to a merchant's own lines;
    `actor` is the word for it in the order's story."""

    side: Side
    merchant_id: UUID | None
    actor: str


def party_to(session: ShopSession, order_id: UUID, *, selling: bool = False) -> Party:
    """Whose side the caller stands on; with `selling`, who bought it counts for nothing.

    A merchant who buys of itself is the customer, unless it is selling. Raises OrderNotFound for
    strangers, and for what was never confirmed.
    """
    caller = principal()
    found = session.execute(
        select(Order.user_id, Checkout.cart_id)
        .join(Checkout, Checkout.id == Order.checkout_id)
        .where(Order.id == order_id, Order.number.is_not(None))
    ).first()
    if found is None:
        raise OrderNotFound("There is no such order.")
    user_id, cart_id = found
    if caller.owns(user_id=user_id, cart_id=None if user_id else cart_id) and not (
        selling and caller.merchant_id
    ):
        return _owner(selling)
    if caller.merchant_id is None or not _sells(session, order_id, caller.merchant_id):
        raise OrderNotFound("There is no such order.")
    return Party(Side.MERCHANT, caller.merchant_id, acting_as(Side.MERCHANT))


def acting_as(side: Side) -> str:
    """How a caller is named in the story of an order: the side, and who of it."""
    caller = principal()
    if caller.user_id is not None:
        return f"{side}:{encode('usr', caller.user_id)}"
    if caller.key_id is not None:
        return f"{side}:{encode('key', caller.key_id)}"
    return str(side)


def _owner(selling: bool) -> Party:
    """Operations own everything; whoever else owns it has bought it, and sells nothing of it."""
    if principal().role is Role.OPS:
        return Party(Side.OPS, None, acting_as(Side.OPS))
    if selling:
        raise OrderNotFound("There is no such order.")
    return Party(Side.CUSTOMER, None, acting_as(Side.CUSTOMER))


def _sells(session: ShopSession, order_id: UUID, merchant_id: UUID) -> bool:
    mine = select(OrderItem.line).where(
        OrderItem.order_id == order_id, OrderItem.merchant_id == merchant_id
    )
    return session.scalar(select(mine.exists())) is True
