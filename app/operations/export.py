"""Everything the shop keeps about a person, as JSON that is written while it is read.

A page at a time, each in a transaction of its own that ends before the page is handed on: however
much there is, and however slowly somebody reads, neither memory nor a connection waits for it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.accounts.models import Address, MailedToken, RefreshToken, User
from app.cart.models import Cart, CartLine
from app.checkout.models import Checkout
from app.notifications.models import Notification
from app.operations.breaches import public_id
from app.orders.models import Cancellation, Order, OrderItem, Return
from app.payments.models import Payment, Refund
from app.platform.db import Database
from app.reviews.models import Review
from app.shipping.models import Shipment

PAGE_ROWS = 200
_PREFIXES = {
    "user_id": "usr",
    "merchant_id": "mer",
    "product_id": "prd",
    "sku_id": "sku",
    "cart_id": "crt",
    "checkout_id": "chk",
    "order_id": "ord",
}


@dataclass(frozen=True)
class _Kind:
    """Rows of one table: what an id of them begins with, and which columns are told."""

    model: Any
    prefix: str
    columns: Sequence[str]
    within: Mapping[str, "_Kind"] = field(default_factory=dict)
    owner: str = "user_id"


_WITHIN_ORDERS = {
    "items": _Kind(
        OrderItem,
        "",
        [
            "line",
            "sku_id",
            "merchant_id",
            "name",
            "code",
            "qty",
            "price_snapshot",
            "discount",
            "tax",
            "tax_included",
        ],
        owner="order_id",
    ),
    "payments": _Kind(
        Payment,
        "pay",
        ["id", "provider", "status", "amount", "captured", "refunded", "currency", "created_at"],
        owner="order_id",
    ),
    "shipments": _Kind(
        Shipment,
        "shp",
        [
            "id",
            "merchant_id",
            "status",
            "carrier",
            "service",
            "tracking_number",
            "shipped_at",
            "delivered_at",
        ],
        owner="order_id",
    ),
    "refunds": _Kind(
        Refund,
        "ref",
        ["id", "amount", "released", "currency", "reason", "state", "created_at"],
        owner="order_id",
    ),
    "returns": _Kind(
        Return,
        "ret",
        [
            "id",
            "merchant_id",
            "reason",
            "decision",
            "decision_reason",
            "state",
            "received_at",
            "created_at",
        ],
        owner="order_id",
    ),
    "cancellations": _Kind(
        Cancellation, "can", ["id", "reason", "state", "created_at"], owner="order_id"
    ),
}
_KINDS = {
    "addresses": _Kind(Address, "adr", ["id", "label", "address", "is_default", "created_at"]),
    "orders": _Kind(
        Order,
        "ord",
        [
            "id",
            "number",
            "state",
            "email",
            "address",
            "items_total",
            "shipping",
            "discount",
            "tax",
            "tax_included",
            "total",
            "currency",
            "shipping_service",
            "locale",
            "created_at",
        ],
        _WITHIN_ORDERS,
    ),
    "checkouts": _Kind(
        Checkout,
        "chk",
        [
            "id",
            "cart_id",
            "order_id",
            "state",
            "email",
            "address",
            "coupon",
            "shipping_service",
            "created_at",
        ],
    ),
    "carts": _Kind(
        Cart,
        "crt",
        ["id", "status", "currency", "created_at", "updated_at"],
        {
            "lines": _Kind(
                CartLine, "", ["sku_id", "qty", "price_seen", "added_at"], owner="cart_id"
            )
        },
    ),
    "reviews": _Kind(
        Review,
        "rev",
        [
            "id",
            "product_id",
            "order_id",
            "rating",
            "title",
            "text",
            "author",
            "status",
            "created_at",
            "updated_at",
        ],
    ),
    "letters": _Kind(
        Notification,
        "",
        ["id", "template", "recipient", "locale", "status", "created_at", "sent_at"],
    ),
    "mailed_tokens": _Kind(
        MailedToken, "", ["id", "purpose", "email", "created_at", "expires_at", "used_at"]
    ),
    "sessions": _Kind(
        RefreshToken, "", ["id", "created_at", "expires_at", "used_at", "revoked_at"]
    ),
}
_ACCOUNT = _Kind(
    User,
    "usr",
    ["id", "email", "name", "locale", "role", "merchant_id", "email_verified_at", "created_at"],
)


def document(db: Database, user: User, *, page_rows: int = PAGE_ROWS) -> Iterator[str]:
    """One JSON object in pieces: `account`, then a list of each kind of thing, oldest first.

    Amounts are in minor units. Passwords and tokens are not told: only hashes of them are kept.
    """
    yield '{"account": ' + json.dumps(_told(_ACCOUNT, user))
    with db.reading() as session:
        mailboxes = mail_addresses(session, user)
    for name, kind in _KINDS.items():
        mine = (
            Notification.recipient.in_(mailboxes)
            if kind.model is Notification
            else kind.model.user_id == user.id
        )
        yield f', "{name}": ['
        separator = ""
        for page in _pages(db, kind, mine, page_rows):
            yield separator + ", ".join(json.dumps(row) for row in page)
            separator = ", "
        yield "]"
    yield "}"


def mail_addresses(session: Session, user: User) -> list[str]:
    """Where letters to a person went: the account's address, and those given with a purchase."""
    given = session.scalars(
        select(Order.email)
        .where(Order.user_id == user.id)
        .union(select(Checkout.email).where(Checkout.user_id == user.id))
    )
    return sorted({user.email, *given})


def _pages(
    db: Database, kind: _Kind, mine: ColumnElement[bool], page_rows: int
) -> Iterator[list[dict[str, Any]]]:
    after: UUID | None = None
    while True:
        wanted = select(kind.model).where(mine).order_by(kind.model.id).limit(page_rows)
        if after is not None:
            wanted = wanted.where(kind.model.id > after)
        with db.reading() as session:
            rows = session.scalars(wanted).all()
            page = [_told(kind, row) for row in rows]
            for name, inner in kind.within.items():
                found = _within(session, inner, [row.id for row in rows])
                for row, told in zip(rows, page, strict=True):
                    told[name] = found[row.id]
        if page:
            yield page
        if len(rows) < page_rows:
            return
        after = rows[-1].id


def _within(
    session: Session, kind: _Kind, owners: Sequence[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    column = getattr(kind.model, kind.owner)
    order = kind.model.__mapper__.primary_key
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in session.scalars(select(kind.model).where(column.in_(owners)).order_by(*order)):
        found[getattr(row, kind.owner)].append(_told(kind, row))
    return found


def _told(kind: _Kind, row: Any) -> dict[str, Any]:
    return {name: _plain(kind, name, getattr(row, name)) for name in kind.columns}


def _plain(kind: _Kind, name: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return public_id(kind.prefix if name == "id" else _PREFIXES.get(name, ""), value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
