"""Which letters, and which wishes about letters, are a person's.

Letters go by what they are about. An address typed into a purchase proves nothing: it may be a
stranger's, and what else lies in that mailbox is the stranger's. An account's own address counts
once it is proven, and where its person sells: the shop wrote that one down itself.
"""

from sqlalchemy import ColumnElement, and_, any_, false, func, or_, select

from app.accounts.models import User
from app.notifications.models import Notification, OptOut
from app.orders.models import Order

TO_SELLERS = ("low_stock", "return_to_decide")  # about others' orders, or about nobody's


def letters_of(user: User) -> ColumnElement[bool]:
    """Letters about their orders and their account, wherever these went; those to sellers that
    came to their own address, whatever its case."""
    orders = select(Order.id).where(Order.user_id == user.id).scalar_subquery()
    subject = Notification.subject_id  # compared with an array, for which there is an index
    about = and_(
        Notification.template.not_in(TO_SELLERS),
        or_(subject == any_(func.array(orders)), subject == user.id),
    )
    if not _is_proven(user):
        return about
    to_them = func.lower(Notification.recipient) == func.lower(user.email)
    return or_(about, and_(Notification.template.in_(TO_SELLERS), to_them))


def opt_outs_of(user: User) -> ColumnElement[bool]:
    """What their own address does not want. That of an address nobody proved may be the wish of
    whoever has it."""
    return OptOut.recipient == user.email if _is_proven(user) else false()


def _is_proven(user: User) -> bool:
    return user.email_verified_at is not None or user.merchant_id is not None
