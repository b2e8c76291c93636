"""All that is known of an order, its payment and its units, before money or goods go back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.orders import going_back
from app.orders.amounts import LineUnits
from app.orders.going_back import CameHome, ParcelLine, UnderWay
from app.orders.models import Order, OrderItem
from app.orders.queries import units_of
from app.payments.models import Payment
from app.payments.queries import lock_payment, payment_of_order
from app.payments.service import refundable
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.shipping.states import ShipmentStatus


@dataclass(frozen=True)
class Books:
    """What is known of an order while it and its payment are locked. Amounts are in minor units.

    `refundable` was taken and is not on its way back; `held` was never taken: it may still be while
    the hold stands, and never will be where that lapsed.
    """

    order: Order
    payment: Payment | None
    refundable: int
    held: int
    units: Mapping[int, LineUnits]
    parcels: Sequence[ParcelLine]
    home: CameHome
    under_way: UnderWay

    @property
    def hold_stands(self) -> bool:
        """Whether what has not been sent can still be taken."""
        return self.payment is not None and self.payment.status == PaymentStatus.AUTHORIZED

    @property
    def is_only_held(self) -> bool:
        """Whether what has not been sent has not been paid either: the hold still stands, or it
        lapsed with less taken than the order costs."""
        return self.hold_stands or self.held > 0

    @property
    def has_lapsed(self) -> bool:
        """Whether some of the order can be paid no more, behind what was."""
        return self.held > 0 and not self.hold_stands

    @property
    def is_taking(self) -> bool:
        """Whether somebody is taking money that a refund could think was only held."""
        whole = self.payment is not None and not self.payment.multicapture
        return bool(self.under_way.captures or (whole and self.under_way.preparing))

    @property
    def nothing_was_taken(self) -> bool:
        """Whether there is no money that could go back."""
        return self.payment is None or self.payment.captured == 0

    def item(self, line: int) -> OrderItem:
        """The line as it was bought."""
        return next(item for item in self.order.items if item.line == line)

    def preparing(self, line: int) -> int:
        """Units in parcels that have not left."""
        return sum(
            each.qty
            for each in self.parcels
            if each.line == line and each.status == ShipmentStatus.PENDING
        )

    def gone(self, line: int) -> int:
        """Units that have left and that nobody has money or goods back for, or is about to."""
        units = self.units[line]
        refunded = units.refunded - units.canceled
        return units.shipped - self.preparing(line) - refunded - units.returned

    def astray(self, line: int) -> int:
        """Units of canceled parcels that nobody has put back."""
        lost = (
            each.qty
            for each in self.parcels
            if each.line == line and each.status == ShipmentStatus.CANCELED and each.has_left
        )
        return sum(lost) - self.home.taken_back.get(line, 0)

    def place(self, line: int, lost: int) -> UUID | None:
        """Where units of this line go when they come back: to where they were sent from."""
        parcels = [
            each.warehouse_id
            for each in self.parcels
            if each.line == line
            and (each.status == ShipmentStatus.CANCELED) == bool(lost)
            and (each.has_left or not lost)
        ]
        return parcels[-1] if parcels else None


def look(session: ShopSession, order: Order) -> Books:
    """Lock the payment of a locked order, and learn all that a refund must know."""
    session.flush()  # steps do not flush by themselves, and what they changed counts
    payment = payment_of_order(session, order.id)
    if payment is not None:
        payment = lock_payment(session, payment.id)
    return Books(
        order,
        payment,
        refundable=0 if payment is None else refundable(session, payment),
        held=0 if payment is None else _never_taken(session, order, payment),
        units=units_of(session, order.id),
        parcels=going_back.parcel_lines(session, order.id),
        home=going_back.came_home(session, order.id),
        under_way=going_back.under_way(session, order.id),
    )


def _never_taken(session: ShopSession, order: Order, payment: Payment) -> int:
    owed = {PaymentStatus.AUTHORIZED: payment.amount, PaymentStatus.CAPTURED: order.total}
    missing = owed.get(payment.status, 0) - payment.captured
    if missing <= 0:
        return 0
    return max(0, missing - going_back.released_of(session, payment.id))
