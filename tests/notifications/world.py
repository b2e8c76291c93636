"""An order that went every road, as rows: what each letter tells of is really there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func

from app.accounts.events import (
    AccountInvited,
    AccountRegistered,
    PasswordChanged,
    PasswordResetRequested,
    VerificationRequested,
)
from app.accounts.models import MailedToken, Merchant, Role, TokenPurpose, User
from app.inventory.events import StockLow
from app.inventory.models import Warehouse
from app.notifications.events import ReviewInvited
from app.orders.events import (
    OrderCanceled,
    OrderConfirmed,
    OrderDelivered,
    RefundSettled,
    ReturnApproved,
    ReturnCanceled,
    ReturnExpired,
    ReturnReceived,
    ReturnRefunded,
    ReturnRefused,
    ReturnRequested,
)
from app.orders.models import Order, OrderItem, Return, ReturnItem
from app.orders.states import Decision, OrderState
from app.payments.models import Payment, Refund, RefundItem
from app.payments.states import PaymentStatus
from app.platform.db import ShopSession
from app.platform.ids import encode, new_id
from app.saga.states import SagaState
from app.shipping.events import ShipmentCreated
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus
from tests.factories import make_merchant, make_order, make_payment, make_sku, make_user

CUSTOMER, SELLER, INVITED = "ada@example.org", "grace@example.org", "alan@example.org"
BARN, WEAVERS = "Blue Barn", "Müller & Söhne"
TRACKING_URL = "https://carrier.example/track?n=JD0001&lang=x"


@dataclass(frozen=True)
class World:
    """Who and what there is. The boots of the order were sent, the scarves are still to come."""

    customer: User
    seller: User
    invited: User
    barn: Merchant
    order: Order
    payment: Payment
    shipment: Shipment
    refund: Refund
    back: Return
    repaid: Refund
    sku_id: UUID
    tokens: dict[TokenPurpose, MailedToken]

    def ids(self) -> dict[str, str]:
        """The public id a preview of each kind of subject takes."""
        return {
            "ord": encode("ord", self.order.id),
            "shp": encode("shp", self.shipment.id),
            "ref": encode("ref", self.refund.id),
            "ret": encode("ret", self.back.id),
            "sku": encode("sku", self.sku_id),
            "usr": encode("usr", self.customer.id),
        }


def make_world(session: ShopSession, *, locale: str = "en", by_guest: bool = False) -> World:
    """Everything a letter can tell of, of one delivered order in its reader's language."""
    barn, weavers = make_merchant(session, name=BARN), make_merchant(session, name=WEAVERS)
    place = session.get_one(Warehouse, barn.default_warehouse_id)
    place.address = {"line1": "Harbour Street 3", "postal_code": "20457", "city": "Hamburg"}
    boots = make_sku(session, merchant=barn, stock=3, low_stock_at=5)
    scarves = make_sku(session, merchant=weavers, stock=9)
    customer = make_user(session, email=CUSTOMER, locale=locale)
    seller = make_user(
        session, email=SELLER, locale=locale, role=Role.MERCHANT, merchant_id=barn.id
    )
    invited = make_user(
        session, email=INVITED, locale=locale, role=Role.MERCHANT, merchant_id=weavers.id
    )
    order = make_order(
        session,
        number=f"C-{new_id().hex[-8:]}",
        state=OrderState.DELIVERED,
        email=CUSTOMER,
        user_id=None if by_guest else customer.id,
        currency="EUR",
        locale=locale,
        items_total=123_456,
        total=123_456,
    )
    for line, (sku, price, qty) in enumerate(((boots, 120_000, 1), (scarves, 1_728, 2)), start=1):
        session.add(
            OrderItem(
                order_id=order.id, line=line, sku_id=sku.id, merchant_id=sku.merchant_id,
                name=f"Boot <{line}>", code=f"B-{line}", qty=qty, price_snapshot=price,
            )
        )  # fmt: skip
    payment = make_payment(session, order=order, status=PaymentStatus.CAPTURED, captured=123_456)
    session.flush()
    back, repaid = _return(session, order, payment, boots.id, barn)
    return World(
        customer=customer,
        seller=seller,
        invited=invited,
        barn=barn,
        order=order,
        payment=payment,
        shipment=_shipment(session, order, boots.id, barn),
        refund=_refund(session, order, payment, line=2, sku_id=scarves.id, amount=1_728),
        back=back,
        repaid=repaid,
        sku_id=boots.id,
        tokens={
            purpose: _token(
                session, invited if purpose is TokenPurpose.INVITE else customer, purpose
            )
            for purpose in TokenPurpose
        },
    )


# What happened, by the letter that tells of it; one fact may write several.
FACTS: dict[str, Callable[[World], Any]] = {
    "order_confirmed": lambda w: OrderConfirmed(w.order.id, w.order.number, w.order.checkout_id),
    "order_shipped": lambda w: ShipmentCreated(w.order.id, w.shipment.id),
    "order_delivered": lambda w: OrderDelivered(w.order.id),
    "order_canceled": lambda w: OrderCanceled(w.order.id, "changed my mind"),
    "order_refunded": lambda w: RefundSettled(w.order.id, w.refund.id),
    "return_requested": lambda w: ReturnRequested(w.back.id, w.order.id),
    "return_approved": lambda w: ReturnApproved(w.back.id, w.order.id),
    "return_refused": lambda w: ReturnRefused(w.back.id, w.order.id),
    "return_received": lambda w: ReturnReceived(w.back.id, w.order.id),
    "return_refunded": lambda w: ReturnRefunded(w.back.id, w.order.id, w.repaid.id),
    "return_canceled": lambda w: ReturnCanceled(w.back.id, w.order.id),
    "return_expired": lambda w: ReturnExpired(w.back.id, w.order.id),
    "return_to_decide": lambda w: ReturnRequested(w.back.id, w.order.id),
    "low_stock": lambda w: StockLow(w.sku_id, w.barn.id, 3),
    "review_invitation": lambda w: ReviewInvited(w.order.id),
    "account_welcome": lambda w: AccountRegistered(w.customer.id, _id(w, TokenPurpose.VERIFY)),
    "account_verify": lambda w: VerificationRequested(w.customer.id, _id(w, TokenPurpose.VERIFY)),
    "account_reset": lambda w: PasswordResetRequested(_id(w, TokenPurpose.RESET)),
    "account_password_changed": lambda w: PasswordChanged(w.customer.id),
    "account_invited": lambda w: AccountInvited(
        w.invited.id, w.barn.id, _id(w, TokenPurpose.INVITE)
    ),
}


def _id(world: World, purpose: TokenPurpose) -> UUID:
    return world.tokens[purpose].id


def _saga(step: str) -> dict[str, Any]:
    deadline = func.shop_now() + timedelta(hours=1)
    return {"step": step, "state": SagaState.CONFIRMED, "deadline": deadline}


def _shipment(session: ShopSession, order: Order, sku_id: UUID, barn: Merchant) -> Shipment:
    shipment = Shipment(
        order_id=order.id, merchant_id=barn.id, warehouse_id=barn.default_warehouse_id,
        status=ShipmentStatus.DELIVERED, carrier="DHL", service="standard", amount=0,
        currency="EUR", actor="test", tracking_number="JD0001", tracking_url=TRACKING_URL,
        **_saga("notify"),
    )  # fmt: skip
    session.add(shipment)
    session.flush()
    session.add(
        ShipmentItem(shipment_id=shipment.id, order_id=order.id, line=1, sku_id=sku_id, qty=1)
    )
    session.flush()
    return shipment


def _refund(
    session: ShopSession, order: Order, payment: Payment, *, line: int, sku_id: UUID, amount: int
) -> Refund:
    refund = Refund(
        id=new_id(), order_id=order.id, payment_id=payment.id, amount=amount, currency="EUR",
        reason="damaged", actor="test", idempotency_key=str(new_id()), **_saga("settle"),
    )  # fmt: skip
    session.add(refund)
    session.flush()
    session.add(
        RefundItem(
            refund_id=refund.id, order_id=order.id, line=line, sku_id=sku_id, qty=1, amount=amount
        )
    )
    session.flush()
    return refund


def _return(
    session: ShopSession, order: Order, payment: Payment, sku_id: UUID, barn: Merchant
) -> tuple[Return, Refund]:
    repaid = _refund(session, order, payment, line=1, sku_id=sku_id, amount=120_000)
    back = Return(
        order_id=order.id, merchant_id=barn.id, reason="too small", actor="test",
        decision=Decision.APPROVED, decided_by="test", decision_reason="They were <worn>.",
        refund_id=repaid.id, **_saga("refund"),
    )  # fmt: skip
    session.add(back)
    session.flush()
    session.add(
        ReturnItem(
            return_id=back.id, order_id=order.id, line=1, sku_id=sku_id, qty=1, reason="too small",
            received=1, restock=1,
        )
    )  # fmt: skip
    session.flush()
    return back, repaid


def _token(session: ShopSession, user: User, purpose: TokenPurpose) -> MailedToken:
    token = MailedToken(
        user_id=user.id, purpose=purpose, email=user.email,
        expires_at=func.shop_now() + timedelta(days=30),
    )  # fmt: skip
    session.add(token)
    session.flush()
    return token
