"""Acts on the same money or the same units, asked for at once: one of them happens, every time,
and now the one is first, now the other."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.orders.models import Cancellation, Order, Return
from app.orders.service import cancel, refund, returns, ship
from app.orders.service.returns import Arrived, Wanted
from app.orders.states import Decision
from app.payments.models import Refund
from app.platform.db import ShopSession
from app.saga.states import LIVE
from app.shipping.models import Shipment
from tests.orders.races import DONE, RACES, WALKED_EACH, Races, races

__all__ = ["races"]

ASKED = {"actor": "ops", "reason": "a race"}


def give_back(session: ShopSession, order_id: UUID) -> None:
    """More than half of the money."""
    refund.request(session, order_id, amount=1_600, **ASKED)


def give_units_back(session: ShopSession, order_id: UUID) -> None:
    """Two of three units; those that were sent go back on the shelf."""
    refund.request(session, order_id, lines={1: 2}, restock=True, **ASKED)


def give_one_back(session: ShopSession, order_id: UUID) -> None:
    """One of three units."""
    refund.request(session, order_id, lines={1: 1}, **ASKED)


def call_off(session: ShopSession, order_id: UUID) -> None:
    """The whole order."""
    cancel.request(session, order_id, **ASKED)


def send_two(session: ShopSession, order_id: UUID) -> None:
    """Two of three units."""
    wanted = ship.Wanted(lines={1: 2})
    ship.ship(session, order_id, wanted, merchant_id=None, carrier="table", actor="ops")


def send_back(session: ShopSession, order_id: UUID) -> None:
    """Two of three units."""
    returns.request(session, order_id, lines=[Wanted(1, 2)], **ASKED)


def test_of_two_refunds_of_more_than_half_one_is_refused(races: Races) -> None:
    orders = races.orders(paid=True)

    ends = races.run(orders, give_back, give_back)

    assert set(ends) == {(DONE, "refund_exceeds_captured"), ("refund_exceeds_captured", DONE)}
    assert _count(races, Refund) == RACES
    races.walk()


@pytest.mark.parametrize("sent", [False, True], ids=["held", "sent"])
def test_of_two_refunds_of_the_same_units_one_is_refused(races: Races, sent: bool) -> None:
    orders = races.orders(sent=sent)

    ends = races.run(orders, give_units_back, give_units_back)

    assert set(ends) == {(DONE, "too_many_units"), ("too_many_units", DONE)}
    assert _count(races, Refund) == RACES
    races.walk()


def test_an_order_is_canceled_or_sent_and_never_both(races: Races) -> None:
    orders = races.orders()

    ends = races.run(orders, call_off, send_two)

    assert set(ends) == {(DONE, "order_canceled"), ("shipment_under_way", DONE)}
    with races.crowd.reading() as session:
        both = select(Cancellation.order_id).join(
            Shipment, Shipment.order_id == Cancellation.order_id
        )
        assert session.scalars(both).all() == []
    races.walk()
    assert _states(races) == {"canceled", "confirmed"}


def test_units_are_refunded_or_sent_and_never_both(races: Races) -> None:
    orders = races.orders()

    ends = races.run(orders, give_units_back, send_two)

    assert set(ends) == {(DONE, "units_not_left"), ("shipment_under_way", DONE)}
    races.walk()


def test_money_is_released_or_taken_and_never_both(races: Races) -> None:
    orders = races.orders(multicapture=False)

    ends = races.run(orders, give_one_back, send_two)

    assert set(ends) == {(DONE, DONE), ("capture_under_way", DONE)}
    with races.crowd.reading() as session:
        taken = _by_order(session, Shipment.amount)
        released = _by_order(session, Refund.released)
    assert {taken[order] + released.get(order, 0) for order in orders} == {3_000}
    races.walk()


def test_an_order_is_canceled_or_refunded_and_never_both(races: Races) -> None:
    orders = races.orders(paid=True)

    ends = races.run(orders, call_off, give_back)

    assert set(ends) == {(DONE, "order_canceled"), ("refund_under_way", DONE)}
    races.walk()
    assert _states(races) == {"canceled", "confirmed"}


def test_of_two_returns_of_the_same_units_one_is_refused(races: Races) -> None:
    orders = races.orders(sent=True)

    ends = races.run(orders, send_back, send_back)

    assert set(ends) == {(DONE, "too_many_units"), ("too_many_units", DONE)}
    assert _count(races, Return) == RACES
    _let_goods_arrive(races)
    races.walk()


def test_units_that_were_sent_are_refunded_or_come_back_and_never_both(races: Races) -> None:
    orders = races.orders(sent=True)

    ends = races.run(orders, send_back, give_units_back)

    assert set(ends) == {(DONE, "too_many_units"), ("too_many_units", DONE)}
    _let_goods_arrive(races)
    races.walk()
    with races.crowd.reading() as session:
        given_back = session.scalars(
            select(Refund.amount).where(Refund.order_id.in_(races.walked))
        ).all()
    assert given_back == [2_000] * (RACES // WALKED_EACH)


def _let_goods_arrive(races: Races) -> None:
    """The merchant agrees to every return of the orders that are walked, and has the goods."""
    mine = select(Return.id).where(Return.order_id.in_(races.walked), Return.state.in_(LIVE))
    with races.crowd.transaction(races.queue) as session:
        for return_id in session.scalars(mine).all():
            returns.decide(session, return_id, Decision.APPROVED, actor="merchant")
            returns.receive(session, return_id, lines={1: Arrived(1, 2, 1)}, actor="merchant")


def _count(races: Races, model: type[Any]) -> int:
    with races.crowd.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def _states(races: Races) -> set[str]:
    """Where the orders that were walked stand."""
    with races.crowd.reading() as session:
        return set(session.scalars(select(Order.state).where(Order.id.in_(races.walked))))


def _by_order(session: ShopSession, amount: Any) -> dict[UUID, int]:
    rows = session.execute(select(amount.class_.order_id, amount.label("amount")))
    return {row.order_id: row.amount for row in rows}
