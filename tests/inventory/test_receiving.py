"""Units come in and counts are corrected, each once by its reference, on a real PostgreSQL."""

import pytest

from app.inventory import service
from app.inventory.errors import InvalidQuantity, ReferenceReused, StockTooLow, UnknownStock
from app.platform.db import Database
from app.platform.ids import new_id
from tests.factories import make_sku, make_warehouse, put_stock
from tests.inventory.conftest import balances, contradictions, reserve, want


def test_received_units_can_be_sold_and_a_receipt_counts_once(db: Database) -> None:
    with db.transaction() as session:
        sku = make_sku(session)
        warehouse, receipt = make_warehouse(session), new_id()

    for _ in range(2):
        with db.transaction() as session:
            service.receive(
                session, sku_id=sku.id, warehouse_id=warehouse.id, qty=7, reference=receipt
            )

    assert balances(db, sku.id) == [(7, 0)]
    assert contradictions(db) == []


def test_a_receipt_told_again_with_another_quantity_is_refused(db: Database) -> None:
    with db.transaction() as session:
        sku = make_sku(session)
        warehouse, receipt = make_warehouse(session), new_id()
        service.receive(session, sku_id=sku.id, warehouse_id=warehouse.id, qty=7, reference=receipt)

    with pytest.raises(ReferenceReused), db.transaction() as session:
        service.receive(session, sku_id=sku.id, warehouse_id=warehouse.id, qty=8, reference=receipt)

    assert balances(db, sku.id) == [(7, 0)]


def test_many_receipts_come_in_at_once_and_each_counts_once(db: Database) -> None:
    with db.transaction() as session:
        skus = [make_sku(session).id for _ in range(3)]
        warehouse = make_warehouse(session).id
        receipts = [service.Receipt(sku, warehouse, 4, new_id()) for sku in skus]

    with db.transaction() as session:
        new = service.receive_all(session, [*receipts, receipts[0]])

    assert new == 3
    assert [balances(db, sku) for sku in skus] == [[(4, 0)]] * 3
    assert contradictions(db) == []


@pytest.mark.parametrize("qty", [0, -1, 10**12])
def test_a_receipt_of_nothing_or_of_nonsense_is_refused(db: Database, qty: int) -> None:
    with db.transaction() as session:
        sku, warehouse = make_sku(session), make_warehouse(session)

    with pytest.raises(InvalidQuantity), db.transaction() as session:
        service.receive(
            session, sku_id=sku.id, warehouse_id=warehouse.id, qty=qty, reference=new_id()
        )

    assert balances(db, sku.id) == []


def test_nothing_is_received_for_an_unknown_sku_or_into_an_unknown_warehouse(db: Database) -> None:
    with db.transaction() as session:
        sku, warehouse = make_sku(session), make_warehouse(session)

    for sku_id, warehouse_id in ((new_id(), warehouse.id), (sku.id, new_id())):
        with pytest.raises(UnknownStock), db.transaction() as session:
            service.receive(
                session, sku_id=sku_id, warehouse_id=warehouse_id, qty=1, reference=new_id()
            )

    assert contradictions(db) == []


def test_a_count_is_corrected_once_by_its_reference(db: Database) -> None:
    with db.transaction() as session:
        sku, warehouse = make_sku(session), make_warehouse(session)
        put_stock(session, sku=sku, warehouse_id=warehouse.id, qty=10)
    count = {"sku_id": sku.id, "warehouse_id": warehouse.id, "reference": new_id(), "delta": -4}

    with db.transaction() as session:
        first = service.adjust(session, **count)
    with db.transaction() as session:
        again = service.adjust(session, **count)

    assert (first, again) == (True, False)
    assert balances(db, sku.id) == [(6, 0)]
    assert contradictions(db) == []


def test_a_correction_cannot_take_what_is_promised(db: Database) -> None:
    with db.transaction() as session:
        sku, warehouse = make_sku(session), make_warehouse(session)
        put_stock(session, sku=sku, warehouse_id=warehouse.id, qty=10)
    reserve(db, want(db, {sku.id: 8}))

    with pytest.raises(StockTooLow) as refusal, db.transaction() as session:
        service.adjust(
            session, sku_id=sku.id, warehouse_id=warehouse.id, delta=-3, reference=new_id()
        )

    assert refusal.value.facts == {"available": 2}
    assert balances(db, sku.id) == [(2, 8)]
