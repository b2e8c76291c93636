"""What a checkout and its order look like from outside, in as few statements as it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.checkout.models import Checkout
from app.orders.models import Order
from app.orders.queries import find_order
from app.payments.models import Payment
from app.payments.queries import payment_of_order, payments_of
from app.saga.states import SagaState
from app.shipping.queries import shipments_of
from app.shipping.views import ShipmentView, shipment_views


@dataclass(frozen=True)
class OrderView:
    """An order with its payment; every column of the order is there by its name."""

    row: Order
    payment: Payment | None
    shipments: Sequence[ShipmentView] = ()

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the order does."""
        return getattr(self.row, name)


@dataclass(frozen=True)
class CheckoutView:
    """A checkout as its shopper sees it; every column is there by its name."""

    row: Checkout
    failure: dict[str, Any] | None
    next_action: dict[str, Any] | None
    order: OrderView | None

    def __getattr__(self, name: str) -> Any:
        """What the view does not know itself, the checkout does."""
        return getattr(self.row, name)


def order_view(session: Session, order_id: UUID) -> OrderView:
    """One order in full. Raises OrderNotFound."""
    order = find_order(session, order_id)
    parcels = shipment_views(session, shipments_of(session, [order_id]), is_own=False)
    return OrderView(order, payment_of_order(session, order_id), parcels)


def checkout_view(session: Session, row: Checkout, *, with_order: bool = False) -> CheckoutView:
    """A checkout with what its shopper must do next, and its order once it is confirmed."""
    failure = {k: v for k, v in row.failure.items() if k != "undone"} if row.failure else None
    next_action = None
    if row.state == SagaState.PARKED:
        payment = payments_of(session, [row.id]).get(row.id)
        next_action = payment.next_action if payment else None
    order = None
    if with_order and row.state == SagaState.CONFIRMED and row.order_id is not None:
        order = order_view(session, row.order_id)
    return CheckoutView(row, failure, next_action, order)
