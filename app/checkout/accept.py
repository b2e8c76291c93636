"""Accept a purchase in milliseconds: own the cart, admit the units, write the checkout, answer.

The units are admitted by the gate in Redis before PostgreSQL is touched, so that a sold-out sale
costs it nothing; the admission is taken out of flight as soon as its checkout row is committed, or
given up with its SKUs marked dirty.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from app.accounts.queries import own_language
from app.cart.ports import Owner, StoredCart
from app.cart.view import CartView
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
from app.checkout.quote import as_frozen
from app.platform.db import ShopSession
from app.platform.errors import Unavailable
from app.platform.ids import encode, new_id
from app.platform.metrics import CHECKOUT_FUNNEL
from app.saga import engine
from app.saga.states import SagaState

log = logging.getLogger(__name__)

ACCEPT_SECONDS_MAX = (
    3  # a statement; an admission lives longer than this transaction can, so none lapses unseen
)
ADMISSION_SECONDS = 30
OpenTransaction = Callable[[], AbstractContextManager[ShopSession]]


@dataclass(frozen=True)
class Shopper:
    """Who buys, and where the confirmation goes unless the purchase says otherwise."""

    owner: Owner
    email: str | None


@dataclass(frozen=True)
class Purchase:
    """What a shopper asks for. `expected_total` (minor units) is what was agreed to, if anything;
    `locale` is the language the request asked to be answered in."""

    cart_id: UUID
    shipping_address: Mapping[str, Any]
    payment_method_token: str
    email: str | None = None
    coupon: str | None = None
    shipping_service: str | None = None
    expected_total: int | None = None
    request_id: str | None = None
    locale: str | None = None

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


class _CartHeld(Exception):
    """Another checkout holds this cart: the partial unique index says so."""


@dataclass
class _Admission:
    """Units admitted by the gate for a checkout that is not written yet; `kept` once it is."""

    id: UUID
    lines: dict[UUID, int]
    kept: bool = False


def accept(
    purchase: Purchase,
    shopper: Shopper,
    ports: CheckoutPorts,
    *,
    open_transaction: OpenTransaction,
    name: Callable[[UUID], None],
) -> UUID:
    """Begin the purchase of a cart, or find the one that the same words began; gives its id.

    `open_transaction` is the door's, and `name` is told the id inside it, so that a repeat finds
    it. Raises EmptyCart, EmailNeeded, BadAddress, OutOfStock, PriceChanged, NotForSale,
    CheckoutInProgress, CartAlreadyOrdered, GateAway; nothing is changed then.
    """
    address = checked(purchase.shipping_address)
    email = purchase.email or shopper.email
    if not email:
        raise EmailNeeded("A guest must say where the confirmation goes.")
    with ports.db.reading() as session:
        cart = ports.carts.peek(session, purchase.cart_id, shopper.owner)
    lines = {line.sku_id: line.qty for line in cart.lines}
    digest = purchase.digest(lines, address)
    if (cart.checkout_id is not None or cart.is_ordered) and _is_held(purchase.cart_id, ports):
        return _join(purchase.cart_id, digest, cart, open_transaction, name)
    if not lines:
        raise EmptyCart("There is nothing in this cart.")
    agreed = {"address": address, "email": email, "digest": digest}
    try:
        with _admitted(lines, ports) as admission, open_transaction() as session:
            _write(session, purchase, shopper, agreed, admission, ports)
            name(admission.id)
        return admission.id
    except _CartHeld:
        # Asked anew with the cart's lock let go: sagas lock their checkout first, then the cart.
        return _join(purchase.cart_id, digest, cart, open_transaction, name)


def _is_held(cart_id: UUID, ports: CheckoutPorts) -> bool:
    """Whether PostgreSQL agrees that a checkout holds this cart; a guest's note may be stale."""
    with ports.db.reading() as session:
        return of_cart(session, cart_id) is not None


def _join(
    cart_id: UUID,
    digest: str,
    cart: StoredCart,
    open_transaction: OpenTransaction,
    name: Callable[[UUID], None],
) -> UUID:
    """Go on with the checkout that holds this cart, where the words are the same."""
    with open_transaction() as session:
        known = _standing(session, cart_id, digest, cart)
        if known is None:
            raise CheckoutInProgress("This cart was being bought a moment ago.", after_seconds=1)
        name(known.id)
        return known.id


def _standing(
    session: ShopSession, cart_id: UUID, digest: str, cart: StoredCart | None = None
) -> Checkout | None:
    """The checkout that holds this cart, if it is the same purchase; a nudge completes it.

    Raises CheckoutInProgress or CartAlreadyOrdered for another one.
    """
    known = of_cart(session, cart_id)
    if known is None:
        return None
    # A bought cart of a guest may have lost its lines with Redis: then the cart itself is the word.
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
    CHECKOUT_FUNNEL.labels(stage="checkout").inc()
    admission = _Admission(new_id(), lines)
    ports.gate.admit(admission.id, lines, lapse_seconds=ADMISSION_SECONDS)
    certain = False
    try:
        yield admission
        certain = True
    except DBAPIError:
        raise  # whether the COMMIT arrived is not known: nothing is given back, the load finds out
    except Exception:
        admission.kept, certain = False, True
        raise
    finally:
        _take_out(admission, ports, certain=certain)


def _take_out(admission: _Admission, ports: CheckoutPorts, *, certain: bool) -> None:
    """Tell the gate what became of it; what it is not told, its reconciler finds out."""
    try:
        if certain and admission.kept:
            ports.gate.settle(admission.id, list(admission.lines))
        elif certain:
            ports.gate.withdraw(admission.id, list(admission.lines))
        else:
            ports.gate.mark_dirty(list(admission.lines))
    except Unavailable:
        log.warning("admission_not_settled", extra={"checkout_id": str(admission.id)})


def _write(
    session: ShopSession,
    purchase: Purchase,
    shopper: Shopper,
    agreed: Mapping[str, Any],
    admission: _Admission,
    ports: CheckoutPorts,
) -> None:
    session.execute(text(f"SET LOCAL statement_timeout = '{ACCEPT_SECONDS_MAX}s'"))
    cart = ports.carts.take(session, purchase.cart_id, shopper.owner)
    if cart.user_id is not None and cart.checkout_id is not None:
        raise _CartHeld  # at once: an INSERT that waited here would hold the cart meanwhile
    if {line.sku_id: line.qty for line in cart.lines} != admission.lines:
        raise CheckoutInProgress("The cart changed meanwhile; send it again.", after_seconds=0)
    _check(cart, purchase.expected_total)
    checkout = Checkout(
        id=admission.id,
        cart_id=cart.id,
        user_id=shopper.owner.user_id,
        currency=cart.currency,
        lines=[as_frozen(line) for line in cart.lines],
        coupon=purchase.coupon,
        shipping_service=purchase.shipping_service,
        expected_total=purchase.expected_total,
        payment_method_token=purchase.payment_method_token,
        request_id=purchase.request_id,
        locale=purchase.locale or "en",
        **agreed,
    )
    if not _claim_cart(session, checkout, ports):
        raise _CartHeld
    ports.carts.lock(session, cart, checkout.id)
    admission.kept = True


def _claim_cart(session: ShopSession, checkout: Checkout, ports: CheckoutPorts) -> bool:
    """Write the checkout unless its cart is held: the partial unique index decides between
    twins."""
    engine.prepare(checkout, "purchase", seconds_max=ports.terms.checkout_seconds_max)
    values = {
        column.key: value
        for column in Checkout.__mapper__.column_attrs
        if (value := checkout.__dict__.get(column.key)) is not None
    }
    if checkout.user_id is not None:  # their own choice, found by the statement that is sent anyway
        values["locale"] = own_language(checkout.user_id, otherwise=checkout.locale)
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


def _check(cart: CartView, expected_total: int | None) -> None:
    """Everything is for sale, at the prices the shopper saw or at an agreed total."""
    gone = [{"sku_id": encode("sku", li.sku_id)} for li in cart.lines if not li.available]
    if gone:
        raise NotForSale("Something in this cart is not sold any more.", lines=gone)
    moved = [
        {"sku_id": encode("sku", line.sku_id), "old": line.price_was, "new": line.price}
        for line in cart.lines
        if line.price_was is not None
    ]
    if moved and expected_total is None:
        raise PriceChanged(
            "A price changed since you saw it; set the line again or send expected_total.",
            lines=moved,
        )
