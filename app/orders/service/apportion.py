"""Which units a refund takes and how much money goes with them. Reads, and writes nothing.

Everything here is asked with the order and its payment locked. Amounts are in minor units.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.orders import going_back
from app.orders.amounts import LineUnits, share, shipping_of
from app.orders.errors import (
    CancelInstead,
    CaptureUnderWay,
    RefundExceedsCaptured,
    RefundUnderWay,
    ShipmentUnderWay,
    TooManyUnits,
)
from app.orders.going_back import ParcelLine, UnderWay
from app.orders.models import Order, OrderItem
from app.orders.queries import units_of
from app.payments.models import Payment
from app.payments.queries import lock_payment, payment_of_order
from app.payments.service import refundable
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.shipping.states import ShipmentStatus


@dataclass(frozen=True)
class Part:
    """Units of one line that a refund takes: `unshipped` of them never will be sent, `astray` of
    these lie outside the reserved stock. `due` was taken for them, `released` only held."""

    line: int
    sku_id: UUID
    qty: int
    unshipped: int = 0
    astray: int = 0
    due: int = 0
    released: int = 0
    warehouse_id: UUID | None = None


@dataclass(frozen=True)
class Plan:
    """What a refund gives back: money, and units by line."""

    amount: int
    released: int
    parts: Sequence[Part] = ()


@dataclass(frozen=True)
class Books:
    """All that is known of an order while it and its payment are locked.

    `refundable` was taken and is not on its way back; `held` was never taken and may still be.
    """

    order: Order
    payment: Payment | None
    refundable: int
    held: int
    units: Mapping[int, LineUnits]
    parcels: Sequence[ParcelLine]
    taken_back: Mapping[int, int]
    under_way: UnderWay

    @property
    def is_only_held(self) -> bool:
        """Whether what has not been sent has not been paid either: the hold still stands."""
        return self.payment is not None and self.payment.status == PaymentStatus.AUTHORIZED

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
        """Units of canceled parcels that no refund has put back."""
        lost = (
            each.qty
            for each in self.parcels
            if each.line == line and each.status == ShipmentStatus.CANCELED and each.has_left
        )
        return sum(lost) - self.taken_back.get(line, 0)


def look(session: ShopSession, order: Order) -> Books:
    """Lock the payment of a locked order, and learn all that a refund must know."""
    session.flush()  # steps do not flush by themselves, and what they changed counts
    payment = payment_of_order(session, order.id)
    if payment is not None:
        payment = lock_payment(session, payment.id)
    held = 0
    if payment is not None and payment.status == PaymentStatus.AUTHORIZED:
        held = payment.amount - payment.captured - going_back.released_of(session, payment.id)
    return Books(
        order,
        payment,
        refundable=0 if payment is None else refundable(session, payment),
        held=max(0, held),
        units=units_of(session, order.id),
        parcels=going_back.parcel_lines(session, order.id),
        taken_back=going_back.taken_back(session, order.id),
        under_way=going_back.under_way(session, order.id),
    )


def of_amount(books: Books, amount: int) -> Plan:
    """Some money, and no units. Raises RefundExceedsCaptured, ShipmentUnderWay."""
    if amount > books.refundable:
        raise _exceeds(books)
    if amount == books.refundable and books.under_way.preparing:
        raise ShipmentUnderWay("A parcel of it is being prepared: nothing would be paid for it.")
    return Plan(amount, 0)


def of_everything(books: Books) -> Plan:
    """All the money and all the units that are left."""
    if books.under_way.preparing:
        raise ShipmentUnderWay("A parcel of it is being prepared.")
    if books.under_way.returns:
        raise RefundUnderWay("Goods of it are being sent back.")
    if books.under_way.captures:
        raise CaptureUnderWay("The money is being taken right now.", after_seconds=2)
    if books.nothing_was_taken and not books.under_way.parcels:
        raise CancelInstead("Nothing was taken for it and nothing was sent: cancel the order.")
    if books.is_only_held and books.under_way.refunds:
        raise RefundUnderWay("Money of it is on its way back already.")
    if not books.refundable and not books.held:
        raise _exceeds(books)
    wanted = {line: unit.left + books.gone(line) for line, unit in books.units.items()}
    parts = [_part(books, line, qty) for line, qty in wanted.items() if qty]
    return Plan(books.refundable, books.held, parts)


def of_lines(books: Books, wanted: Mapping[int, int]) -> Plan:
    """Units by line, those first that have not left; with the last of a merchant's units that
    never left goes what sending them would have cost.

    Raises TooManyUnits, ShipmentUnderWay, CaptureUnderWay, CancelInstead, RefundExceedsCaptured.
    """
    _check_units(books, wanted)
    parts = [_part(books, line, qty) for line, qty in wanted.items()]
    if books.is_only_held and books.is_taking and any(part.unshipped for part in parts):
        raise CaptureUnderWay("The money is being taken right now.", after_seconds=2)
    if books.nothing_was_taken and _leaves_nothing(books, parts):
        raise CancelInstead("Nothing was taken for it and nothing would be left of the order.")
    plan = _with_shipping(books, parts)
    due = sum(part.due for part in parts)
    if due - books.refundable > len(parts):  # a cent a line is rounding
        raise _exceeds(books)
    return plan


def of_parcel(books: Books, wanted: Mapping[int, int], warehouse_id: UUID | None) -> Plan:
    """Units that a canceled parcel gave up; with a warehouse, they had left the reserved stock and
    go there. As much of the money as is left."""
    parts = [
        _part(
            books,
            line,
            qty,
            unshipped=qty,
            astray=qty if warehouse_id else 0,
            warehouse_id=warehouse_id,
        )
        for line, qty in wanted.items()
    ]
    return _with_shipping(books, parts)


def of_goods(books: Books, wanted: Mapping[int, int], warehouse_id: UUID | None) -> Plan:
    """Units that were sent and came back; as much of the money as is left."""
    parts = [
        _part(books, line, qty, unshipped=0, warehouse_id=warehouse_id)
        for line, qty in wanted.items()
    ]
    return _with_shipping(books, parts)


def _part(
    books: Books,
    line: int,
    qty: int,
    *,
    unshipped: int | None = None,
    astray: int | None = None,
    warehouse_id: UUID | None = None,
) -> Part:
    units, item = books.units[line], books.item(line)
    never_sent = min(qty, units.left) if unshipped is None else unshipped
    lost = min(never_sent, books.astray(line)) if astray is None else astray
    only_held = never_sent - lost if books.is_only_held else 0
    before = units.refunded
    released = share(item.total, item.qty, before=before, units=only_held)
    due = share(item.total, item.qty, before=before + only_held, units=qty - only_held)
    place = warehouse_id or _place(books, line, lost)
    return Part(line, units.sku_id, qty, never_sent, lost, due, released, place)


def _place(books: Books, line: int, lost: int) -> UUID | None:
    """Where units of this line go when they come back: to where they were sent from."""
    parcels = [
        each.warehouse_id
        for each in books.parcels
        if each.line == line
        and (each.status == ShipmentStatus.CANCELED) == bool(lost)
        and (each.has_left or not lost)
    ]
    return parcels[-1] if parcels else None


def _check_units(books: Books, wanted: Mapping[int, int]) -> None:
    left = {line: books.units[line].left + books.gone(line) for line in wanted}
    short = [line for line, qty in wanted.items() if qty > left[line]]
    if not short:
        return
    if all(wanted[line] <= left[line] + books.preparing(line) for line in short):
        raise ShipmentUnderWay("A parcel with these units is being prepared.", lines=short)
    lines = [{"line": line, "left": left[line]} for line in short]
    raise TooManyUnits("Not so many units can be refunded.", lines=lines)


def _leaves_nothing(books: Books, parts: Sequence[Part]) -> bool:
    taken = {part.line: part.unshipped for part in parts}
    left = (units.left - taken.get(line, 0) for line, units in books.units.items())
    return not books.under_way.parcels and not any(left)


def _with_shipping(books: Books, parts: Sequence[Part]) -> Plan:
    """The money of these parts, bounded by what is there."""
    due = min(sum(part.due for part in parts), books.refundable)
    released = min(sum(part.released for part in parts), books.held)
    for merchant_id in _never_sent_to(books, parts):
        price = shipping_of(books.order, merchant_id)
        was_taken = any(each.merchant_id == merchant_id and each.has_left for each in books.parcels)
        if books.is_only_held and not was_taken:
            released += min(price, books.held - released)
        else:
            due += min(price, books.refundable - due)
    return Plan(due, released, parts)


def _never_sent_to(books: Books, parts: Sequence[Part]) -> list[UUID]:
    """Merchants of whose units none was sent and, after this, none is going to be."""
    taken = {part.line: part.unshipped for part in parts}
    touched = {books.units[line].merchant_id for line, units in taken.items() if units}
    staying: Counter[UUID] = Counter()
    for line, units in books.units.items():
        staying[units.merchant_id] += units.shipped + units.left - taken.get(line, 0)
    return sorted(merchant_id for merchant_id in touched if not staying[merchant_id])


def _exceeds(books: Books) -> RefundExceedsCaptured:
    return RefundExceedsCaptured(
        "That is more than what is left of the money taken.",
        refundable=books.refundable,
        currency=books.order.currency,
    )


def restocked(parts: Sequence[Part], *, restock: bool) -> list[Part]:
    """The same parts; where nothing comes back, they need no warehouse."""
    return [
        part if part.astray or (restock and part.qty > part.unshipped) else _nowhere(part)
        for part in parts
    ]


def _nowhere(part: Part) -> Part:
    return replace(part, warehouse_id=None)
