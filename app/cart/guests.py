"""Guests' carts in Redis: one Lua call a write, gone after so many days without one.

What stands here may be lost, and its lock is a hint: where it is set PostgreSQL is asked, and the
hint is taken away when nothing holds the cart. What locks a purchase for good is the unique index
of checkouts.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as NoAnswer

from app.cart.errors import CartAlreadyOrdered, CartLocked, CartNotFound
from app.cart.ports import (
    LINES_MAX,
    UNITS_MAX,
    LiveCheckouts,
    NewLine,
    Owner,
    StoredCart,
    StoredLine,
)
from app.cart.refusals import refuse
from app.cart.states import CartStatus
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.redis import RedisAway, ShopRedis, lua

_RETRY_SECONDS = 5
_LINE = "line:"


class GuestCarts:
    """The store of guests. Keys are `cart:{<id>}`, so that a cart lies on one node of a cluster."""

    def __init__(self, redis: ShopRedis, live: LiveCheckouts, *, days: int) -> None:
        self._redis, self._live = redis, live
        self._lives_ms = int(timedelta(days=days).total_seconds() * 1000)
        self._write = lua(redis, "app.cart", "write")
        self._lock = lua(redis, "app.cart", "lock")
        self._unlock = lua(redis, "app.cart", "unlock")
        self._close = lua(redis, "app.cart", "close")
        self._forget = lua(redis, "app.cart", "forget")

    def add(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID | None,
        line: NewLine,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Put units into the guest's cart; a lapsed or ordered one is followed by a new one when no
        id was asked for."""
        if cart_id is None and owner.cart_id is None:
            return self._change(session, new_id(), "add", line, expected, make=True)
        if cart_id is not None:
            return self._change(session, _own(owner, cart_id), "add", line, expected)
        try:
            return self._change(session, _own(owner, owner.cart_id), "add", line, expected)
        except (CartNotFound, CartAlreadyOrdered):
            return self._change(session, new_id(), "add", line, expected, make=True)

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
        return self._change(session, _own(owner, cart_id), "change", line, expected)

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
        line = NewLine(sku_id=sku_id, qty=0, price=0, currency="")
        return self._change(session, _own(owner, cart_id), "remove", line, expected)

    def read(self, session: ShopSession, owner: Owner, cart_id: UUID | None) -> StoredCart:
        """The cart as it is now, its hint checked."""
        cart = self._fetch(_own(owner, cart_id or owner.cart_id))
        if cart.checkout_id is None or cart.is_ordered:
            return cart
        with suppress(CartLocked, CartAlreadyOrdered):
            self._settle(session, cart.id, cart.checkout_id)
        return self._fetch(cart.id)

    def peek(self, session: ShopSession, owner: Owner, cart_id: UUID) -> StoredCart:  # noqa: ARG002
        """The cart with its hint as it stands."""
        return self._fetch(_own(owner, cart_id))

    def take(self, session: ShopSession, owner: Owner, cart_id: UUID) -> StoredCart:
        """The cart for a checkout, which asks PostgreSQL itself; Redis cannot keep it still."""
        return self.peek(session, owner, cart_id)

    def lock(self, session: ShopSession, cart_id: UUID, checkout_id: UUID) -> None:
        """Note the checkout once its row is committed."""
        session.afterwards(partial(self._mark, self._lock, cart_id, checkout_id))

    def unlock(self, session: ShopSession, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Take the notes away once the checkouts' ends are committed."""
        for cart_id, checkout_id in held.items():
            session.afterwards(partial(self._mark, self._unlock, cart_id, checkout_id))
        return set(held)

    def close(self, session: ShopSession, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Mark the carts as bought once the orders are committed."""
        for cart_id, checkout_id in held.items():
            session.afterwards(partial(self._mark, self._close, cart_id, checkout_id))
        return set(held)

    def forget(self, session: ShopSession, cart_id: UUID, version: int) -> None:
        """Drop a merged cart once the merge is committed, unless it was written meanwhile."""
        session.afterwards(partial(self._mark, self._forget, cart_id, version))

    def _change(
        self,
        session: ShopSession,
        cart_id: UUID,
        act: str,
        line: NewLine,
        expected: int | None,
        *,
        make: bool = False,
    ) -> StoredCart:
        known = "" if expected is None else expected
        args: list[str | int] = [act, str(line.sku_id), line.qty, line.price, line.currency, known]
        args += [self._lives_ms, UNITS_MAX, LINES_MAX, int(make)]
        word, *facts = self._call(self._write, cart_id, args)
        if word == "locked":
            self._settle(session, cart_id, UUID(facts[0]))
            word, *facts = self._call(self._write, cart_id, args)
        if word != "ok":
            raise refuse(word, *facts)
        return _cart(cart_id, facts[0])

    def _settle(self, session: ShopSession, cart_id: UUID, checkout_id: UUID) -> None:
        """Ask PostgreSQL about a hint: raises what it says, or takes the hint away."""
        if self._live.is_live(session, cart_id):
            raise refuse("locked", checkout_id)
        if self._live.is_ordered(session, cart_id):
            self._mark(self._close, cart_id, checkout_id)
            raise refuse("ordered")
        self._mark(self._unlock, cart_id, checkout_id)

    def _fetch(self, cart_id: UUID) -> StoredCart:
        with _answering():
            fields: dict[str, str] = self._redis.hgetall(_key(cart_id))  # type: ignore[assignment]
        if not fields:
            raise refuse("not_found")
        return _cart(cart_id, [part for pair in fields.items() for part in pair])

    def _mark(self, script: Any, cart_id: UUID, word: UUID | int) -> None:
        self._call(script, cart_id, [str(word)])

    def _call(self, script: Any, cart_id: UUID, args: Sequence[str | int]) -> Any:
        with _answering():
            return script(keys=[_key(cart_id)], args=args)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (NoConnection, NoAnswer, ReadOnlyError, OutOfMemoryError) as error:
        raise RedisAway(
            "Guests' carts cannot be reached for a moment.", after_seconds=_RETRY_SECONDS
        ) from error


def _own(owner: Owner, cart_id: UUID | None) -> UUID:
    if cart_id is None or owner.cart_id != cart_id:
        raise refuse("not_found")
    return cart_id


def _key(cart_id: UUID) -> str:
    return f"cart:{{{cart_id}}}"


def _cart(cart_id: UUID, flat: Sequence[str]) -> StoredCart:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    kept = [
        (int(place), StoredLine(UUID(name.removeprefix(_LINE)), int(qty), int(price)))
        for name, value in fields.items()
        if name.startswith(_LINE)
        for qty, price, place in [value.split(" ")]
    ]
    kept.sort(key=lambda pair: pair[0])
    return StoredCart(
        id=cart_id,
        user_id=None,
        currency=fields["currency"] or None,
        version=int(fields["version"]),
        status=CartStatus(fields["status"]),
        checkout_id=UUID(fields["checkout"]) if fields["checkout"] else None,
        lines=tuple(line for _, line in kept),
    )
