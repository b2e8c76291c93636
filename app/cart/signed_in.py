"""Signed-in people's carts in SQL: one transaction a write, the cart's row locked by its first
statement."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Uuid,
    delete,
    func,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import User
from app.accounts.queries import signed_in
from app.cart.models import Cart, CartLine
from app.cart.ports import LINES_MAX, UNITS_MAX, NewLine, Owner, StoredCart, StoredLine
from app.cart.refusals import refuse
from app.cart.states import CartStatus
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.rows import unnested

_CART = (Cart.id, Cart.user_id, Cart.currency, Cart.version, Cart.status, Cart.checkout_id)
_OPEN = text("status = 'open'")  # word for word the condition of the unique index
_OWNER_IS_THERE = (  # an access token may outlive an erased person by minutes
    select(User.id).where(User.id == Cart.user_id, User.erased_at.is_(None)).exists()
)
_LINE = (CartLine.sku_id, CartLine.qty, CartLine.price_seen, CartLine.added_at)


class CartRow(NamedTuple):
    """A row of `carts`, without its lines."""

    id: UUID
    user_id: UUID | None
    currency: str | None
    version: int
    status: CartStatus
    checkout_id: UUID | None


class SignedInCarts:
    """The store of people who signed in. Its lock and its end commit with the checkout's own."""

    def add(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID | None,
        line: NewLine,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Put units on top of what is there."""
        if cart_id is None:
            row = open_cart(session, owner, line.currency, expected=expected)
        else:
            row = _touch(session, owner, cart_id, line.currency, expected=expected)
        new = insert(CartLine).values(
            cart_id=row.id, sku_id=line.sku_id, qty=line.qty, price_seen=line.price
        )
        put = new.on_conflict_do_update(
            index_elements=["cart_id", "sku_id"],
            set_={"qty": CartLine.qty + new.excluded.qty, "price_seen": new.excluded.price_seen},
        )
        return stored(row, _with_rest(session, put.returning(*_LINE).cte("put"), row.id, line))

    def change(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID,
        line: NewLine,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Set the units of a line."""
        row = _touch(session, owner, cart_id, line.currency, expected=expected)
        put = (
            update(CartLine)
            .where(CartLine.cart_id == row.id, CartLine.sku_id == line.sku_id)
            .values(qty=line.qty, price_seen=line.price)
        )
        lines = _with_rest(session, put.returning(*_LINE).cte("put"), row.id, line)
        if all(kept.sku_id != line.sku_id for kept in lines):
            raise refuse("no_line")
        return stored(row, lines)

    def remove(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID,
        sku_id: UUID,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Take a line out."""
        row = _touch(session, owner, cart_id, None, expected=expected)
        gone = session.execute(
            delete(CartLine)
            .where(CartLine.cart_id == row.id, CartLine.sku_id == sku_id)
            .returning(CartLine.sku_id)
        )
        if gone.first() is None:
            raise refuse("no_line")
        lines = lines_of(session, row.id)
        if not lines:
            session.execute(update(Cart).where(Cart.id == row.id).values(currency=None))
            row = row._replace(currency=None)
        return stored(row, lines)

    def read(self, session: ShopSession, owner: Owner, cart_id: UUID | None) -> StoredCart:
        """The cart as it is now."""
        which = Cart.status == CartStatus.OPEN if cart_id is None else Cart.id == cart_id
        rows = session.execute(
            select(*_CART, *_LINE)
            .outerjoin(CartLine, CartLine.cart_id == Cart.id)
            .where(which, Cart.user_id == owner.user_id)
            .order_by(CartLine.added_at, CartLine.sku_id)
        ).all()
        if not rows:
            raise refuse("not_found")
        lines = tuple(StoredLine(*row[6:9]) for row in rows if row.sku_id is not None)
        return stored(CartRow(*rows[0][:6]), lines)

    def peek(self, session: ShopSession, owner: Owner, cart_id: UUID) -> StoredCart:
        """The cart as it is kept."""
        return self.read(session, owner, cart_id)

    def take(self, session: ShopSession, owner: Owner, cart_id: UUID) -> StoredCart:
        """The cart for a checkout; its row stays locked until the transaction ends."""
        row = session.execute(
            select(*_CART)
            .where(Cart.id == cart_id, Cart.user_id == owner.user_id, _OWNER_IS_THERE)
            .with_for_update()
        ).first()
        if row is None:
            raise refuse("not_found")
        return stored(CartRow(*row), lines_of(session, cart_id))

    def lock(self, session: ShopSession, cart_id: UUID, checkout_id: UUID) -> None:
        """Have a checkout hold the cart."""
        session.execute(update(Cart).where(Cart.id == cart_id).values(checkout_id=checkout_id))

    def unlock(self, session: ShopSession, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Let open carts go whose checkouts ended."""
        pairs = _pairs(held)
        gone = session.scalars(
            update(Cart)
            .where(
                Cart.id == pairs.c.cart_id,
                Cart.checkout_id == pairs.c.checkout_id,
                Cart.status == CartStatus.OPEN,
            )
            .values(checkout_id=None)
            .returning(Cart.id)
            .execution_options(synchronize_session=False)
        )
        return set(gone)

    def close(self, session: ShopSession, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Mark carts as bought by these checkouts."""
        pairs = _pairs(held)
        bought = session.scalars(
            update(Cart)
            .where(Cart.id == pairs.c.cart_id)
            .values(status=CartStatus.ORDERED, checkout_id=pairs.c.checkout_id)
            .returning(Cart.id)
            .execution_options(synchronize_session=False)
        )
        return set(bought)


def open_cart(
    session: ShopSession, owner: Owner, currency: str | None, *, expected: int | None = None
) -> CartRow:
    """The open cart of a person, made when there is none, locked and its version raised: one
    statement, so that two first clicks make one cart. Raises Unauthenticated.
    """
    new = insert(Cart).values(
        id=new_id(), user_id=owner.user_id, currency=currency, version=1, status=CartStatus.OPEN
    )
    row = session.execute(
        new.on_conflict_do_update(
            index_elements=["user_id"],
            index_where=_OPEN,
            set_=_written(new.excluded.currency),
        ).returning(*_CART)
    ).one()
    if row.version == 1:  # a new row has waited for whoever was erasing its person
        signed_in(session, owner.user_id)
    return _writable(CartRow(*row), currency, expected)


def lines_of(session: ShopSession, cart_id: UUID) -> tuple[StoredLine, ...]:
    """The lines of a cart in the order they were added."""
    rows = session.execute(
        select(*_LINE)
        .where(CartLine.cart_id == cart_id)
        .order_by(CartLine.added_at, CartLine.sku_id)
    )
    return tuple(StoredLine(*row[:3]) for row in rows)


def stored(row: CartRow, lines: Sequence[StoredLine]) -> StoredCart:
    """A cart's row and lines as the port says them."""
    return StoredCart(
        id=row.id,
        user_id=row.user_id,
        currency=row.currency,
        version=row.version,
        status=row.status,
        checkout_id=row.checkout_id,
        lines=tuple(lines),
    )


def _touch(
    session: ShopSession,
    owner: Owner,
    cart_id: UUID,
    currency: str | None,
    *,
    expected: int | None,
) -> CartRow:
    """Lock a cart and raise its version at once; a refusal after it rolls both back."""
    row = session.execute(
        update(Cart)
        .where(Cart.id == cart_id, Cart.user_id == owner.user_id)
        .values(_written(currency))
        .returning(*_CART)
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        raise refuse("not_found")
    return _writable(CartRow(*row), currency, expected)


def _written(currency: Any) -> dict[str, ColumnElement[Any]]:
    return {
        "version": Cart.version + 1,
        "updated_at": func.shop_now(),
        "currency": func.coalesce(Cart.currency, currency),
    }


def _writable(row: CartRow, currency: str | None, expected: int | None) -> CartRow:
    before = row.version - 1
    if row.status == CartStatus.ORDERED:
        raise refuse("ordered")
    if row.checkout_id is not None:
        raise refuse("locked", row.checkout_id)
    if expected is not None and expected != before:
        raise refuse("changed", before)
    if currency is not None and row.currency is not None and row.currency != currency:
        raise refuse("currency", row.currency)
    return row


def _with_rest(
    session: ShopSession, put: CTE, cart_id: UUID, line: NewLine
) -> tuple[StoredLine, ...]:
    """Write one line and read them all in one statement: the rest is seen as it was before."""
    rest = select(*_LINE).where(CartLine.cart_id == cart_id, CartLine.sku_id != line.sku_id)
    rows = session.execute(union_all(select(put), rest).order_by("added_at", "sku_id")).all()
    for row in rows:
        if row.sku_id == line.sku_id and row.qty > UNITS_MAX:
            raise refuse("units", row.qty)
    if len(rows) > LINES_MAX:
        raise refuse("lines")
    return tuple(StoredLine(*row[:3]) for row in rows)


def _pairs(held: Mapping[UUID, UUID]) -> Any:
    carts = sorted(held)
    return unnested(
        "held",
        {"cart_id": (Uuid(), carts), "checkout_id": (Uuid(), [held[cart] for cart in carts])},
    )
