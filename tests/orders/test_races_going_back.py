"""Acts on the same money or the same units, asked for at once: one of them happens, every time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.events.outbox import announce
from app.inventory import service as inventory
from app.inventory.models import Reservation
from app.inventory.service import Leaving
from app.orders.events import OrderShipped
from app.orders.models import Cancellation, Order, OrderItem, Return
from app.orders.service import cancel, move, refund, returns, ship
from app.orders.service.returns import Wanted
from app.orders.states import OrderState
from app.payments.events import PaymentCaptured
from app.payments.models import Payment, Refund
from app.payments.states import PaymentStatus
from app.platform.db import Database, ShopSession
from app.platform.errors import DomainError
from app.platform.ids import new_id
from app.saga.models import SagaJournal
from app.saga.states import JournalEvent, SagaState
from app.shipping.events import ShipmentCreated
from app.shipping.models import Shipment, ShipmentItem
from app.shipping.states import ShipmentStatus
from app.wiring import Providers
from tests.factories import make_merchant, make_shipping_rate, make_sku
from tests.orders.sold import Line, sell

pytestmark = pytest.mark.usefixtures("audited")

RACES = 200
THREADS = 8
ASKED = {"actor": "ops", "reason": "a race"}
Act = Callable[[ShopSession, UUID], object]


@pytest.fixture
def crowd(providers: Providers, database_url: str) -> Iterator[Database]:
    """A database handle with a connection for each of the crowd; the sagas are known."""
    assert providers.carriers.name == "table"
    database = Database(database_url, pool_size=THREADS)
    yield database
    database.dispose()


def _orders(
    db: Database, then: Act | None = None, *, qty: int = 3, multicapture: bool = True
) -> list[UUID]:
    """So many orders as there are races, of units of 10.00 each, held and not sent."""
    with db.transaction() as session:
        merchant = make_merchant(session)
        make_shipping_rate(session, merchant=merchant)
        sku = make_sku(session, merchant=merchant, stock=RACES * qty, price=1_000)
        made = [sell(session, [Line(sku, qty)], multicapture=multicapture).id for _ in range(RACES)]
        for order_id in made:
            if then is not None:
                then(session, order_id)
    return made


def _pay(session: ShopSession, order_id: UUID) -> None:
    """The money of an order is taken."""
    payment = session.scalars(select(Payment).where(Payment.order_id == order_id)).one()
    payment.status, payment.captured = PaymentStatus.CAPTURED, payment.amount
    announce(
        session,
        PaymentCaptured(
            payment.id, order_id, payment.checkout_id, payment.amount, payment.currency
        ),
    )


def _send(session: ShopSession, order_id: UUID) -> None:
    """All of an order has left in one parcel, paid."""
    _pay(session, order_id)
    order = session.get_one(Order, order_id)
    item = session.scalars(select(OrderItem).where(OrderItem.order_id == order_id)).one()
    place = _place(session, item.sku_id)
    parcel = Shipment(
        id=new_id(), order_id=order_id, merchant_id=item.merchant_id, warehouse_id=place,
        carrier="table", service="standard", amount=order.total, currency="EUR", actor="ops",
        status=ShipmentStatus.SHIPPED, units_left_at=func.shop_now(), shipped_at=func.shop_now(),
        tracking_number=order_id.hex, step="notify", state=SagaState.CONFIRMED,
        deadline=func.shop_now(),
    )  # fmt: skip
    session.add(parcel)
    session.flush()
    line = ShipmentItem(
        shipment_id=parcel.id, order_id=order_id, line=item.line, sku_id=item.sku_id, qty=item.qty
    )
    session.add(line)
    session.flush()
    inventory.fulfil(session, [Leaving(order.checkout_id, item.sku_id, place, item.qty, line.id)])
    move(session, order, OrderState.SHIPPED, actor="ops", reason="sent")
    announce(session, ShipmentCreated(shipment_id=parcel.id, order_id=order_id))
    announce(session, OrderShipped(order_id))
    session.add_all(
        SagaJournal(
            saga_kind="fulfilment", saga_id=parcel.id, step=step, event=JournalEvent.SUCCEEDED,
            attempt=1,
        )
        for step in ("capture", "label", "notify")
    )  # fmt: skip


def _place(session: ShopSession, sku_id: UUID) -> UUID:
    """The one warehouse a SKU lies in."""
    return session.scalars(
        select(Reservation.warehouse_id).limit(1).where(Reservation.sku_id == sku_id)
    ).one()


def _race(db: Database, orders: Sequence[UUID], *acts: Act) -> Counter[frozenset[str]]:
    """Let each order be acted on at once in all these ways; gives how the races ended."""

    def act(each: tuple[UUID, Act]) -> tuple[UUID, str]:
        order_id, do = each
        try:
            with db.transaction() as session:
                do(session, order_id)
        except DomainError as refused:
            return order_id, refused.code
        return order_id, do.__name__

    with ThreadPoolExecutor(THREADS) as pool:
        ended = list(pool.map(act, [(order_id, do) for order_id in orders for do in acts]))
    ends: dict[UUID, list[str]] = {}
    for order_id, end in ended:
        ends.setdefault(order_id, []).append(end)
    return Counter(frozenset(each) for each in ends.values())


def _only(ends: Counter[frozenset[str]], *allowed: set[str]) -> bool:
    return set(ends) <= {frozenset(each) for each in allowed} and ends.total() == RACES


def _by_order(session: ShopSession, amount: Any) -> dict[UUID, int]:
    rows = session.execute(select(amount.class_.order_id, amount.label("amount")))
    return {row.order_id: row.amount for row in rows}


def give_back(session: ShopSession, order_id: UUID) -> None:
    """More than half of the money."""
    refund.request(session, order_id, amount=1_600, **ASKED)


def give_units_back(session: ShopSession, order_id: UUID) -> None:
    """Two of three units."""
    refund.request(session, order_id, lines={1: 2}, **ASKED)


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


def test_of_two_refunds_of_more_than_half_one_is_refused(crowd: Database) -> None:
    orders = _orders(crowd, _pay)

    ends = _race(crowd, orders, give_back, give_back)

    assert _only(ends, {"give_back", "refund_exceeds_captured"})
    with crowd.reading() as session:
        assert session.scalar(select(func.count()).select_from(Refund)) == RACES


def test_an_order_is_canceled_or_sent_and_never_both(crowd: Database) -> None:
    orders = _orders(crowd)

    ends = _race(crowd, orders, call_off, send_two)

    assert _only(ends, {"call_off", "order_canceled"}, {"send_two", "shipment_under_way"})
    with crowd.reading() as session:
        both = select(Cancellation.order_id).join(
            Shipment, Shipment.order_id == Cancellation.order_id
        )
        assert session.scalars(both).all() == []


def test_units_are_refunded_or_sent_and_never_both(crowd: Database) -> None:
    orders = _orders(crowd)

    ends = _race(crowd, orders, give_units_back, send_two)

    assert _only(ends, {"give_units_back", "units_not_left"}, {"send_two", "shipment_under_way"})


def test_money_is_released_or_taken_and_never_both(crowd: Database) -> None:
    orders = _orders(crowd, multicapture=False)

    ends = _race(crowd, orders, give_one_back, send_two)

    assert _only(ends, {"give_one_back", "send_two"}, {"send_two", "capture_under_way"})
    with crowd.reading() as session:
        taken = _by_order(session, Shipment.amount)
        released = _by_order(session, Refund.released)
    assert {taken[order] + released.get(order, 0) for order in orders} == {3_000}


def test_an_order_is_canceled_or_refunded_and_never_both(crowd: Database) -> None:
    orders = _orders(crowd, _pay)

    ends = _race(crowd, orders, call_off, give_back)

    assert _only(ends, {"call_off", "order_canceled"}, {"give_back", "refund_under_way"})


def test_of_two_returns_of_the_same_units_one_is_refused(crowd: Database) -> None:
    orders = _orders(crowd, _send)

    ends = _race(crowd, orders, send_back, send_back)

    assert _only(ends, {"send_back", "too_many_units"})
    with crowd.reading() as session:
        assert session.scalar(select(func.count()).select_from(Return)) == RACES


def test_units_that_were_sent_are_refunded_or_come_back_and_never_both(crowd: Database) -> None:
    orders = _orders(crowd, _send)

    ends = _race(crowd, orders, send_back, give_units_back)

    assert _only(ends, {"send_back", "too_many_units"}, {"give_units_back", "too_many_units"})
