"""What shoppers and checkouts do with carts, wherever a cart is kept."""

from collections.abc import Mapping
from uuid import UUID

from app.cart.errors import CartNotFound, SkuNotForSale
from app.cart.guests import GuestCarts
from app.cart.merging import merge, was_merged
from app.cart.ports import (
    UNITS_MAX,
    CartStore,
    LiveCheckouts,
    NewLine,
    Owner,
    StoredCart,
)
from app.cart.refusals import refuse
from app.cart.signed_in import SignedInCarts
from app.cart.states import CartStatus
from app.cart.view import CartView, priced
from app.catalog.errors import SkuNotFound
from app.catalog.queries import Sellable, sellable
from app.platform.db import ShopSession
from app.platform.errors import DomainError
from app.platform.metrics import CHECKOUT_FUNNEL
from app.platform.redis import ShopRedis


class Carts:
    """The shop's carts: guests' in Redis, signed-in people's in SQL, by whose they are.

    Every answer shows today's prices. With Redis away signed-in carts go on, guests get RedisAway.
    """

    def __init__(self, redis: ShopRedis, live: LiveCheckouts, *, days: int) -> None:
        self.guests = GuestCarts(redis, live, days=days)
        self.signed_in = SignedInCarts()
        self._live = live

    def add(
        self,
        session: ShopSession,
        owner: Owner,
        *,
        sku_id: UUID,
        qty: int,
        cart_id: UUID | None = None,
        expected: int | None = None,
    ) -> CartView:
        """Put units into a cart; without an id into the open one, made when there is none."""
        sku = _for_sale(session, sku_id)
        line = _line(sku, qty)
        cart = self._store(owner).add(session, owner, cart_id, line, expected=expected)
        if cart.version == 1:
            session.afterwards(CHECKOUT_FUNNEL.labels(stage="cart").inc)
        return _shown(session, cart, {sku_id: sku})

    def change(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID,
        *,
        sku_id: UUID,
        qty: int,
        expected: int | None = None,
    ) -> CartView:
        """Set the units of a line, which also takes note of today's price."""
        sku = _for_sale(session, sku_id)
        line = _line(sku, qty)
        cart = self._store(owner).change(session, owner, cart_id, line, expected=expected)
        return _shown(session, cart, {sku_id: sku})

    def remove(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID,
        *,
        sku_id: UUID,
        expected: int | None = None,
    ) -> CartView:
        """Take a line out, for sale or not."""
        cart = self._store(owner).remove(session, owner, cart_id, sku_id, expected=expected)
        return _shown(session, cart)

    def read(self, session: ShopSession, owner: Owner, cart_id: UUID | None = None) -> CartView:
        """A cart as it is now; without an id the shopper's open one."""
        return _shown(session, self._store(owner).read(session, owner, cart_id))

    def peek(self, session: ShopSession, cart_id: UUID, owner: Owner) -> StoredCart:
        """A cart as it is kept, without prices and with a guest's hint unchecked.

        A guest's token outlives the cart: one that is gone, but is being bought or was, counts as
        ordered and has no lines. Raises CartNotFound otherwise.
        """
        try:
            return self._store(owner).peek(session, owner, cart_id)
        except CartNotFound:
            if owner.cart_id != cart_id or not self._is_held(session, cart_id):
                raise
            return StoredCart(cart_id, None, None, 0, CartStatus.ORDERED, None, ())

    def take(self, session: ShopSession, cart_id: UUID, owner: Owner) -> CartView:
        """The cart for a checkout: a signed-in one is locked until the transaction ends."""
        return _shown(session, self._store(owner).take(session, owner, cart_id))

    def lock(self, session: ShopSession, cart: CartView, checkout_id: UUID) -> None:
        """Have a checkout hold the cart, with the commit that makes the checkout."""
        store: CartStore = self.guests if cart.user_id is None else self.signed_in
        store.lock(session, cart.id, checkout_id)

    def unlock(self, session: ShopSession, cart_id: UUID, checkout_id: UUID) -> None:
        """Let a cart go whose checkout ended without an order."""
        self.unlock_all(session, {cart_id: checkout_id})

    def unlock_all(self, session: ShopSession, held: Mapping[UUID, UUID]) -> None:
        """Let many carts go; `held` is checkout by cart. What another checkout holds stays held."""
        if held:
            rest = held.keys() - self.signed_in.unlock(session, held)
            self.guests.unlock(session, {cart_id: held[cart_id] for cart_id in rest})

    def close(self, session: ShopSession, cart_id: UUID, checkout_id: UUID) -> None:
        """Mark a cart as bought: it is never written again."""
        self.close_all(session, {cart_id: checkout_id})

    def close_all(self, session: ShopSession, held: Mapping[UUID, UUID]) -> None:
        """Mark many carts as bought; `held` is checkout by cart."""
        if held:
            rest = held.keys() - self.signed_in.close(session, held)
            self.guests.close(session, {cart_id: held[cart_id] for cart_id in rest})

    def merge(self, session: ShopSession, guest_cart_id: UUID, user_id: UUID) -> CartView:
        """Give a guest's lines to a person's open cart, once however often it is asked.

        The guest's cart is dropped after the commit. Raises CartNotFound, CartLocked while either
        is being bought, CartAlreadyOrdered, CurrencyMismatch, TooManyLines; nothing was moved then.
        """
        person = Owner(user_id=user_id)
        try:
            guest = self.guests.peek(session, Owner(cart_id=guest_cart_id), guest_cart_id)
        except CartNotFound:
            if not was_merged(session, guest_cart_id, user_id):
                raise
            return self.read(session, person)
        self._refuse_if_held(session, guest)
        known = sellable(session, [line.sku_id for line in guest.lines])
        merged = merge(session, guest, user_id, known=known)
        self.guests.forget(session, guest.id, guest.version)
        return self.read(session, person) if merged is None else _shown(session, merged, known)

    def merge_at_login(
        self, session: ShopSession, guest_cart_id: UUID, user_id: UUID
    ) -> CartView | None:
        """Merge where it can be done now; None where it cannot, and the guest's cart stays as it
        is. Signing in never fails for it."""
        try:
            with session.begin_nested():
                return self.merge(session, guest_cart_id, user_id)
        except DomainError:
            return None

    def _refuse_if_held(self, session: ShopSession, guest: StoredCart) -> None:
        if guest.is_ordered or self._live.is_ordered(session, guest.id):
            raise refuse("ordered")
        if self._live.is_live(session, guest.id):
            raise refuse("locked", *filter(None, [guest.checkout_id]))

    def _is_held(self, session: ShopSession, cart_id: UUID) -> bool:
        return self._live.is_live(session, cart_id) or self._live.is_ordered(session, cart_id)

    def _store(self, owner: Owner) -> CartStore:
        return self.guests if owner.user_id is None else self.signed_in


def _for_sale(session: ShopSession, sku_id: UUID) -> Sellable:
    sku = sellable(session, [sku_id]).get(sku_id)
    if sku is None:
        raise SkuNotFound("There is no such SKU.")
    if not sku.active:
        raise SkuNotForSale("This SKU is not for sale at the moment.", sku_id=sku_id)
    return sku


def _line(sku: Sellable, qty: int) -> NewLine:
    if not 1 <= qty <= UNITS_MAX:
        raise refuse("units", qty)
    return NewLine(sku_id=sku.sku_id, qty=qty, price=sku.price, currency=sku.currency)


def _shown(
    session: ShopSession, cart: StoredCart, known: Mapping[UUID, Sellable] | None = None
) -> CartView:
    sold = dict(known or {})
    if missing := {line.sku_id for line in cart.lines} - sold.keys():
        sold |= sellable(session, missing)
    return priced(cart, sold)
