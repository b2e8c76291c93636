"""What carts need: a place to be kept, and to know whether they are being bought."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.cart.states import CartStatus
from app.platform.db import ShopSession

UNITS_MAX = 999  # of one SKU: more is a typing error or a trade order
LINES_MAX = 100  # keeps every sum, lock and page small


@dataclass(frozen=True)
class Owner:
    """Whose carts these are: a signed-in person's, or the guest's who holds the token of a cart.

    With neither, a guest who has no cart yet.
    """

    user_id: UUID | None = None
    cart_id: UUID | None = None


@dataclass(frozen=True)
class NewLine:
    """Units of one SKU to put into a cart, at the price shown now, in minor units."""

    sku_id: UUID
    qty: int
    price: int
    currency: str


@dataclass(frozen=True)
class StoredLine:
    """A line as it is kept: the price is the one the shopper saw when it was last touched."""

    sku_id: UUID
    qty: int
    price_seen: int


@dataclass(frozen=True)
class StoredCart:
    """A cart as it is kept. `version` is 1 right after it was made and rises with every write;
    `checkout_id` is the checkout that holds it."""

    id: UUID
    user_id: UUID | None
    currency: str | None
    version: int
    status: CartStatus
    checkout_id: UUID | None
    lines: tuple[StoredLine, ...]

    @property
    def is_ordered(self) -> bool:
        """Whether it was bought."""
        return self.status is CartStatus.ORDERED


class LiveCheckouts(Protocol):
    """Tells carts whether they are being bought, or were. PostgreSQL decides."""

    def is_live(self, session: ShopSession, cart_id: UUID) -> bool:
        """Whether a checkout of this cart is on its way."""

    def is_ordered(self, session: ShopSession, cart_id: UUID) -> bool:
        """Whether this cart was bought."""


class CartStore(Protocol):
    """Keeps carts. Every write is all or nothing, raises `version` by one, and answers the cart.

    Another shopper's cart is CartNotFound. A write raises CartAlreadyOrdered, CartLocked while a
    checkout is live, and CartChanged when the version is not the `expected` one.
    """

    def add(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID | None,
        line: NewLine,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Put units on top of what is there; without an id into the shopper's open cart, made when
        there is none. Raises QuantityOutOfRange, TooManyLines, CurrencyMismatch."""

    def change(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID,
        line: NewLine,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Set the units of a line. Raises LineNotFound, CurrencyMismatch."""

    def remove(
        self,
        session: ShopSession,
        owner: Owner,
        cart_id: UUID,
        sku_id: UUID,
        *,
        expected: int | None,
    ) -> StoredCart:
        """Take a line out; a cart without lines takes any currency again. Raises LineNotFound."""

    def read(self, session: ShopSession, owner: Owner, cart_id: UUID | None) -> StoredCart:
        """The cart as it is now; without an id the shopper's open one."""

    def peek(self, session: ShopSession, owner: Owner, cart_id: UUID) -> StoredCart:
        """The cart as it is kept, any hint unchecked."""

    def take(self, session: ShopSession, owner: Owner, cart_id: UUID) -> StoredCart:
        """The cart for a checkout, kept still until the transaction ends where the store can."""

    def lock(self, session: ShopSession, cart_id: UUID, checkout_id: UUID) -> None:
        """Have a checkout hold the cart."""

    def unlock(self, session: ShopSession, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Let carts go whose checkouts ended, and answer which; `held` is checkout by cart."""

    def close(self, session: ShopSession, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Mark carts as bought, for good, and answer which."""
