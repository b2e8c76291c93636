"""Labels that are to go are gone in the end, whatever happens on the way."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func

from app.adapters.files.local import LocalFiles
from app.platform.db import Database
from app.platform.files import FileNotKept
from app.platform.ids import new_id
from app.saga.states import SagaState
from app.shipping import labels
from app.shipping.models import Shipment
from app.shipping.states import ShipmentStatus
from tests.factories import make_merchant, make_order

pytestmark = pytest.mark.unaudited


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    """An empty store."""
    return LocalFiles(tmp_path / "kept")


def _parcel(db: Database, files: LocalFiles, *, noted: bool = True) -> Shipment:
    """A parcel whose label is kept; not `noted` where it was called off before that was said."""
    identity = new_id()
    with db.transaction() as session:
        merchant = make_merchant(session)
        parcel = Shipment(
            id=identity,
            order_id=make_order(session).id,
            merchant_id=merchant.id,
            warehouse_id=merchant.default_warehouse_id,
            status=ShipmentStatus.DELIVERED if noted else ShipmentStatus.CANCELED,
            label_key=labels.key_of(identity) if noted else None,
            carrier="table",
            service="standard",
            amount=0,
            currency="EUR",
            actor="test",
            step="notify",
            state=SagaState.CONFIRMED,
            deadline=func.shop_now() + timedelta(hours=1),
        )
        session.add(parcel)
    files.put(labels.key_of(identity), b"%PDF", media_type="application/pdf")
    return parcel


def _erase(db: Database, *parcels: Shipment) -> None:
    with db.transaction() as session:
        labels.erase_of(session, [parcel.order_id for parcel in parcels])


def _is_kept(files: LocalFiles, parcel: Shipment) -> bool:
    try:
        files.get(labels.key_of(parcel.id))
    except FileNotKept:
        return False
    return True


def _key(db: Database, parcel: Shipment) -> str | None:
    with db.reading() as session:
        return session.get_one(Shipment, parcel.id).label_key


@pytest.mark.parametrize("noted", [True, False])
def test_the_label_of_an_erased_person_is_deleted_and_no_other(
    db: Database, files: LocalFiles, noted: bool
) -> None:
    theirs, others = _parcel(db, files, noted=noted), _parcel(db, files)
    _erase(db, theirs)

    counts = [labels.delete_erased(db, files, limit=10) for _ in range(2)]

    assert counts == [1, 0]
    assert (_is_kept(files, theirs), _is_kept(files, others)) == (False, True)
    assert (_key(db, theirs), _key(db, others)) == (None, labels.key_of(others.id))


def test_a_run_takes_so_many_and_the_next_goes_on_with_those_that_waited_longest(
    db: Database, files: LocalFiles
) -> None:
    first, second, third = (_parcel(db, files) for _ in range(3))
    for parcel in (second, first, third):
        _erase(db, parcel)

    labels.delete_erased(db, files, limit=2)
    left = [_is_kept(files, parcel) for parcel in (first, second, third)]
    labels.delete_erased(db, files, limit=2)

    assert left == [False, False, True]
    assert not _is_kept(files, third)


def test_what_a_store_cannot_delete_waits_and_holds_nothing_up(
    db: Database, files: LocalFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, next_one = _parcel(db, files), _parcel(db, files)
    _erase(db, stuck)
    _erase(db, next_one)
    with db.transaction() as session:
        session.get_one(Shipment, stuck.id).label_key = "x" * 300  # no folder takes such a name

    with caplog.at_level(logging.WARNING):
        count = labels.delete_erased(db, files, limit=10)

    assert count == 1
    assert not _is_kept(files, next_one)
    assert _key(db, stuck) is not None
    assert "label_not_deleted" in caplog.text


def test_a_file_deleted_before_a_power_cut_is_deleted_again(
    db: Database, files: LocalFiles
) -> None:
    parcel = _parcel(db, files)
    _erase(db, parcel)
    files.delete(labels.key_of(parcel.id))

    count = labels.delete_erased(db, files, limit=10)

    assert (count, _key(db, parcel)) == (1, None)
