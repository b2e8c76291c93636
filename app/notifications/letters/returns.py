"""Words of letters about goods that are sent back to one merchant."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.accounts.models import Merchant
from app.inventory.models import Warehouse
from app.notifications.errors import NothingToShow
from app.notifications.letters.kinds import Line, PostalAddress, Words
from app.notifications.letters.orders import merchants_of, money_or_none, number_of
from app.notifications.links import Links
from app.orders.models import Order, Return
from app.orders.queries import find_order
from app.orders.states import Decision
from app.payments.models import Refund
from app.platform.ids import encode


def requested(session: Session, return_id: UUID, _links: Links) -> Words:
    """What was asked for, and from whom; the same where it is called off, or is to be decided."""
    back, order = _found(session, return_id)
    return _words(session, back, order, _announced(back, order))


def approved(session: Session, return_id: UUID, _links: Links) -> Words:
    """What is taken back, and where to send it."""
    back, order = _found(session, return_id)
    words = _words(session, back, order, _announced(back, order))
    return words | {"address": _goods_in(session, back, words["merchant"])}


def refused(session: Session, return_id: UUID, _links: Links) -> Words:
    """What is not taken back, and why not."""
    back, order = _found(session, return_id)
    words = _words(session, back, order, _announced(back, order))
    return words | {"reason": back.decision_reason}


def expired(session: Session, return_id: UUID, _links: Links) -> Words:
    """What did not come back in time, and whether it was ever decided on."""
    back, order = _found(session, return_id)
    words = _words(session, back, order, _announced(back, order))
    return words | {"is_approved": back.decision == Decision.APPROVED}


def received(session: Session, return_id: UUID, _links: Links) -> Words:
    """What has arrived."""
    back, order = _found(session, return_id)
    return _words(session, back, order, _arrived(back, order))


def refunded(session: Session, return_id: UUID, _links: Links) -> Words:
    """What goes back for it."""
    back, order = _found(session, return_id)
    refund = session.get(Refund, back.refund_id) if back.refund_id else None
    amount = money_or_none(refund.amount, refund.currency) if refund else None
    return _words(session, back, order, _arrived(back, order)) | {"amount": amount}


def _found(session: Session, return_id: UUID) -> tuple[Return, Order]:
    back = session.scalar(
        select(Return).where(Return.id == return_id).options(selectinload(Return.items))
    )
    if back is None:
        raise NothingToShow("There is no such return.")
    return back, find_order(session, back.order_id)


def _words(session: Session, back: Return, order: Order, lines: list[Line]) -> Words:
    merchant = merchants_of(session, order.items)[back.merchant_id].name
    return {
        "number": number_of(order),
        "return_id": encode("ret", back.id),
        "merchant": merchant,
        "merchants": [merchant],
        "lines": lines,
    }


def _announced(back: Return, order: Order) -> list[Line]:
    """The units that are to come back, each line with what is wrong with it."""
    names = {item.line: item for item in order.items}
    return [
        Line(names[item.line].name, names[item.line].code, item.qty, note=item.reason)
        for item in back.items
    ]


def _arrived(back: Return, order: Order) -> list[Line]:
    names = {item.line: item for item in order.items}
    return [
        Line(names[item.line].name, names[item.line].code, item.received)
        for item in back.items
        if item.received
    ]


def _goods_in(session: Session, back: Return, merchant: str) -> PostalAddress | None:
    """Where the merchant takes goods back; None where its warehouse has no address."""
    default = select(Merchant.default_warehouse_id).where(Merchant.id == back.merchant_id)
    place_id = back.warehouse_id or session.scalar(default)
    place = session.get(Warehouse, place_id) if place_id else None
    if place is None or not place.address.get("line1"):
        return None
    return PostalAddress.of({"name": merchant, "country": place.country} | place.address)
