"""Which units a refund takes and how much money goes with them. Reads, and writes nothing.

Everything here is asked with the order and its payment locked. Amounts are in minor units.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.orders.amounts import share, shipping_of
from app.orders.errors import (
    CancelInstead,
    CaptureUnderWay,
    RefundExceedsCaptured,
    RefundUnderWay,
    ShipmentUnderWay,
    TooManyUnits,
)
from app.orders.service.books import Books


@dataclass(frozen=True)
class Part:
    """Units of one line that a refund takes: `unshipped` of them never will be sent, `astray` of
    these lie outside the reserved stock; `at_home` were sent and came back before, unpaid. `due`
    was taken for them, `released` only held."""

    line: int
    sku_id: UUID
    qty: int
    unshipped: int = 0
    astray: int = 0
    at_home: int = 0
    due: int = 0
    released: int = 0
    warehouse_id: UUID | None = None


@dataclass(frozen=True)
class Plan:
    """What a refund gives back: money, and units by line."""

    amount: int
    released: int
    parts: Sequence[Part] = ()


def of_amount(books: Books, amount: int) -> Plan:
    """Some money, and no units. Raises RefundExceedsCaptured, ShipmentUnderWay."""
    if amount > books.refundable:
        raise _exceeds(books)
    if amount == books.refundable:
        _check_nothing_is_prepared(books)
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
    if books.hold_stands and books.under_way.refunds:
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
    if books.hold_stands and any(part.unshipped for part in parts) and _is_taking(books, parts):
        raise CaptureUnderWay("The money is being taken right now.", after_seconds=2)
    if books.nothing_was_taken and not books.under_way.parcels and _leaves_nothing(books, parts):
        raise CancelInstead("Nothing was taken for it and nothing would be left of the order.")
    plan = _with_shipping(books, parts)
    due = sum(part.due for part in plan.parts)
    if due - books.refundable > len(parts):  # a cent a line is rounding
        raise _exceeds(books)
    if not books.hold_stands and plan.amount == books.refundable > 0:
        _check_nothing_is_prepared(books)
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
    home = 0 if unshipped is not None else books.home.unpaid.get(line, 0)
    only_held = never_sent - lost if books.is_only_held else 0
    before = units.refunded
    released = share(item.total, item.qty, before=before, units=only_held)
    due = share(item.total, item.qty, before=before + only_held, units=qty - only_held)
    return Part(
        line,
        units.sku_id,
        qty,
        never_sent,
        astray=lost,
        at_home=min(qty - never_sent, home),
        due=due,
        released=released,
        warehouse_id=warehouse_id or books.place(line, lost),
    )


def _check_units(books: Books, wanted: Mapping[int, int]) -> None:
    left = {line: books.units[line].left + books.gone(line) for line in wanted}
    short = [line for line, qty in wanted.items() if qty > left[line]]
    if not short:
        return
    if all(wanted[line] <= left[line] + books.preparing(line) for line in short):
        raise ShipmentUnderWay("A parcel with these units is being prepared.", lines=short)
    lines = [{"line": line, "left": left[line]} for line in short]
    raise TooManyUnits("Not so many units can be refunded.", lines=lines)


def _is_taking(books: Books, parts: Sequence[Part]) -> bool:
    """Whether money of these units is being taken, or the hold left open for them by somebody who
    would close it if he knew."""
    return books.is_taking or bool(books.under_way.asking and _leaves_nothing(books, parts))


def _leaves_nothing(books: Books, parts: Sequence[Part]) -> bool:
    taken = {part.line: part.unshipped for part in parts}
    return not any(units.left - taken.get(line, 0) for line, units in books.units.items())


def _with_shipping(books: Books, parts: Sequence[Part]) -> Plan:
    """The money of these parts, bounded by what is there."""
    if books.has_lapsed:
        parts = list(_as_far_as_unpaid(books, parts))
    due = min(sum(part.due for part in parts), books.refundable)
    released = min(sum(part.released for part in parts), books.held)
    for merchant_id in _never_sent_to(books, parts):
        price = shipping_of(books.order, merchant_id)
        was_taken = any(each.merchant_id == merchant_id and each.has_left for each in books.parcels)
        unpaid = 0 if was_taken else min(price, books.held - released)
        released += unpaid
        if was_taken or not books.hold_stands:
            due += min(price - unpaid, books.refundable - due)
    return Plan(due, released, parts)


def _as_far_as_unpaid(books: Books, parts: Sequence[Part]) -> Iterator[Part]:
    """Of a hold that lapsed no more was left unpaid than is missing; the rest of what was never
    sent was paid, but for a cent of rounding."""
    missing = books.held
    for part in parts:
        paid = max(0, part.released - missing)
        unpaid = part.released - paid
        missing -= unpaid
        yield replace(part, released=unpaid, due=part.due + (paid if paid > 1 or not unpaid else 0))


def _never_sent_to(books: Books, parts: Sequence[Part]) -> list[UUID]:
    """Merchants of whose units none was sent and, after this, none is going to be."""
    taken = {part.line: part.unshipped for part in parts}
    touched = {books.units[line].merchant_id for line, units in taken.items() if units}
    staying: Counter[UUID] = Counter()
    for line, units in books.units.items():
        staying[units.merchant_id] += units.shipped + units.left - taken.get(line, 0)
    return sorted(merchant_id for merchant_id in touched if not staying[merchant_id])


def _check_nothing_is_prepared(books: Books) -> None:
    if books.under_way.preparing:
        raise ShipmentUnderWay("A parcel of it is being prepared: nothing would be paid for it.")


def _exceeds(books: Books) -> RefundExceedsCaptured:
    return RefundExceedsCaptured(
        "That is more than what is left of the money taken.",
        refundable=books.refundable,
        currency=books.order.currency,
    )


def restocked(parts: Sequence[Part], *, restock: bool) -> list[Part]:
    """The same parts; where nothing comes back, they need no warehouse."""
    return [
        part
        if part.astray or (restock and part.qty > part.unshipped + part.at_home)
        else _nowhere(part)
        for part in parts
    ]


def _nowhere(part: Part) -> Part:
    return replace(part, warehouse_id=None)
