"""A cart as a shopper sees it: at the prices of this moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.cart.ports import StoredCart, StoredLine
from app.cart.states import CartStatus
from app.catalog.queries import Sellable


@dataclass(frozen=True)
class CartLineView:
    """One line. Amounts are minor units; `price_was` is the price when the line
    was last written, where it changed since; a line not `available` costs nothing and cannot be
    bought."""

    sku_id: UUID
    product_id: UUID
    merchant_id: UUID
    code: str
    name: str
    options: dict[str, Any]
    qty: int
    price: int
    price_was: int | None
    subtotal: int
    available: bool
    weight_g: int
    tax_code: str


@dataclass(frozen=True)
class CartView:
    """A cart with its sum. `checkout_id` is the checkout that holds it; of a guest's cart it is a
    hint that PostgreSQL may overrule."""

    id: UUID
    user_id: UUID | None
    currency: str | None
    lines: tuple[CartLineView, ...]
    subtotal: int
    version: int
    status: CartStatus
    checkout_id: UUID | None

    @property
    def created(self) -> bool:
        """Whether the write that answered this made the cart."""
        return self.version == 1


def priced(cart: StoredCart, sold: Mapping[UUID, Sellable]) -> CartView:
    """Put today's names and prices to what is kept."""
    lines = tuple(
        _line(line, sold[line.sku_id], cart.currency) for line in cart.lines if line.sku_id in sold
    )
    return CartView(
        id=cart.id,
        user_id=cart.user_id,
        currency=cart.currency,
        lines=lines,
        subtotal=sum(line.subtotal for line in lines),
        version=cart.version,
        status=cart.status,
        checkout_id=cart.checkout_id,
    )


def _line(line: StoredLine, sku: Sellable, currency: str | None) -> CartLineView:
    available = sku.active and sku.currency == currency
    return CartLineView(
        sku_id=line.sku_id,
        product_id=sku.product_id,
        merchant_id=sku.merchant_id,
        code=sku.code,
        name=sku.name,
        options=sku.options,
        qty=line.qty,
        price=sku.price,
        price_was=line.price_seen if line.price_seen != sku.price else None,
        subtotal=line.qty * sku.price if available else 0,
        available=available,
        weight_g=sku.weight_g,
        tax_code=sku.tax_code,
    )
