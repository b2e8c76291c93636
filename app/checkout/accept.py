"""Accept a purchase in milliseconds: own the cart, admit the units, write the checkout, answer.

The units are admitted by the gate in Redis before PostgreSQL is touched, so that a sold-out sale
costs it nothing; the admission is taken out of flight as soon as its checkout row is committed, or
given up with its SKUs marked dirty.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from app.cart.views import CartView
from app.catalog.queries import Sellable, sellable
from app.checkout.address import checked
from app.checkout.errors import (
    CartAlreadyOrdered,
    CheckoutInProgress,
    EmailNeeded,
    EmptyCart,
    NotForSale,
    PriceChanged,
)
from app.checkout.models import Checkout
from app.checkout.ports import CheckoutPorts
from app.checkout.queries import of_cart
from app.platform.db import ShopSession
from app.platform.ids import encode, new_id
from app.platform.metrics import CHECKOUT_FUNNEL
from app.saga import engine
from app.saga.states import SagaState

ACCEPT_SECONDS_MAX = 5  # an admission lives longer than this transaction can, so none lapses unseen
ADMISSION_SECONDS = 30
OpenTransaction = Callable[[], AbstractContextManager[ShopSession]]


@dataclass(frozen=True)
class Shopper:
    """Who buys: a signed-in person, or a guest by the token of one cart."""

    user_id: UUID | None
    email: str | None
    guest_cart_id: UUID | None


@dataclass(frozen=True)
class Purchase:
    """What a shopper asks for. `expected_total` (minor units) is what was agreed to, if
    anything."""

    cart_id: UUID
    shipping_address: Mapping[str, Any]
    payment_method_token: str
    email: str | None = None
    coupon: str | None = None
    shipping_service: str | None = None
    expected_total: int | None = None
    request_id: str | None = None

    def digest(self, lines: Mapping[UUID, int], address: Mapping[str, str]) -> str:
        """Tells a repeat of the same purchase from another one of the same cart."""
        words = [
            sorted((str(sku_id), qty) for sku_id, qty in lines.items()),
            sorted(address.items()),
            self.coupon,
            self.shipping_service,
            self.payment_method_token,
        ]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


@dataclass
class _Admission:
    """Units admitted by the gate for a checkout that is not written yet; `kept` once it is."""

    id: UUID
    lines: dict[UUID, int]
    kept: bool = False


def accept(
    purchase: Purchase, shopper: Shopper, ports: CheckoutPorts, open_transaction: OpenTransaction
) -> Checkout:
    """Begin the purchase of a cart, or find the one that the same words began.

    Raises EmptyCart, EmailNeeded, BadAddress, OutOfStock, PriceChanged, NotForSale,
    CheckoutInProgress, CartAlreadyOrdered, GateAway; nothing is changed then.
    """
    address = checked(purchase.shipping_address)
    cart = _look_at(purchase, shopper, ports)
    email = purchase.email or shopper.email
    if not email:
        raise EmailNeeded("A guest must say where the confirmation goes.")
    lines = {line.sku_id: line.qty for line in cart.lines}
    digest = purchase.digest(lines, address)
    if cart.checkout_id is not None or cart.status == "ordered" or not lines:
        with open_transaction() as session:
            known = _standing(session, purchase.cart_id, digest, cart)
            if known is not None:
                return known
    if not lines:
        raise EmptyCart("There is nothing in this cart.")
    CHECKOUT_FUNNEL.labels(stage="checkout").inc()
    agreed = {"address": address, "email": email, "digest": digest}
    with _admitted(lines, ports) as admission, open_transaction() as session:
        return _write(session, purchase, shopper, agreed, admission, ports)


def _look_at(purchase: Purchase, shopper: Shopper, ports: CheckoutPorts) -> CartView:
    with ports.db.reading() as session:
        return ports.carts.find(
            session,
            purchase.cart_id,
            user_id=shopper.user_id,
            guest_cart_id=shopper.guest_cart_id,
        )


def _standing(
    session: ShopSession, cart_id: UUID, digest: str, cart: CartView | None = None
) -> Checkout | None:
    """The checkout that holds this cart, if it is the same purchase; a nudge completes it.

    Raises CheckoutInProgress or CartAlreadyOrdered for another one.
    """
    known = of_cart(session, cart_id)
    if known is None:
        return None
    # A guest's cart may be gone from Redis once it was bought: the empty cart repeats its purchase.
    if known.digest != digest and (cart is None or cart.lines):
        its_id = encode("chk", known.id)
        if known.state == SagaState.CONFIRMED:
            raise CartAlreadyOrdered("This cart was bought already.", checkout_id=its_id)
        raise CheckoutInProgress(
            "This cart is being bought; cancel that checkout first.", checkout_id=its_id
        )
    engine.wake(session, "purchase", known.id, detail={"by": "repeat"})
    return known


@contextmanager
def _admitted(lines: dict[UUID, int], ports: CheckoutPorts) -> Iterator[_Admission]:
    """Admit all lines or none, and see to it that the admission does not outlive its use."""
    admission = _Admission(new_id(), lines)
    ports.gate.admit(admission.id, lines, lapse_seconds=ADMISSION_SECONDS)
    skus = list(lines)
    try:
        yield admission
    except DBAPIError:
        # Whether the COMMIT arrived is not known: nothing is given back, the load finds out.
        ports.gate.mark_dirty(skus)
        raise
    except Exception:
        _give_up(admission, ports)
        raise
    if admission.kept:
        ports.gate.settle(admission.id, skus)
    else:
        _give_up(admission, ports)


def _give_up(admission: _Admission, ports: CheckoutPorts) -> None:
    ports.gate.settle(admission.id, list(admission.lines))
    ports.gate.mark_dirty(list(admission.lines))


def _write(
    session: ShopSession,
    purchase: Purchase,
    shopper: Shopper,
    agreed: Mapping[str, Any],
    admission: _Admission,
    ports: CheckoutPorts,
) -> Checkout:
    session.execute(text(f"SET LOCAL statement_timeout = '{ACCEPT_SECONDS_MAX}s'"))
    cart = ports.carts.take(
        session, purchase.cart_id, user_id=shopper.user_id, guest_cart_id=shopper.guest_cart_id
    )
    if {line.sku_id: line.qty for line in cart.lines} != admission.lines:
        raise CheckoutInProgress("The cart changed meanwhile; send it again.", after_seconds=0)
    skus = sellable(session, admission.lines)
    _check(cart, skus, purchase.expected_total)
    checkout = Checkout(
        id=admission.id,
        cart_id=cart.id,
        user_id=shopper.user_id,
        currency=cart.currency,
        lines=[_line(skus[line.sku_id], line.qty) for line in cart.lines],
        coupon=purchase.coupon,
        shipping_service=purchase.shipping_service,
        expected_total=purchase.expected_total,
        payment_method_token=purchase.payment_method_token,
        request_id=purchase.request_id,
        **agreed,
    )
    if not _claim_cart(session, checkout, ports):
        known = _standing(session, cart.id, checkout.digest)
        if known is None:
            raise CheckoutInProgress("This cart was being bought a moment ago.", after_seconds=1)
        return known
    ports.carts.lock(session, cart, checkout.id)
    admission.kept = True
    return checkout


def _claim_cart(session: ShopSession, checkout: Checkout, ports: CheckoutPorts) -> bool:
    """Write the checkout unless its cart is held: the partial unique index decides between
    twins."""
    engine.prepare(checkout, "purchase", seconds_max=ports.terms.checkout_seconds_max)
    values = {
        column.key: value
        for column in Checkout.__mapper__.column_attrs
        if (value := checkout.__dict__.get(column.key)) is not None
    }
    held = text("state NOT IN ('failed', 'expired', 'canceled')")
    written = session.execute(
        insert(Checkout)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["cart_id"], index_where=held)
        .returning(Checkout.id)
    )
    if written.first() is None:
        return False
    engine.first_nudge(session, "purchase", checkout.id)
    return True


def _check(cart: CartView, skus: Mapping[UUID, Sellable], expected_total: int | None) -> None:
    """Everything is for sale, in one currency, at the prices the shopper saw (or at an agreed
    total)."""
    gone = [line.sku_id for line in cart.lines if line.sku_id not in skus]
    gone += [sku.sku_id for sku in skus.values() if not sku.active]
    if gone:
        lines = [{"sku_id": encode("sku", sku_id)} for sku_id in gone]
        raise NotForSale("Something in this cart is not sold any more.", lines=lines)
    moved = [
        {"sku_id": encode("sku", line.sku_id), "old": line.price_seen, "new": price}
        for line in cart.lines
        if (price := skus[line.sku_id].price) != line.price_seen
    ]
    if moved and expected_total is None:
        raise PriceChanged("A price changed since you saw it; read the cart again.", lines=moved)


def _line(sku: Sellable, qty: int) -> dict[str, Any]:
    return {
        "sku_id": str(sku.sku_id),
        "merchant_id": str(sku.merchant_id),
        "product_id": str(sku.product_id),
        "qty": qty,
        "price": sku.price,
        "name": sku.name,
        "code": sku.code,
        "weight_g": sku.weight_g,
        "tax_code": sku.tax_code,
    }
