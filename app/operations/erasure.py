"""A person goes: what names them is taken out of every table, in one transaction, and what the
shop owes to others stays.

Kept, and why: an order's figures, and of its address the country, region and postal code, because
tax was paid there; the invoices as they were issued, because tax law asks for them unchanged for
years (GDPR, article 17 (3) b); the person's id, which names nobody any more. The append-only
journals hold ids, states, figures and words of the shop's own. What was bought as a guest is not
the account's, and neither is a mailbox whose address was only typed.

Sources: GDPR (EU 2016/679), articles 17 and 4 (5).
"""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, and_, case, cast, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.accounts import queries as accounts
from app.accounts import service
from app.accounts.errors import OrdersUnderWay, WrongPassword
from app.accounts.events import AccountErased
from app.accounts.models import Address, MailedToken, Role, User
from app.accounts.passwords import UNUSABLE
from app.cart.models import Cart, CartMerge
from app.cart.states import CartStatus
from app.checkout.models import Checkout
from app.events.outbox import announce
from app.notifications.models import Notification, NotificationStatus, OptOut
from app.operations.mailboxes import letters_of, opt_outs_of
from app.orders.models import Cancellation, Order, Return, ReturnItem
from app.orders.states import OrderState
from app.payments.models import Capture, Payment, Refund
from app.platform.db import ShopSession
from app.platform.idempotency import IdempotencyKey
from app.platform.metrics import ACCOUNTS
from app.reviews.models import Review
from app.saga.states import LIVE, SagaState
from app.shipping import labels
from app.shipping.models import Shipment

_UNDER_WAY = (OrderState.CONFIRMED, OrderState.SHIPPED)
_NOT_ENDED = (*LIVE, SagaState.NEEDS_ATTENTION)
_NOBODY = {"name": "", "line1": "", "line2": "", "city": "", "phone": ""}


def erase(session: ShopSession, user_id: UUID, *, proven_hash: str) -> None:
    """Erase a person who proved the password behind `proven_hash`.

    Raises OrdersUnderWay while anything bought, or money, is on its way, LastOfMerchant for the
    last one of a merchant's people, and WrongPassword where it was changed meanwhile; nothing is
    changed then.
    """
    # Carts first, then the merchant, then the person: in this order others take them, too.
    session.execute(select(Cart.id).where(Cart.user_id == user_id).with_for_update())
    sells_for = accounts.signed_in(session, user_id).merchant_id
    if sells_for is not None:
        accounts.merchant(session, sells_for, lock=True)
    user = accounts.lock_person(session, user_id)
    if user.password_hash != proven_hash:
        raise WrongPassword("This is not the account's password.")
    service.refuse_last(session, user)
    _refuse_under_way(session, user_id)
    nobody = f"erased-{secrets.token_hex(16)}@erased.invalid"  # that nobody could have taken before
    _silence(session, user)
    _blank_purchases(session, user_id, nobody)
    _blank_words(session, user_id)
    _erase_labels(session, user_id)
    _empty(session, user)
    _close_account(session, user, nobody)
    announce(session, AccountErased(user_id=user_id))
    session.afterwards(ACCOUNTS.labels(outcome="erased").inc)


def _refuse_under_way(session: Session, user_id: UUID) -> None:
    theirs = _orders(user_id)
    numbers = session.scalars(
        select(Order.number).where(Order.user_id == user_id, Order.state.in_(_UNDER_WAY)).limit(20)
    ).all()
    moving = [
        select(row.id).where(row.order_id.in_(theirs), row.state.in_(_NOT_ENDED)).exists()
        for row in (Capture, Refund, Return, Cancellation, Shipment)
    ]
    moving.append(
        select(Checkout.id)
        .where(Checkout.user_id == user_id, Checkout.state.in_(_NOT_ENDED))
        .exists()
    )
    if numbers or session.scalar(select(or_(*moving))):
        raise OrdersUnderWay(
            "Something you bought, or money, is still on its way; come back when it has arrived.",
            orders=list(numbers),
        )


def _blank_purchases(session: Session, user_id: UUID, nobody: str) -> None:
    for table in (Order, Checkout):
        _change(
            session,
            update(table)
            .where(table.user_id == user_id)
            .values(email=nobody, address=table.address.op("||")(cast(_NOBODY, JSONB))),
        )
    # The digest was made of the address, too; the token names a card.
    _change(
        session,
        update(Checkout)
        .where(Checkout.user_id == user_id)
        .values(digest="", payment_method_token=""),
    )
    _change(session, update(Review).where(Review.user_id == user_id).values(author=""))


def _blank_words(session: Session, user_id: UUID) -> None:
    """What people typed about these orders, and what names the card they were paid with."""
    theirs = _orders(user_id)
    for table in (Cancellation, Refund, Return, ReturnItem):
        _change(session, update(table).where(table.order_id.in_(theirs)).values(reason=""))
    _change(session, update(Return).where(Return.order_id.in_(theirs)).values(decision_reason=None))
    without_card = Payment.request.op("-", return_type=JSONB())(cast("payment_method", Text))
    _change(
        session, update(Payment).where(Payment.order_id.in_(theirs)).values(request=without_card)
    )


def _erase_labels(session: ShopSession, user_id: UUID) -> None:
    """The rows say at once that the labels go; the files follow."""
    labels.erase_of(session, session.scalars(_orders(user_id)).all())
    session.nudge("shipping.delete_labels", id=user_id)


def _silence(session: Session, user: User) -> None:
    """No letter goes to them any more, and none says whom it went to, or what a mail server said
    of them."""
    status = Notification.status
    withheld = literal(NotificationStatus.WITHHELD, status.type)
    never_sent = status.in_([NotificationStatus.QUEUED, NotificationStatus.WITHHELD])
    _change(
        session,
        update(Notification)
        .where(letters_of(user))
        .values(
            recipient=func.concat("erased-", Notification.id, "@erased.invalid"),
            facts={},
            status=case((status == NotificationStatus.QUEUED, withheld), else_=status),
            last_error=case((never_sent, "erased"), else_=None),
        ),
    )
    _change(session, delete(OptOut).where(opt_outs_of(user)))


def _empty(session: Session, user: User) -> None:
    _change(session, delete(Address).where(Address.user_id == user.id))
    nobodys = and_(MailedToken.user_id.is_(None), MailedToken.email == user.email)  # open nothing
    _change(session, delete(MailedToken).where(or_(MailedToken.user_id == user.id, nobodys)))
    _change(session, delete(CartMerge).where(CartMerge.user_id == user.id))
    _change(
        session, delete(Cart).where(Cart.user_id == user.id, Cart.status == CartStatus.OPEN)
    )  # an ordered one is part of its order; lines go with their cart
    _change(
        session, delete(IdempotencyKey).where(IdempotencyKey.scope.startswith(f"user:{user.id} "))
    )  # answers that were kept may show an address


def _close_account(session: Session, user: User, nobody: str) -> None:
    service.end_sessions(session, user.id)
    _change(
        session,
        update(User)
        .where(User.id == user.id)
        .values(
            email=nobody,
            name="",
            password_hash=UNUSABLE,
            role=Role.CUSTOMER,
            merchant_id=None,
            email_verified_at=None,
            erased_at=func.shop_now(),
        ),
    )


def _orders(user_id: UUID) -> Select[UUID]:
    return select(Order.id).where(Order.user_id == user_id)


def _change(session: Session, statement: Any) -> None:
    session.execute(statement.execution_options(synchronize_session=False))
