"""Two parcels of the same units, asked for at once: never more leaves than was ordered."""

import random
from collections import Counter
from uuid import UUID

from sqlalchemy import func, select

from app.orders.models import Order
from app.orders.queries import units_of
from app.orders.service.ship import Wanted, ship
from app.platform.db import ShopSession
from app.platform.errors import DomainError
from app.shipping.models import Shipment
from tests.orders.races import DONE, RACES, THREADS, Races, at_once, races

__all__ = ["races"]

UNITS = 20


def send(session: ShopSession, order_id: UUID, qty: int) -> None:
    """So many units of the only line."""
    wanted = Wanted(lines={1: qty})
    ship(session, order_id, wanted, merchant_id=None, carrier="table", actor="ops")


def send_two(session: ShopSession, order_id: UUID) -> None:
    """Two of three units."""
    send(session, order_id, 2)


def test_of_two_parcels_with_the_same_units_one_is_refused_every_time(races: Races) -> None:
    orders = races.orders()

    ends = races.run(orders, send_two, send_two)

    assert set(ends) == {(DONE, "units_not_left"), ("units_not_left", DONE)}
    with races.crowd.reading() as session:
        lefts = {units_of(session, order_id)[1].left for order_id in orders}
        sent = session.scalar(select(func.count()).select_from(Shipment))
    assert (lefts, sent) == ({1}, RACES)
    races.walk()


def test_many_parcels_of_one_line_take_no_unit_and_no_cent_twice(races: Races) -> None:
    [order_id] = races.orders(times=1, qty=UNITS)
    ends: list[str] = []

    def send_one() -> None:
        try:
            with races.crowd.transaction(races.queue) as session:
                send(session, order_id, 1)
        except DomainError as refused:
            ends.append(refused.code)
        else:
            ends.append(DONE)

    for wave in range(2 * UNITS // THREADS):
        at_once(*[send_one] * THREADS, chance=random.Random(wave))

    assert Counter(ends) == {DONE: UNITS, "units_not_left": UNITS}
    with races.crowd.reading() as session:
        assert Counter(session.scalars(select(Shipment.amount))) == {1_000: UNITS}
    races.walk()
    with races.crowd.reading() as session:
        assert session.get_one(Order, order_id).state == "shipped"
