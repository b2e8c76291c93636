"""Goods that come back: asked for, decided, called off, received. The saga does the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select

from app.events.outbox import announce
from app.inventory.errors import WarehouseNotFound
from app.inventory.models import Warehouse
from app.orders import going_back
from app.orders.errors import (
    CancellationUnderWay,
    LinesOfSeveralMerchants,
    MoreThanAnnounced,
    NotTheReturnsTurn,
    ShipmentUnderWay,
    TooManyUnits,
    UnknownLine,
)
from app.orders.events import ReturnApproved, ReturnReceived, ReturnRefused, ReturnRequested
from app.orders.models import Order, Return, ReturnItem
from app.orders.queries import UNDONE, lock_order
from app.orders.service import refund as refunds
from app.orders.service.books import Books, look
from app.orders.states import Decision, OrderState
from app.orders.views import status_of
from app.payments.models import Refund
from app.payments.service.bounced import INCIDENT
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.platform.metrics import RETURNS
from app.saga import engine
from app.saga.incidents import close_incident
from app.saga.states import LIVE, Direction
from app.shipping.states import ShipmentStatus

KIND = "return"
_TO_FINISH = timedelta(days=1)  # what is decided or has arrived counts, also on the last day


@dataclass(frozen=True)
class Wanted:
    """Units of one line that a customer wants to send back, and why."""

    line: int
    qty: int
    reason: str = ""


@dataclass(frozen=True)
class Arrived:
    """Units of one line that arrived; `restock` of them, or all, go on the shelf."""

    line: int
    received: int
    restock: int | None = None


def request(
    session: ShopSession,
    order_id: UUID,
    *,
    lines: Sequence[Wanted],
    reason: str,
    actor: str,
    merchant_id: UUID | None = None,
) -> Return:
    """Ask to send units of one merchant back that have left; it decides.

    Raises OrderNotFound, UnknownLine, LinesOfSeveralMerchants, CancellationUnderWay, TooManyUnits,
    ShipmentUnderWay.
    """
    order = lock_order(session, order_id)
    goes_to = _merchant_of(order, lines, merchant_id)
    books = look(session, order)
    if order.state == OrderState.CANCELED or books.under_way.cancellations:
        raise CancellationUnderWay("The order is canceled; nothing of it was sent.")
    _check_units(books, {each.line: each.qty for each in lines})
    row = Return(id=new_id(), order_id=order.id, merchant_id=goes_to, reason=reason, actor=actor)
    engine.start(session, KIND, row)
    session.add_all(
        ReturnItem(
            return_id=row.id,
            order_id=order.id,
            line=each.line,
            sku_id=books.units[each.line].sku_id,
            qty=each.qty,
            reason=each.reason or reason,
        )
        for each in lines
    )
    announce(session, ReturnRequested(return_id=row.id, order_id=order.id))
    session.afterwards(RETURNS.labels(outcome="requested").inc)
    return row


def decide(
    session: ShopSession,
    return_id: UUID,
    decision: Decision,
    *,
    actor: str,
    reason: str | None = None,
    merchant_id: UUID | None = None,
) -> Return:
    """Approve a return, or refuse it with a reason. Raises ReturnNotFound, NotTheReturnsTurn."""
    row = going_back.lock_return(session, return_id, merchant_id=merchant_id)
    if not _is_open(row) or row.decision is not None:
        raise _not_now(row, "It is not waiting for a decision.")
    row.decision, row.decided_by, row.decision_reason = decision, actor, reason
    row.deadline = func.greatest(Return.deadline, func.shop_now() + _TO_FINISH)
    if decision == Decision.APPROVED:
        announce(session, ReturnApproved(return_id=row.id, order_id=row.order_id))
        session.afterwards(RETURNS.labels(outcome="approved").inc)
    else:  # counted as it ends
        announce(session, ReturnRefused(return_id=row.id, order_id=row.order_id))
    session.flush()
    engine.wake(session, KIND, row.id, detail={"decision": str(decision)})
    return row


def receive(
    session: ShopSession,
    return_id: UUID,
    *,
    lines: Mapping[int, Arrived],
    actor: str,
    warehouse_id: UUID | None = None,
    merchant_id: UUID | None = None,
) -> Return:
    """Write down what arrived of an approved return; stock and money follow.

    Lines that are not named did not arrive. Without a warehouse, where the units were sent from.
    Raises ReturnNotFound, NotTheReturnsTurn, UnknownLine, MoreThanAnnounced, WarehouseNotFound.
    """
    row = going_back.lock_return(session, return_id, merchant_id=merchant_id)
    if not _is_open(row) or row.decision != Decision.APPROVED or row.received_at is not None:
        raise _not_now(row, "It is not waiting for its goods.")
    _count(row, lines)
    row.warehouse_id = _place(session, row, warehouse_id)
    row.received_by = actor
    row.received_at = func.shop_now()
    row.deadline = func.greatest(Return.deadline, func.shop_now() + _TO_FINISH)
    announce(session, ReturnReceived(return_id=row.id, order_id=row.order_id))
    session.flush()
    engine.wake(session, KIND, row.id, detail={"received_by": actor})
    return row


def give_back(session: ShopSession, row: Return, items: Sequence[ReturnItem], actor: str) -> Refund:
    """Begin the refund of what arrived of a locked return; it is a saga of its own."""
    given_back = refunds.of_units(
        session,
        lock_order(session, row.order_id),
        units={item.line: item.received for item in items if item.received},
        reason=row.reason,
        actor=actor,
        restock_to=None,
        unshipped=False,
    )
    row.refund_id = given_back.id
    return given_back


def give_back_again(
    session: ShopSession, return_id: UUID, *, actor: str, merchant_id: UUID | None = None
) -> Return:
    """Begin the refund of what arrived anew, where the provider would not make the last one; its
    incident is over.

    Raises ReturnNotFound, NotTheReturnsTurn, TooManyUnits where these units were refunded otherwise
    meanwhile.
    """
    row = going_back.lock_return(session, return_id, merchant_id=merchant_id)
    last = session.get(Refund, row.refund_id) if row.refund_id else None
    if last is None or last.state not in UNDONE:
        stands = status_of(row, last.state if last else None)
        raise NotTheReturnsTurn("Its refund has not failed.", stands=str(stands))
    books = look(session, lock_order(session, row.order_id))
    arrived = {item.line: item.received for item in row.items if item.received}
    left = {line: min(books.gone(line), books.home.unpaid.get(line, 0)) for line in arrived}
    lines = [{"line": line, "left": left[line]} for line in arrived]
    if any(left[line] < qty for line, qty in arrived.items()):
        raise TooManyUnits("These units were refunded meanwhile.", lines=lines)
    give_back(session, row, row.items, actor)
    close_incident(session, kind=INCIDENT, subject=str(last.id))
    return row


def call_off(session: ShopSession, return_id: UUID) -> Return:
    """The customer keeps the goods after all. Raises ReturnNotFound, NotTheReturnsTurn."""
    row = going_back.lock_return(session, return_id)
    if (
        not _is_open(row)
        or row.decision == Decision.REFUSED
        or row.received_at is not None
        or not engine.ask_to_stop(session, KIND, row.id, reason="canceled")
    ):
        raise _not_now(row, "It cannot be called off any more.")
    session.refresh(row, ["cancel_requested_at", "cancel_reason", "state"])
    return row


def _is_open(row: Return) -> bool:
    forward = row.direction == Direction.FORWARD and row.cancel_requested_at is None
    return row.state in LIVE and forward


def _not_now(row: Return, why: str) -> NotTheReturnsTurn:
    return NotTheReturnsTurn(why, stands=str(status_of(row)))


def _merchant_of(order: Order, lines: Sequence[Wanted], merchant_id: UUID | None) -> UUID:
    mine = {i.line: i.merchant_id for i in order.items if merchant_id in (None, i.merchant_id)}
    unknown = sorted({each.line for each in lines} - set(mine))
    if unknown:
        raise _unknown(unknown)
    merchants = {mine[each.line] for each in lines}
    if len(merchants) > 1:
        raise LinesOfSeveralMerchants("Ask for one return to each merchant.")
    return merchants.pop()


def _unknown(lines: Sequence[int]) -> UnknownLine:
    fields = [{"field": "lines", "detail": f"There is no line {line}."} for line in lines]
    return UnknownLine("There is no such line.", fields=fields)


def _check_units(books: Books, wanted: Mapping[int, int]) -> None:
    left = {line: books.gone(line) - books.home.unpaid.get(line, 0) for line in wanted}
    short = [line for line, qty in wanted.items() if qty > left[line]]
    if not short:
        return
    if all(wanted[line] <= left[line] + books.preparing(line) for line in short):
        raise ShipmentUnderWay("A parcel with these units is being prepared.", lines=short)
    lines = [{"line": line, "left": max(0, left[line])} for line in short]
    raise TooManyUnits("Not so many units can be sent back.", lines=lines)


def _count(row: Return, lines: Mapping[int, Arrived]) -> None:
    items = {item.line: item for item in row.items}
    unknown = sorted(set(lines) - set(items))
    if unknown:
        raise _unknown(unknown)
    for line, item in items.items():
        arrived = lines.get(line, Arrived(line, 0, 0))
        restock = arrived.received if arrived.restock is None else arrived.restock
        if not 0 <= restock <= arrived.received <= item.qty:
            field = {"field": "lines", "detail": f"Line {line}: at most {item.qty} were announced."}
            raise MoreThanAnnounced("More than was announced, or received.", fields=[field])
        item.received, item.restock = arrived.received, restock
    if not any(item.received for item in items.values()):
        raise MoreThanAnnounced("Nothing was received; refuse it, or let it expire.")


def _place(session: ShopSession, row: Return, warehouse_id: UUID | None) -> UUID:
    """The warehouse the goods are put back in: the merchant's own or a shared one."""
    if warehouse_id is not None:
        known = session.scalar(
            select(Warehouse.id).where(
                Warehouse.id == warehouse_id,
                or_(Warehouse.merchant_id.is_(None), Warehouse.merchant_id == row.merchant_id),
            )
        )
        if known is None:
            raise WarehouseNotFound("There is no such warehouse.")
        return known
    lines = {item.line for item in row.items}
    return next(
        each.warehouse_id
        for each in going_back.parcel_lines(session, row.order_id)
        if each.line in lines and each.status != ShipmentStatus.CANCELED
    )
