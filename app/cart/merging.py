"""What a guest put into a cart follows them when they sign in: once, and without loss."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from app.cart.models import CartLine, CartMerge
from app.cart.ports import LINES_MAX, UNITS_MAX, Owner, StoredCart, StoredLine
from app.cart.refusals import refuse
from app.cart.signed_in import lines_of, open_cart, stored
from app.platform.db import ShopSession
from app.platform.rows import unnested


def merge(
    session: ShopSession, guest: StoredCart, user_id: UUID, *, known: Collection[UUID]
) -> StoredCart | None:
    """Add a guest's lines to a person's open cart; None where nothing is left to add.

    The row of the guest's cart is locked first and says what was given before, so that two merges
    at once, or one repeated, add up to one. Only `known` SKUs are moved. Units are capped at a
    line's limit. Raises CartLocked, CurrencyMismatch, TooManyLines, and then nothing was given.
    """
    given = _given_before(session, guest.id, user_id)
    left = [
        StoredLine(line.sku_id, line.qty - given.get(str(line.sku_id), 0), line.price_seen)
        for line in guest.lines
        if line.sku_id in known and line.qty > given.get(str(line.sku_id), 0)
    ]
    if not left:
        return None
    row = open_cart(session, Owner(user_id=user_id), guest.currency)
    _put(session, row.id, left)
    lines = lines_of(session, row.id)
    if len(lines) > LINES_MAX:
        raise refuse("lines")
    now = given | {str(line.sku_id): given.get(str(line.sku_id), 0) + line.qty for line in left}
    session.execute(update(CartMerge).where(CartMerge.guest_cart_id == guest.id).values(units=now))
    return stored(row, lines)


def was_merged(session: ShopSession, guest_cart_id: UUID, user_id: UUID) -> bool:
    """Whether this guest's cart was given to this person before."""
    known = select(CartMerge.user_id).where(CartMerge.guest_cart_id == guest_cart_id)
    return session.scalar(known) == user_id


def _given_before(session: ShopSession, guest_cart_id: UUID, user_id: UUID) -> dict[str, int]:
    new = insert(CartMerge).values(guest_cart_id=guest_cart_id, user_id=user_id, units={})
    units: dict[str, int] | None = session.scalar(
        new.on_conflict_do_update(
            index_elements=["guest_cart_id"],
            set_={"user_id": new.excluded.user_id, "merged_at": func.shop_now()},
        ).returning(CartMerge.units)
    )
    return units or {}


def _put(session: ShopSession, cart_id: UUID, lines: list[StoredLine]) -> None:
    given = unnested(
        "given",
        {
            "sku_id": (Uuid(), [each.sku_id for each in lines]),
            "qty": (BigInteger(), [each.qty for each in lines]),
            "price_seen": (BigInteger(), [each.price_seen for each in lines]),
        },
    )
    new = insert(CartLine).from_select(
        ["cart_id", *given.c.keys()], select(literal(cart_id), *given.c)
    )
    both = func.least(CartLine.qty + new.excluded.qty, UNITS_MAX)
    session.execute(
        new.on_conflict_do_update(index_elements=["cart_id", "sku_id"], set_={"qty": both})
    )
