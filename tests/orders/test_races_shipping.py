"""Two parcels of the same units, asked for at once: never more leaves than was ordered."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.orders.errors import UnitsNotLeft
from app.orders.queries import units_of
from app.orders.service.ship import Wanted, ship
from app.platform.db import Database
from app.shipping.models import Shipment
from app.wiring import Providers
from tests.factories import make_merchant, make_shipping_rate, make_sku
from tests.orders.sold import Line, sell

RACES = 200
THREADS = 8


@pytest.fixture
def crowd(providers: Providers, database_url: str) -> Iterator[Database]:
    """A database handle with a connection for each of the crowd."""
    assert providers.carriers.name == "table"
    database = Database(database_url, pool_size=THREADS)
    yield database
    database.dispose()


def _sold(db: Database, *, orders: int, qty: int) -> list[UUID]:
    with db.transaction() as session:
        merchant = make_merchant(session)
        make_shipping_rate(session, merchant=merchant)
        sku = make_sku(session, merchant=merchant, stock=orders * qty, price=1_000)
        return [sell(session, [Line(sku, qty)]).id for _ in range(orders)]


def _ship(db: Database, order_id: UUID, qty: int) -> str:
    try:
        with db.transaction() as session:
            wanted = Wanted(lines={1: qty})
            ship(session, order_id, wanted, merchant_id=None, carrier="table", actor="ops")
    except UnitsNotLeft as refused:
        return refused.code
    return "sent"


def _at_once(acts: Sequence[Callable[[], str]]) -> Counter[str]:
    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(lambda act: act(), acts))


def test_of_two_parcels_with_the_same_units_one_is_refused_every_time(crowd: Database) -> None:
    orders = _sold(crowd, orders=RACES, qty=3)

    ends = _at_once([lambda o=o: _ship(crowd, o, 2) for o in orders for _ in range(2)])

    assert ends == {"sent": RACES, "units_not_left": RACES}
    with crowd.reading() as session:
        lefts = {units_of(session, order_id)[1].left for order_id in orders}
        twice = session.execute(
            select(Shipment.order_id).group_by(Shipment.order_id).having(func.count() > 1)
        ).all()
    assert (lefts, twice) == ({1}, [])


def test_many_parcels_of_one_line_take_no_unit_and_no_cent_twice(crowd: Database) -> None:
    (order_id,) = _sold(crowd, orders=1, qty=20)

    ends = _at_once([lambda: _ship(crowd, order_id, 1) for _ in range(40)])

    assert ends == {"sent": 20, "units_not_left": 20}
    with crowd.reading() as session:
        amounts = session.scalars(select(Shipment.amount)).all()
    assert sum(amounts) == 20_000
    assert set(amounts) == {1_000}
