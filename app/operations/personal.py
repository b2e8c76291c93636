"""What the shop keeps about a person: which rows of which tables, and which of their columns are
told. Passwords and tokens are not: only hashes of them are kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement

from app.accounts.models import Address, MailedToken, RefreshToken, User
from app.cart.models import Cart, CartLine
from app.checkout.models import Checkout
from app.documents.models import Invoice
from app.notifications.models import Notification, OptOut
from app.operations.mailboxes import letters_of, opt_outs_of
from app.orders.models import Cancellation, Order, OrderItem, Return, ReturnItem
from app.payments.models import Payment, Refund, RefundItem
from app.pricing.models import CouponRedemption
from app.reviews.models import Review
from app.shipping.models import Shipment

PREFIXES = {
    "user_id": "usr",
    "merchant_id": "mer",
    "product_id": "prd",
    "sku_id": "sku",
    "cart_id": "crt",
    "checkout_id": "chk",
    "order_id": "ord",
    "coupon_id": "cpn",
}


@dataclass(frozen=True)
class Kind:
    """Rows of one table: what an id of them begins with, and which columns are told."""

    model: Any
    prefix: str
    columns: Sequence[str]
    within: Mapping[str, "Kind"] = field(default_factory=dict)
    owner: str = "user_id"
    theirs: Callable[[User], ColumnElement[bool]] | None = None

    def of(self, user: User) -> ColumnElement[bool]:
        """Which rows are this person's."""
        if self.theirs is not None:
            return self.theirs(user)
        mine: ColumnElement[bool] = self.model.user_id == user.id
        return mine


_WITHIN_ORDERS = {
    "items": Kind(
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
    "payments": Kind(
        Payment,
        "pay",
        ["id", "provider", "status", "amount", "captured", "refunded", "currency", "created_at"],
        owner="order_id",
    ),
    "shipments": Kind(
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
    "refunds": Kind(
        Refund,
        "ref",
        ["id", "amount", "released", "currency", "reason", "state", "created_at"],
        {"items": Kind(RefundItem, "", ["line", "sku_id", "qty", "amount"], owner="refund_id")},
        owner="order_id",
    ),
    "returns": Kind(
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
        {
            "items": Kind(
                ReturnItem,
                "",
                ["line", "sku_id", "qty", "reason", "received", "restock"],
                owner="return_id",
            )
        },
        owner="order_id",
    ),
    "cancellations": Kind(
        Cancellation, "can", ["id", "reason", "state", "created_at"], owner="order_id"
    ),
    "invoices": Kind(
        Invoice,
        "inv",
        ["id", "merchant_id", "number", "total", "currency", "figures", "issued_at"],
        owner="order_id",
    ),
}
KINDS = {
    "addresses": Kind(Address, "adr", ["id", "label", "address", "is_default", "created_at"]),
    "orders": Kind(
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
    "checkouts": Kind(
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
        {
            "coupons_used": Kind(
                CouponRedemption,
                "",
                ["coupon_id", "amount", "status", "created_at"],
                owner="checkout_id",
            )
        },
    ),
    "carts": Kind(
        Cart,
        "crt",
        ["id", "status", "currency", "created_at", "updated_at"],
        {"lines": Kind(CartLine, "", ["sku_id", "qty", "price_seen", "added_at"], owner="cart_id")},
    ),
    "reviews": Kind(
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
            "moderation_reason",
            "created_at",
            "updated_at",
        ],
    ),
    "letters": Kind(
        Notification,
        "",
        ["id", "template", "recipient", "locale", "status", "created_at", "sent_at"],
        theirs=letters_of,
    ),
    "opt_outs": Kind(OptOut, "", ["recipient", "topic", "at"], theirs=opt_outs_of),
    "mailed_tokens": Kind(
        MailedToken, "", ["id", "purpose", "email", "created_at", "expires_at", "used_at"]
    ),
    "sessions": Kind(RefreshToken, "", ["id", "created_at", "expires_at", "used_at", "revoked_at"]),
}
ACCOUNT = Kind(
    User,
    "usr",
    ["id", "email", "name", "locale", "role", "merchant_id", "email_verified_at", "created_at"],
)
