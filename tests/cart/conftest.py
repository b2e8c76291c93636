"""Shoppers of both kinds, so that one suite says what a cart is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from app.cart.ports import Owner
from app.cart.service import Carts
from app.cart.view import CartView
from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.checkout.queries import CheckoutsOfCarts
from app.platform.db import Database
from app.platform.redis import ShopRedis
from app.saga.states import SagaState
from tests.factories import make_checkout, make_sku, make_user


@dataclass
class Shopper:
    """Somebody with a cart: each act is a transaction of its own."""

    db: Database
    carts: Carts
    user_id: UUID | None = None
    cart_id: UUID | None = field(default=None)

    @property
    def owner(self) -> Owner:
        """What a request of this shopper proves."""
        return Owner(user_id=self.user_id, cart_id=None if self.user_id else self.cart_id)

    @property
    def cart(self) -> UUID:
        """The cart this shopper has."""
        assert self.cart_id is not None
        return self.cart_id

    def add(
        self,
        sku: Sku,
        qty: int = 1,
        *,
        cart_id: UUID | None = None,
        expected: int | None = None,
    ) -> CartView:
        """Put units into the cart."""
        with self.db.transaction() as session:
            cart = self.carts.add(
                session, self.owner, sku_id=sku.id, qty=qty, cart_id=cart_id, expected=expected
            )
        self.cart_id = cart.id
        return cart

    def change(self, sku: Sku, qty: int, *, expected: int | None = None) -> CartView:
        """Set the units of a line."""
        with self.db.transaction() as session:
            return self.carts.change(
                session, self.owner, self.cart, sku_id=sku.id, qty=qty, expected=expected
            )

    def remove(self, sku: Sku, *, expected: int | None = None) -> CartView:
        """Take a line out."""
        with self.db.transaction() as session:
            return self.carts.remove(
                session, self.owner, self.cart, sku_id=sku.id, expected=expected
            )

    def read(self, cart_id: UUID | None = None) -> CartView:
        """Look at the cart."""
        with self.db.transaction() as session:
            return self.carts.read(session, self.owner, cart_id or self.cart)

    def check_out(self) -> UUID:
        """Begin a purchase of the cart, as accept does."""
        with self.db.transaction() as session:
            cart = self.carts.take(session, self.cart, self.owner)
            checkout = make_checkout(session, cart_id=cart.id, user_id=self.user_id)
            self.carts.lock(session, cart, checkout.id)
            return checkout.id

    def end(self, checkout_id: UUID, state: SagaState) -> None:
        """End the purchase, as the last step of its saga does."""
        with self.db.transaction() as session:
            session.get_one(Checkout, checkout_id).state = state
            act = self.carts.close if state is SagaState.CONFIRMED else self.carts.unlock
            act(session, self.cart, checkout_id)

    def merge(self, guest_cart_id: UUID) -> CartView:
        """Take a guest's cart over."""
        assert self.user_id is not None
        with self.db.transaction() as session:
            cart = self.carts.merge(session, guest_cart_id, self.user_id)
        self.cart_id = cart.id
        return cart


def set_sku(db: Database, sku: Sku, **values: object) -> None:
    """Change a SKU, as its merchant does."""
    with db.transaction() as session:
        row = session.get_one(Sku, sku.id)
        for name, value in values.items():
            setattr(row, name, value)


def break_off() -> None:
    """Have the transaction around it rolled back."""
    raise ZeroDivisionError


def lines(cart: CartView) -> dict[UUID, int]:
    """Units by SKU."""
    return {line.sku_id: line.qty for line in cart.lines}


@pytest.fixture
def carts(redis: ShopRedis) -> Carts:
    """The shop's carts."""
    return Carts(redis, CheckoutsOfCarts(), days=30)


@pytest.fixture
def make_sku_for_sale(db: Database) -> Callable[..., Sku]:
    """A committed SKU."""

    def make(**given: object) -> Sku:
        with db.transaction() as session:
            return make_sku(session, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def guest(db: Database, carts: Carts) -> Shopper:
    """A guest without a cart."""
    return Shopper(db, carts)


@pytest.fixture
def person(db: Database, carts: Carts) -> Shopper:
    """Somebody who signed in."""
    with db.transaction() as session:
        return Shopper(db, carts, user_id=make_user(session).id)


@pytest.fixture(params=["guest", "person"])
def shopper(request: pytest.FixtureRequest) -> Shopper:
    """Either."""
    shopper: Shopper = request.getfixturevalue(request.param)
    return shopper
