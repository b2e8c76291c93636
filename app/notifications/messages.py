"""What letters say: Jinja2 templates, a text and an HTML part each, amounts as people write
them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Merchant
from app.notifications.models import Notification
from app.notifications.ports import Letter
from app.orders.models import Order
from app.orders.queries import find_order
from app.platform.money import Money

_templates = Environment(
    loader=PackageLoader("app.notifications", "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Line:
    """One line as the customer reads it; prices are texts in the order's currency."""

    name: str
    code: str
    merchant: str
    qty: int
    price: str
    subtotal: str


def write(session: Session, notification: Notification) -> Letter:
    """Write a queued letter from what the shop knows now.

    Raises OrderNotFound, and jinja2.TemplateError for a template that is not there or asks for what
    nobody gave.
    """
    about = _about_order(session, notification.subject_id)
    words = {**notification.facts, **about}
    return Letter(
        id=notification.id,
        recipient=notification.recipient,
        subject=" ".join(_render(f"{notification.template}.subject.txt", words).split()),
        text=_render(f"{notification.template}.txt", words),
        html=_render(f"{notification.template}.html", words),
    )


def _about_order(session: Session, order_id: UUID) -> dict[str, Any]:
    order = find_order(session, order_id)
    merchant_ids = {item.merchant_id for item in order.items}
    names = {
        row.id: row.name
        for row in session.execute(
            select(Merchant.id, Merchant.name).where(Merchant.id.in_(merchant_ids))
        )
    }
    return {
        "number": order.number or "",
        "lines": [
            Line(
                name=item.name,
                code=item.code,
                merchant=names[item.merchant_id],
                qty=item.qty,
                price=_money(item.price_snapshot, order),
                subtotal=_money(item.price_snapshot * item.qty, order),
            )
            for item in order.items
        ],
        "merchants": sorted(names.values()),
        "amounts": _amounts(order),
        "total": _money(order.total, order),
        "address": _postal(order.address),
    }


def _amounts(order: Order) -> list[tuple[str, str]]:
    """The sums above the total, in the order in which they add up; what is zero is left out."""
    not_included = order.tax - order.tax_included
    rows = [("Items", order.items_total), ("Shipping", order.shipping)]
    rows += [("Discount", -order.discount)] if order.discount else []
    rows += [("Tax", not_included)] if not_included else []
    rows += [("Tax, included above", order.tax_included)] if order.tax_included else []
    return [(name, _money(amount, order)) for name, amount in rows]


def _postal(address: Mapping[str, Any]) -> list[str]:
    """The lines of a parcel's label."""
    city = f"{address.get('postal_code') or ''} {address.get('city') or ''}".strip()
    lines = [
        address.get("name"),
        address.get("line1"),
        address.get("line2"),
        city,
        address.get("region"),
        address.get("country"),
    ]
    return [str(line) for line in lines if line]


def _money(minor: int, order: Order) -> str:
    return str(Money(minor, order.currency))


def _render(name: str, words: Mapping[str, Any]) -> str:
    return _templates.get_template(name).render(words)
