"""Units that left in a parcel which was called off are put back once, or that is found."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import delete, update

from app.accounts.models import Merchant
from app.operations import audit
from app.operations.trace import story_of
from app.platform.ids import encode, new_id
from app.shipping.models import ShippingRate
from tests.orders.conftest import Bought, Desk

Spoil = Callable[[str], None]


@pytest.fixture
def spoil(database_url: str) -> Spoil:
    """Change rows as nobody may: triggers look away."""

    def spoil(statement: str) -> None:
        url = database_url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)

    return spoil


def _canceled(desk: Desk) -> Bought:
    """A paid order canceled after the refund of the parcel that was called off failed."""
    with desk.wired.db.transaction() as session:
        session.execute(update(Merchant).values(settings={"capture": "automatic"}))
    order = desk.buy(2)
    desk.publish()
    parcel = desk.begin_ship(order)
    with desk.wired.db.transaction() as session:
        session.execute(delete(ShippingRate))
    desk.work()
    payment = desk.payment(order)
    assert payment is not None
    desk.wired.payments.repay(str(payment.psp_ref), 1, refund_id=new_id(), key="elsewhere")
    desk.call_parcel_off(parcel)
    desk.work()
    desk.cancel(order)
    desk.work()
    return order


def _about(desk: Desk, order_id: UUID) -> list[str]:
    """What is wrong with this order."""
    subject = encode("ord", order_id)
    report = audit.of_database(desk.wired.db)
    return [each.name for each in report.breaches if each.subject == subject]


@pytest.mark.unaudited
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM inventory_ledger WHERE reason = 'return'",
        "UPDATE inventory_ledger SET delta_available = 1 WHERE reason = 'return'",
        "UPDATE inventory_ledger SET delta_available = 3 WHERE reason = 'return'",
        "UPDATE refunds SET state = 'confirmed'",
    ],
    ids=["not put back", "too few", "too many", "twice"],
)
def test_units_astray_are_found(desk: Desk, spoil: Spoil, statement: str) -> None:
    order = _canceled(desk)
    before = _about(desk, order.id)

    spoil(statement)

    assert before == []
    assert "units_astray" in _about(desk, order.id)


def test_the_story_of_an_order_tells_where_its_units_went(desk: Desk) -> None:
    order = _canceled(desk)

    story = story_of(desk.wired.db, encode("ord", order.id))

    told = [(each.source, each.what) for each in story.entries]
    assert ("stock", "return (parcel called off)") in told
