"""Stock reserved, released and kept, on a real PostgreSQL."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select

from app.events.models import OutboxEvent
from app.inventory import queries, service
from app.inventory.models import Reservation, ReservationStatus
from app.inventory.service import Shortage
from app.platform.db import Database
from app.platform.ids import new_id
from tests.conftest import Clock
from tests.factories import make_merchant, make_sku, make_warehouse, put_stock
from tests.inventory.conftest import balances, contradictions, new_sku, reserve, want


def test_reserved_units_leave_what_can_be_sold_and_stay_on_hand(db: Database) -> None:
    sku = new_sku(db, stock=5)
    buyer = want(db, {sku: 2})

    outcome = reserve(db, buyer)

    assert outcome == {buyer.checkout_id: []}
    assert balances(db, sku) == [(3, 2)]
    assert contradictions(db) == []


def test_a_reservation_made_twice_is_one_reservation(db: Database) -> None:
    sku = new_sku(db, stock=5)
    buyer = want(db, {sku: 5})

    outcomes = [reserve(db, buyer), reserve(db, buyer), reserve(db, buyer, buyer)]

    assert outcomes == [{buyer.checkout_id: []}] * 3
    assert balances(db, sku) == [(0, 5)]
    assert contradictions(db) == []


def test_a_checkout_gets_all_its_lines_or_none(db: Database) -> None:
    plenty, few = new_sku(db, stock=10), new_sku(db, stock=1)
    buyer = want(db, {plenty: 1, few: 2})

    outcome = reserve(db, buyer)

    assert outcome == {buyer.checkout_id: [Shortage(few, wanted=2, left=1)]}
    assert balances(db, plenty) == [(10, 0)]
    assert balances(db, few) == [(1, 0)]


def test_a_want_that_does_not_fit_fails_alone_and_the_next_is_served(db: Database) -> None:
    sku = new_sku(db, stock=3)
    first, second, third = (want(db, {sku: qty}) for qty in (2, 2, 1))

    outcome = reserve(db, first, second, third)

    assert outcome[first.checkout_id] == []
    assert outcome[second.checkout_id] == [Shortage(sku, wanted=2, left=1)]
    assert outcome[third.checkout_id] == []
    assert balances(db, sku) == [(0, 3)]


def test_an_unknown_sku_is_a_shortage_of_everything(db: Database) -> None:
    unknown = new_id()
    buyer = want(db, {unknown: 1})

    outcome = reserve(db, buyer)

    assert outcome == {buyer.checkout_id: [Shortage(unknown, wanted=1, left=0)]}


def test_a_line_is_split_over_warehouses_by_priority(db: Database) -> None:
    with db.transaction() as session:
        merchant = make_merchant(session)
        sku = make_sku(session, merchant=merchant)
        late = make_warehouse(session, merchant_id=merchant.id, name="Late", priority=20)
        early = make_warehouse(session, name="Early", priority=5)
        for warehouse, qty in ((late, 10), (early, 3)):
            put_stock(session, sku=sku, warehouse_id=warehouse.id, qty=qty)
    buyer = want(db, {sku.id: 5})

    reserve(db, buyer)

    with db.reading() as session:
        taken = {row.warehouse: row.reserved for row in queries.stock(session, [sku.id])}
    assert taken == {"Early": 3, "Late": 2}
    assert contradictions(db) == []


def test_released_units_can_be_sold_again_and_only_once(db: Database) -> None:
    sku = new_sku(db, stock=5)
    buyer, other = want(db, {sku: 2}), want(db, {sku: 1})
    reserve(db, buyer, other)

    with db.transaction() as session:
        first = service.release(session, [buyer.checkout_id])
    with db.transaction() as session:
        again = service.release(session, [buyer.checkout_id])

    assert first == {sku}
    assert again == set()
    assert balances(db, sku) == [(4, 1)]
    assert contradictions(db) == []


def test_releasing_for_a_checkout_that_holds_nothing_changes_nothing(db: Database) -> None:
    sku = new_sku(db, stock=5)
    holder, stranger = want(db, {sku: 2}), want(db, {sku: 2})
    reserve(db, holder)

    with db.transaction() as session:
        freed = service.release(session, [stranger.checkout_id, new_id()])

    assert freed == set()
    assert balances(db, sku) == [(3, 2)]


@pytest.mark.unaudited("saga_overdue")
def test_a_confirmed_purchase_holds_its_units_without_expiry(db: Database, clock: Clock) -> None:
    sku = new_sku(db, stock=5)
    confirmed, waiting = want(db, {sku: 1}), want(db, {sku: 1})
    reserve(db, confirmed, waiting, seconds=60)
    with db.transaction() as session:
        held = service.hold(session, [confirmed.checkout_id, new_id()])

    clock.advance(61)

    assert held == {confirmed.checkout_id}
    with db.reading() as session:
        assert queries.expired_holds(session, 10) == [waiting.checkout_id]


@pytest.mark.unaudited("saga_overdue")
def test_a_late_purchase_still_holds_its_units_until_they_are_released(
    db: Database, clock: Clock
) -> None:
    sku = new_sku(db, stock=1)
    late, gone = want(db, {sku: 1}), want(db, {sku: 1})
    reserve(db, late, seconds=60)
    clock.advance(3600)

    with db.transaction() as session:
        held = service.hold(session, [late.checkout_id, gone.checkout_id])

    assert held == {late.checkout_id}


def test_released_units_cannot_be_held(db: Database) -> None:
    sku = new_sku(db, stock=1)
    buyer = want(db, {sku: 1})
    reserve(db, buyer)
    with db.transaction() as session:
        service.release(session, [buyer.checkout_id])

    with db.transaction() as session:
        held = service.hold(session, [buyer.checkout_id])

    assert held == set()


@pytest.mark.unaudited("saga_overdue")
def test_overdue_holds_are_named_longest_overdue_first_and_not_taken_away(
    db: Database, clock: Clock
) -> None:
    sku = new_sku(db, stock=9)
    slow, slower = want(db, {sku: 1}), want(db, {sku: 1})
    reserve(db, slow, seconds=120)
    reserve(db, slower, seconds=60)

    clock.advance(121)

    with db.reading() as session:
        assert queries.expired_holds(session, 10) == [slower.checkout_id, slow.checkout_id]
        assert queries.expired_holds(session, 1) == [slower.checkout_id]
    assert balances(db, sku) == [(7, 2)]


def test_every_movement_is_announced_with_the_change(db: Database) -> None:
    with db.transaction() as session:
        sku, warehouse = make_sku(session), make_warehouse(session)
        place = {"sku_id": sku.id, "warehouse_id": warehouse.id}
        service.receive(session, **place, qty=3, reference=new_id())
        service.adjust(session, **place, delta=1, reference=new_id())
    buyer = want(db, {sku.id: 2})
    reserve(db, buyer)
    with db.transaction() as session:
        service.release(session, [buyer.checkout_id])

    with db.reading() as session:
        told = session.execute(
            select(OutboxEvent.type, OutboxEvent.key).order_by(OutboxEvent.id)
        ).all()

    assert [tuple(row) for row in told] == [
        ("stock.received", str(sku.id)),
        ("stock.adjusted", str(sku.id)),
        ("stock.reserved", str(buyer.checkout_id)),
        ("stock.released", str(buyer.checkout_id)),
    ]


def test_the_reservation_rows_are_the_allocation_plan(db: Database) -> None:
    sku = new_sku(db, stock=2)
    buyer = want(db, {sku: 2})

    reserve(db, buyer, seconds=900)

    with db.reading() as session:
        row = session.scalars(select(Reservation)).one()
        left = session.scalar(select(Reservation.expires_at - func.shop_now()))
        assert (row.checkout_id, row.sku_id, row.qty) == (buyer.checkout_id, sku, 2)
        assert row.status is ReservationStatus.ACTIVE
        assert 800 < left.total_seconds() <= 900


def test_made_reservations_are_counted_and_refused_or_repeated_ones_are_not(db: Database) -> None:
    sku = new_sku(db, stock=3)
    buyer, late = want(db, {sku: 2}), want(db, {sku: 2})
    before = REGISTRY.get_sample_value("reservations_total")

    reserve(db, buyer, late)
    reserve(db, buyer)

    assert REGISTRY.get_sample_value("reservations_total") - before == 1
