"""What is done with orders leaves its line in their story, or does nothing at all."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.events.models import OutboxEvent
from app.orders import service
from app.orders.models import Order, OrderTransition
from app.orders.queries import lock_orders
from app.orders.states import OrderState
from app.platform.db import Database
from app.platform.state_machine import IllegalMove
from tests.factories import make_checkout, make_order

pytestmark = pytest.mark.unaudited(
    "moves_not_contiguous",
    "order_lines_wrong",
    "order_not_paid_once",
    "order_unlike_checkout",
    "saga_unlike_journal",
    "state_not_journaled",
)


def _story(db: Database) -> list[tuple[str | None, str]]:
    with db.reading() as session:
        rows = session.scalars(select(OrderTransition).order_by(OrderTransition.id)).all()
        return [(row.from_state, row.to_state) for row in rows]


def test_a_confirmed_order_gets_its_number_its_line_and_its_event(db: Database) -> None:
    with db.transaction() as session:
        orders = [make_order(session, checkout=make_checkout(session)) for _ in range(3)]

    with db.transaction() as session:
        confirmed = service.confirm(session, [order.id for order in orders], actor="checkout")
        numbers = {order.number for order in confirmed.values()}

    assert len(numbers) == 3
    assert _story(db) == [("created", "confirmed")] * 3
    with db.reading() as session:
        told = session.scalar(select(func.count()).where(OutboxEvent.type == "order.confirmed"))
    assert told == 3


def test_an_illegal_move_is_refused_and_leaves_no_trace(db: Database) -> None:
    with db.transaction() as session:
        order_id = make_order(session).id

    def ship() -> None:
        with db.transaction() as session:
            order = lock_orders(session, [order_id])[order_id]
            service.move(session, order, OrderState.SHIPPED, actor="merchant", reason="sent")

    with pytest.raises(IllegalMove) as refused:
        ship()

    assert refused.value.facts == {"state": "created", "wanted": "shipped"}
    assert _story(db) == []


def test_only_an_unconfirmed_order_is_let_go_with_its_checkout(db: Database) -> None:
    with db.transaction() as session:
        waiting, bought = (make_order(session, checkout=make_checkout(session)) for _ in range(2))
        service.confirm(session, [bought.id], actor="checkout")

    for _twice in range(2):
        with db.transaction() as session:
            service.cancel_unconfirmed(session, [waiting.id, bought.id], reason="undone")

    with db.reading() as session:
        states = {session.get_one(Order, o.id).state for o in (waiting, bought)}
    assert states == {OrderState.CANCELED, OrderState.CONFIRMED}
    assert _story(db) == [("created", "confirmed"), ("created", "canceled")]


def test_a_total_that_does_not_add_up_is_refused_by_the_table(db: Database) -> None:
    def write() -> None:
        with db.transaction() as session:
            make_order(session, total=4_201)

    with pytest.raises(IntegrityError, match="total_adds_up"):
        write()


def test_a_story_cannot_be_rewritten(db: Database) -> None:
    with db.transaction() as session:
        service.confirm(session, [make_order(session).id], actor="checkout")

    def rewrite() -> None:
        with db.transaction() as session:
            session.execute(text("UPDATE order_transitions SET reason = 'something else'"))

    with pytest.raises(DBAPIError, match="append-only"):
        rewrite()
