"""Words of letters about an order and its money."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Merchant
from app.accounts.settings import CaptureMode
from app.notifications.errors import NothingToShow
from app.notifications.letters.kinds import Line, PostalAddress, Words
from app.notifications.links import Links
from app.orders.models import Order, OrderItem
from app.orders.queries import find_order
from app.orders.states import OrderState
from app.payments.models import Payment, Refund, RefundItem
from app.platform.money import Money

_AT_ONCE = CaptureMode.AUTOMATIC
_EXPIRED = "authorization_expired"


@dataclass(frozen=True)
class Seller:
    """A merchant as its customers know it."""

    name: str
    takes_at_once: bool

    @classmethod
    def of(cls, merchant: Merchant) -> "Seller":
        """Under the name it chose for letters, or else its own."""
        chosen = merchant.settings.get("sender_name")
        return cls(chosen or merchant.name, merchant.settings.get("capture") == _AT_ONCE)


def confirmed(session: Session, order_id: UUID, links: Links) -> Words:
    """Everything that was bought, from whom, for how much, and where it goes."""
    order = find_order(session, order_id)
    merchants = merchants_of(session, order.items)
    return {
        "number": number_of(order),
        "lines": [
            Line(
                name=item.name,
                code=item.code,
                qty=item.qty,
                merchant=merchants[item.merchant_id].name,
                price=Money(item.price_snapshot, order.currency),
                subtotal=Money(item.price_snapshot * item.qty, order.currency),
            )
            for item in order.items
        ],
        "merchants": sorted(merchant.name for merchant in merchants.values()),
        "amounts": _amounts(order),
        "total": Money(order.total, order.currency),
        "address": PostalAddress.of(order.address),
        "is_free": order.total == 0,
        "is_collected_at_once": all(merchant.takes_at_once for merchant in merchants.values()),
        "order_url": links.order(order.id),
    }


def canceled(session: Session, order_id: UUID, links: Links) -> Words:
    """What will not be sent, and what becomes of the money."""
    order = find_order(session, order_id)
    merchants = merchants_of(session, order.items)
    captured = session.scalar(select(Payment.id).where(_taken(order.id)).limit(1))
    reasons = [move.reason for move in order.transitions if move.to_state is OrderState.CANCELED]
    return {
        "number": number_of(order),
        "lines": [bought(item, merchants[item.merchant_id].name) for item in order.items],
        "merchants": sorted(merchant.name for merchant in merchants.values()),
        "has_expired": _EXPIRED in reasons,
        "is_free": order.total == 0,
        "is_collected": captured is not None,
        "order_url": links.order(order.id),
    }


def refunded(session: Session, refund_id: UUID, links: Links) -> Words:
    """What goes back and what will not be taken, and the units it is for."""
    refund = session.get(Refund, refund_id)
    if refund is None:
        raise NothingToShow("There is no such refund.")
    order = find_order(session, refund.order_id)
    merchants = merchants_of(session, order.items)
    items = session.scalars(
        select(RefundItem).where(RefundItem.refund_id == refund.id).order_by(RefundItem.line)
    ).all()
    concerned = [refund.merchant_id] if refund.merchant_id else merchants
    return {
        "number": number_of(order),
        "amount": money_or_none(refund.amount, refund.currency),
        "released": money_or_none(refund.released, refund.currency),
        "lines": units_of_lines(order, {item.line: item.qty for item in items}, merchants),
        "merchants": sorted(merchants[one].name for one in concerned),
        "order_url": links.order(order.id),
    }


def number_of(order: Order) -> str:
    """What people call the order. Raises NothingToShow before it is confirmed."""
    if order.number is None:
        raise NothingToShow("This order was never confirmed.")
    return order.number


def merchants_of(session: Session, items: Iterable[OrderItem]) -> dict[UUID, Seller]:
    """Who sold these lines."""
    wanted = {item.merchant_id for item in items}
    rows = session.scalars(select(Merchant).where(Merchant.id.in_(wanted)))
    return {merchant.id: Seller.of(merchant) for merchant in rows}


def bought(item: OrderItem, merchant: str | None, qty: int | None = None) -> Line:
    """A line without its price."""
    units = item.qty if qty is None else qty
    return Line(name=item.name, code=item.code, qty=units, merchant=merchant)


def units_of_lines(
    order: Order, units: dict[int, int], merchants: dict[UUID, Seller]
) -> list[Line]:
    """So many units of these lines, with who sold them."""
    return [
        bought(item, merchants[item.merchant_id].name, units[item.line])
        for item in order.items
        if units.get(item.line)
    ]


def money_or_none(minor: int, currency: str) -> Money | None:
    """An amount worth a sentence."""
    return Money(minor, currency) if minor else None


def _amounts(order: Order) -> list[tuple[str, Money]]:
    """The sums above the total, in the order in which they add up; what is zero is left out."""
    not_included = order.tax - order.tax_included
    rows = [("items", order.items_total), ("shipping", order.shipping)]
    rows += [("discount", -order.discount)] if order.discount else []
    rows += [("tax", not_included)] if not_included else []
    rows += [("tax_included", order.tax_included)] if order.tax_included else []
    return [(name, Money(amount, order.currency)) for name, amount in rows]


def _taken(order_id: UUID) -> Any:
    return (Payment.order_id == order_id) & (Payment.captured > 0)
