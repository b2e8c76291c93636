"""Which letters are written when something happened."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.accounts.events import (
    AccountInvited,
    AccountRegistered,
    PasswordChanged,
    PasswordResetRequested,
    VerificationRequested,
)
from app.accounts.queries import addressee, person
from app.events import inbox
from app.events.outbox import announce
from app.events.registry import on
from app.inventory.events import StockLow
from app.notifications import queries, service
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
from app.orders.going_back import find_return, return_of_refund
from app.orders.queries import find_order
from app.platform.db import ShopSession
from app.shipping.events import ShipmentCreated

CONSUMER = "notifications"
REVIEW_AFTER = timedelta(days=7)  # long enough to have worn it, short enough to remember it
_AT_ONCE = timedelta(0)


@on(OrderConfirmed, consumer=CONSUMER)
def confirm_to_the_customer(session: ShopSession, confirmed: OrderConfirmed) -> None:
    """Queue the confirmation to whoever ordered, guest or customer."""
    _to_the_customer(session, "order_confirmed", confirmed.order_id)


@on(ShipmentCreated, consumer=CONSUMER)
def tell_of_a_parcel(session: ShopSession, created: ShipmentCreated) -> None:
    """One letter a parcel, however many an order makes."""
    shipment_id = str(created.shipment_id)
    _to_the_customer(session, "order_shipped", created.order_id, shipment_id=shipment_id)


@on(OrderDelivered, consumer=CONSUMER)
def tell_of_the_delivery(session: ShopSession, delivered: OrderDelivered) -> None:
    """Everything has arrived. Who has an account may say how it was liked."""
    _to_the_customer(session, "order_delivered", delivered.order_id)
    if find_order(session, delivered.order_id).user_id is not None:
        announce(session, ReviewInvited(delivered.order_id))


@on(ReviewInvited, consumer=CONSUMER)
def invite_to_review(session: ShopSession, invited: ReviewInvited) -> None:
    """Some days later; what has changed until then is looked at when it is written."""
    _to_the_customer(session, "review_invitation", invited.order_id, wait=REVIEW_AFTER)


@on(OrderCanceled, consumer=CONSUMER)
def tell_of_the_cancellation(session: ShopSession, canceled: OrderCanceled) -> None:
    """What becomes of the money stands in the same letter."""
    _to_the_customer(session, "order_canceled", canceled.order_id)


@on(RefundSettled, consumer=CONSUMER)
def tell_of_a_refund(session: ShopSession, settled: RefundSettled) -> None:
    """Each refund by a letter; that of a return has its own."""
    if return_of_refund(session, settled.refund_id) is None:
        refund_id = str(settled.refund_id)
        _to_the_customer(session, "order_refunded", settled.order_id, refund_id=refund_id)


@on(ReturnRequested, consumer=CONSUMER)
def tell_that_a_return_was_asked_for(session: ShopSession, requested: ReturnRequested) -> None:
    """So that the customer knows that it has come in, and the merchant that it has to decide."""
    _of_a_return(session, "return_requested", requested)
    _to_the_merchant(
        session,
        "return_to_decide",
        find_return(session, requested.return_id).row.merchant_id,
        subject_id=requested.order_id,
        return_id=str(requested.return_id),
    )


@on(ReturnApproved, consumer=CONSUMER)
def tell_that_a_return_was_approved(session: ShopSession, approved: ReturnApproved) -> None:
    """With where the goods are to go."""
    _of_a_return(session, "return_approved", approved)


@on(ReturnRefused, consumer=CONSUMER)
def tell_that_a_return_was_refused(session: ShopSession, refused: ReturnRefused) -> None:
    """With the reason the merchant gave."""
    _of_a_return(session, "return_refused", refused)


@on(ReturnReceived, consumer=CONSUMER)
def tell_that_a_return_has_arrived(session: ShopSession, received: ReturnReceived) -> None:
    """The money follows."""
    _of_a_return(session, "return_received", received)


@on(ReturnRefunded, consumer=CONSUMER)
def tell_that_a_return_is_refunded(session: ShopSession, refunded: ReturnRefunded) -> None:
    """The end of a return."""
    _of_a_return(session, "return_refunded", refunded)


@on(ReturnCanceled, consumer=CONSUMER)
def tell_that_a_return_was_called_off(session: ShopSession, canceled: ReturnCanceled) -> None:
    """So that nobody sends what nobody waits for."""
    _of_a_return(session, "return_canceled", canceled)


@on(ReturnExpired, consumer=CONSUMER)
def tell_that_a_return_has_expired(session: ShopSession, expired: ReturnExpired) -> None:
    """Who still wants it has to ask again."""
    _of_a_return(session, "return_expired", expired)


@on(StockLow, consumer=CONSUMER)
def tell_the_merchant(session: ShopSession, low: StockLow) -> None:
    """What runs low is for its merchant to bring in."""
    _to_the_merchant(session, "low_stock", low.merchant_id, subject_id=low.sku_id)


@on(AccountRegistered, consumer=CONSUMER)
def welcome(session: ShopSession, registered: AccountRegistered) -> None:
    """Ask whether the address is theirs."""
    _with_token(session, "account_welcome", registered.token_id)


@on(VerificationRequested, consumer=CONSUMER)
def ask_again_for_the_address(session: ShopSession, requested: VerificationRequested) -> None:
    """The same without the welcome."""
    _with_token(session, "account_verify", requested.token_id)


@on(PasswordResetRequested, consumer=CONSUMER)
def let_choose_a_password(session: ShopSession, requested: PasswordResetRequested) -> None:
    """Nobody is written to where nobody has the address that was given."""
    _with_token(session, "account_reset", requested.token_id)


@on(AccountInvited, consumer=CONSUMER)
def invite_to_sell(session: ShopSession, invited: AccountInvited) -> None:
    """Let the invited choose a password."""
    _with_token(session, "account_invited", invited.token_id)


@on(PasswordChanged, consumer=CONSUMER)
def tell_of_a_new_password(session: ShopSession, changed: PasswordChanged) -> None:
    """So that nobody's is changed behind their back."""
    user = person(session, changed.user_id)
    if user is not None:
        service.queue_letter(
            session,
            "account_password_changed",
            event_id=inbox.event_id(session),
            subject_id=user.id,
            recipient=user.email,
            locale=user.locale or "en",
        )


def _of_a_return(session: ShopSession, template: str, told: Any) -> None:
    _to_the_customer(session, template, told.order_id, return_id=str(told.return_id))


def _to_the_merchant(
    session: ShopSession, template: str, merchant_id: UUID, *, subject_id: UUID, **facts: str
) -> None:
    """Everyone who sells for the merchant, each in their own language."""
    for recipient, locale in queries.readers_of(session, merchant_id):
        service.queue_letter(
            session,
            template,
            event_id=inbox.event_id(session),
            subject_id=subject_id,
            recipient=recipient,
            locale=locale,
            facts=facts,
        )


def _to_the_customer(
    session: ShopSession,
    template: str,
    order_id: UUID,
    *,
    wait: timedelta = _AT_ONCE,
    **facts: str,
) -> None:
    order = find_order(session, order_id)
    service.queue_letter(
        session,
        template,
        event_id=inbox.event_id(session),
        subject_id=order.id,
        recipient=order.email,
        locale=order.locale,
        facts=facts,
        wait=wait,
    )


def _with_token(session: ShopSession, template: str, token_id: UUID) -> None:
    user = addressee(session, token_id)
    if user is not None:
        service.queue_letter(
            session,
            template,
            event_id=inbox.event_id(session),
            subject_id=user.id,
            recipient=user.email,
            locale=user.locale or "en",
            facts={"token_id": str(token_id)},
        )
