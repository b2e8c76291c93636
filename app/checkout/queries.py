"""What can be asked of checkouts, also by inventory and carts, which may not know them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.checkout.errors import CheckoutNotFound
from app.checkout.models import Checkout
from app.inventory.ports import Pending
from app.saga.states import SagaState

GIVEN_UP = (SagaState.FAILED, SagaState.EXPIRED, SagaState.CANCELED)

_PENDING = text("""
    SELECT (line ->> 'sku_id')::uuid AS sku_id, sum((line ->> 'qty')::bigint)::bigint AS qty
    FROM checkouts, jsonb_array_elements(lines) AS line
    WHERE state = 'running' AND direction = 'forward' AND step = 'reserve'
      AND (line ->> 'sku_id')::uuid = ANY(:sku_ids)
    GROUP BY 1
""")


def find_checkout(session: Session, checkout_id: UUID) -> Checkout:
    """One checkout. Raises CheckoutNotFound."""
    checkout = session.get(Checkout, checkout_id)
    if checkout is None:
        raise CheckoutNotFound("There is no such checkout.")
    return checkout


def of_cart(session: Session, cart_id: UUID) -> Checkout | None:
    """The checkout that holds this cart: a live one, or the one that bought it."""
    return session.scalar(
        select(Checkout).where(Checkout.cart_id == cart_id, Checkout.state.not_in(GIVEN_UP))
    )


class CheckoutsOfCarts:
    """Tells carts whether they are being bought: PostgreSQL decides, not a flag."""

    def is_live(self, session: Session, cart_id: UUID) -> bool:
        """Whether a checkout of this cart is on its way."""
        held = of_cart(session, cart_id)
        return held is not None and held.state != SagaState.CONFIRMED

    def is_ordered(self, session: Session, cart_id: UUID) -> bool:
        """Whether this cart was bought."""
        held = of_cart(session, cart_id)
        return held is not None and held.state == SagaState.CONFIRMED


class CheckoutDemand:
    """Tells the gate how many units are promised to checkouts that have not reserved yet."""

    def pending(
        self, session: Session, sku_ids: Collection[UUID], admission_ids: Collection[UUID]
    ) -> Pending:
        """Units by SKU, and which admissions have their checkout row."""
        rows = session.execute(_PENDING, {"sku_ids": list(sku_ids)})
        qty = {row.sku_id: int(row.qty) for row in rows}
        known = session.scalars(select(Checkout.id).where(Checkout.id.in_(list(admission_ids))))
        return Pending(qty=qty, known=set(known))
