"""Whatever an order is made of and however it is split, its parcels take exactly its total."""

from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import Merchant
from app.catalog.models import Sku
from app.orders.models import Order
from app.orders.queries import units_of
from app.orders.service import refund
from app.orders.service.ship import Wanted, ship
from app.platform.db import Database
from app.shipping.models import Shipment
from app.wiring import Providers
from tests.factories import make_merchant, make_shipping_rate, make_sku
from tests.orders.sold import Line, sell

ASKED = {"reason": "sold out", "actor": "ops"}
LINES = st.lists(
    st.tuples(st.integers(0, 9_999), st.integers(1, 5), st.integers(0, 100), st.integers(0, 1)),
    min_size=1,
    max_size=4,
)


def _sold(
    db: Database, lines: list[tuple[int, int, int, int]], shipping: list[int], multicapture: bool
) -> UUID:
    """An order of these lines (price, units, percent off, whose) and each merchant's shipping."""
    with db.transaction() as session:
        merchants: list[Merchant] = [make_merchant(session) for _ in range(2)]
        for merchant in merchants:
            make_shipping_rate(session, merchant=merchant)
        bought = []
        for price, qty, percent, whose in lines:
            sku: Sku = make_sku(session, merchant=merchants[whose], stock=qty, price=price)
            bought.append(Line(sku, qty, discount=price * qty * percent // 100))
        parts = {merchants[whose].id: shipping[whose] for _, _, _, whose in lines}
        return sell(session, bought, shipping=parts, multicapture=multicapture).id


def _send_some(db: Database, order_id: UUID, choice: st.DataObject) -> None:
    """A parcel of some units that are left, of one merchant."""
    with db.transaction() as session:
        left = [line for line in units_of(session, order_id).values() if line.left]
        first = choice.draw(st.sampled_from(left))
        mine = [line for line in left if line.merchant_id == first.merchant_id]
        parts = {line.line: choice.draw(st.integers(0, line.left)) for line in mine}
        parts = {line: qty for line, qty in parts.items() if qty} or {first.line: 1}
        wanted = Wanted(lines=parts)
        ship(session, order_id, wanted, merchant_id=None, carrier="table", actor="ops")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=LINES,
    shipping=st.lists(st.integers(0, 999), min_size=2, max_size=2),
    multicapture=st.booleans(),
    choice=st.data(),
)
def test_any_split_of_any_order_takes_exactly_its_total(
    providers: Providers,
    lines: list[tuple[int, int, int, int]],
    shipping: list[int],
    multicapture: bool,
    choice: st.DataObject,
) -> None:
    db = providers.db
    order_id = _sold(db, lines, shipping, multicapture)

    while _is_open(db, order_id):
        _send_some(db, order_id, choice)

    with db.reading() as session:
        total = session.get_one(Order, order_id).total
        amounts = session.scalars(
            select(Shipment.amount).where(Shipment.order_id == order_id).order_by(Shipment.id)
        ).all()
    assert sum(amounts) == total
    assert min(amounts) >= 0
    if not multicapture:
        assert amounts[0] == total


def test_what_a_refund_let_go_of_is_not_taken_and_all_the_rest_is(providers: Providers) -> None:
    db = providers.db
    with db.transaction() as session:
        merchant = make_merchant(session)
        make_shipping_rate(session, merchant=merchant)
        sku = make_sku(session, merchant=merchant, stock=3, price=1_000)
        order = sell(session, [Line(sku, 3, discount=1)], shipping={merchant.id: 490})

    _ship(db, order.id, 1)
    with db.transaction() as session:
        released = refund.request(session, order.id, lines={1: 1}, **ASKED).released
    _ship(db, order.id, 1)

    with db.reading() as session:
        amounts = session.scalars(select(Shipment.amount).order_by(Shipment.id)).all()
    assert released > 0
    assert sum(amounts) + released == order.total == 3_489


def _ship(db: Database, order_id: UUID, qty: int) -> None:
    with db.transaction() as session:
        wanted = Wanted(lines={1: qty})
        ship(session, order_id, wanted, merchant_id=None, carrier="table", actor="ops")


def _is_open(db: Database, order_id: UUID) -> bool:
    with db.reading() as session:
        return any(line.left for line in units_of(session, order_id).values())
