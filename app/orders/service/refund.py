"""Give money back: for units, for all that is left, or just some."""

from collections.abc import Mapping
from uuid import UUID

from app.orders.errors import (
    CancellationUnderWay,
    NotYoursAlone,
    RefundAmbiguous,
    UnknownLine,
)
from app.orders.models import Order
from app.orders.queries import lock_order
from app.orders.service import apportion
from app.orders.service.apportion import Part, Plan
from app.orders.service.books import Books, look
from app.orders.states import OrderState
from app.payments.models import Refund, RefundItem
from app.platform.db import ShopSession
from app.platform.ids import encode, new_id
from app.saga import engine


def request(
    session: ShopSession,
    order_id: UUID,
    *,
    reason: str,
    actor: str,
    amount: int | None = None,
    lines: Mapping[int, int] | None = None,
    restock: bool = False,
    merchant_id: UUID | None = None,
) -> Refund:
    """Give back an amount, the share of some units, or without either all that is left.

    Units that have not left never will; of the others `restock` puts those on the shelf again. A
    merchant gives back the money of its own lines; more only where all are its own. Raises
    OrderNotFound, NotYoursAlone, UnknownLine, RefundAmbiguous, CancellationUnderWay, and what
    `apportion` refuses.
    """
    order = lock_order(session, order_id)
    _check_words(amount, lines, restock)
    _check_lines(order, lines, merchant_id)
    books = look(session, order)
    _check_open(order, books, amount)
    _check_shelf(books, lines, restock=restock)
    if lines is not None:
        plan = apportion.of_lines(books, lines)
    elif amount is not None:
        plan = apportion.of_amount(books, amount)
    else:
        plan = apportion.of_everything(books)
    return _begin(session, books, plan, reason=reason, actor=actor, restock=restock)


def of_units(
    session: ShopSession,
    order: Order,
    *,
    units: Mapping[int, int],
    reason: str,
    actor: str,
    restock_to: UUID | None,
    unshipped: bool,
) -> Refund:
    """Give back the share of some units of a locked order, by line, as far as money is left.

    `unshipped`: a parcel was canceled and they never will be sent; where they had left the
    reserved stock, `restock_to` is the warehouse they are put back in. Otherwise they were sent
    and came back; `restock_to` puts them on the shelf there, None leaves the stock alone.
    """
    books = look(session, order)
    plan_of = apportion.of_parcel if unshipped else apportion.of_goods
    plan = plan_of(books, units, restock_to)
    restock = restock_to is not None and not unshipped
    return _begin(session, books, plan, reason=reason, actor=actor, restock=restock)


def _check_words(amount: int | None, lines: Mapping[int, int] | None, restock: bool) -> None:
    if amount is not None and lines is not None:
        raise RefundAmbiguous("Name an amount or lines, not both; without either all is refunded.")
    if amount is not None and restock:
        raise RefundAmbiguous("An amount is of no units that could be restocked; name lines.")


def _check_lines(order: Order, lines: Mapping[int, int] | None, merchant_id: UUID | None) -> None:
    mine = [item.line for item in order.items if merchant_id in (None, item.merchant_id)]
    if lines is None:
        if len(mine) < len(order.items):
            raise NotYoursAlone("Other merchants have a part in this order; name your own lines.")
        return
    unknown = sorted(set(lines) - set(mine))
    if unknown:
        fields = [{"field": "lines", "detail": f"There is no line {line}."} for line in unknown]
        raise UnknownLine("The order has no such line.", fields=fields)


def _check_shelf(books: Books, lines: Mapping[int, int] | None, *, restock: bool) -> None:
    """What came back by a return lies on the shelf already; its refund is given anew there."""
    home = set(books.home.unpaid) if restock else set()
    twice = sorted(home if lines is None else home & set(lines))
    if twice:
        raise RefundAmbiguous(
            f"Units of lines {twice} came back by a return and lie on the shelf: retry its refund,"
            " or refund them without restock."
        )


def _check_open(order: Order, books: Books, amount: int | None) -> None:
    """All the money of a canceled order goes back with that; what its bank sent back to the shop
    may be given back once more, by amount."""
    if order.state == OrderState.CANCELED and not books.under_way.closing and amount is not None:
        return
    if order.state == OrderState.CANCELED or books.under_way.cancellations:
        raise CancellationUnderWay("The order is canceled: all its money goes back with that.")


def _begin(
    session: ShopSession, books: Books, plan: Plan, *, reason: str, actor: str, restock: bool
) -> Refund:
    """Write the refund: from now on it counts against the payment and the units."""
    identity, payment = new_id(), books.payment
    refund = Refund(
        id=identity,
        order_id=books.order.id,
        payment_id=None if payment is None else payment.id,
        merchant_id=_only_merchant(books, plan),
        amount=plan.amount,
        released=plan.released,
        currency=books.order.currency,
        reason=reason,
        actor=actor,
        idempotency_key=f"{encode('ref', identity)}:repay:1",
    )
    engine.start(session, "refund", refund)
    parts = apportion.restocked(plan.parts, restock=restock)
    session.add_all([_item(refund, part, restock=restock) for part in parts])
    session.flush()
    return refund


def _only_merchant(books: Books, plan: Plan) -> UUID | None:
    lines = [part.line for part in plan.parts] or list(books.units)
    merchants = {books.units[line].merchant_id for line in lines}
    return merchants.pop() if len(merchants) == 1 else None


def _item(refund: Refund, part: Part, *, restock: bool) -> RefundItem:
    return RefundItem(
        refund_id=refund.id,
        order_id=refund.order_id,
        line=part.line,
        sku_id=part.sku_id,
        qty=part.qty,
        unshipped=part.unshipped,
        astray=part.astray,
        at_home=part.at_home,
        warehouse_id=part.warehouse_id,
        amount=part.due + part.released,
        restock=restock and part.qty > part.unshipped + part.at_home,
    )
