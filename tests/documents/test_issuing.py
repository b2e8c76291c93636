"""When invoices are issued, to whom, and how they are numbered."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, update

from app.accounts.models import Merchant
from app.catalog.models import Sku
from app.documents import reactions, service
from app.documents.errors import NothingToBill, OrderCanceled
from app.documents.models import Invoice, InvoiceCounter
from app.events.registry import reactions as reactions_to
from app.operations import audit
from app.orders import service as orders
from app.orders.errors import OrderNotFound
from app.orders.models import Order
from app.orders.states import OrderState
from app.payments.events import PaymentCaptured
from app.payments.models import RefundItem
from app.platform.db import Database
from app.platform.ids import new_id
from app.shipping.events import ShipmentCreated
from app.shipping.models import ShipmentItem
from app.shipping.states import ShipmentStatus
from tests.documents.trade import pay, refund, sell, send
from tests.factories import make_sku

pytestmark = pytest.mark.unaudited

Hear = Callable[[Order], list[Invoice]]


@pytest.fixture
def sku(db: Database) -> Sku:
    """A boot of one merchant."""
    with db.transaction() as session:
        return make_sku(session, stock=100)


@pytest.fixture
def lamp(db: Database) -> Sku:
    """A lamp of another merchant."""
    with db.transaction() as session:
        return make_sku(session, stock=100, price=3_333)


@pytest.fixture
def hear_of_money(db: Database) -> Hear:
    """Let the consumer hear that money was taken; gives the invoices there are then."""

    def hear(order: Order) -> list[Invoice]:
        fact = PaymentCaptured(new_id(), order.id, order.checkout_id, 1, "EUR")
        return _react(db, order, "payment.captured", fact)

    return hear


@pytest.fixture
def hear_of_parcel(db: Database) -> Hear:
    """Let the consumer hear that a parcel left."""

    def hear(order: Order) -> list[Invoice]:
        return _react(db, order, "shipment.created", ShipmentCreated(order.id, new_id()))

    return hear


def _react(db: Database, order: Order, type_: str, fact: object) -> list[Invoice]:
    with db.transaction() as session:
        for reaction in reactions_to(reactions.CONSUMER, type_):
            reaction(session, fact)
    return _invoices(db, order)


def _invoices(db: Database, order: Order) -> list[Invoice]:
    with db.reading() as session:
        wanted = select(Invoice).where(Invoice.order_id == order.id).order_by(Invoice.id)
        return list(session.scalars(wanted))


def test_an_invoice_is_issued_when_the_money_is_taken_and_only_once(
    db: Database, sku: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 3))
        pay(session, order)

    first, second = hear_of_money(order), hear_of_money(order)

    (invoice,) = first
    assert [each.id for each in second] == [invoice.id]
    assert (invoice.number, invoice.total, invoice.currency) == (1, order.total, "EUR")
    assert invoice.figures["number"] == "000001"
    assert invoice.figures["order"]["number"] == order.number


def test_money_that_is_only_held_is_not_invoiced(
    db: Database, sku: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1))
        pay(session, order, taken=0)

    assert hear_of_money(order) == []


def test_of_several_merchants_each_bills_when_its_first_parcel_was_paid(
    db: Database, sku: Sku, lamp: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1), (lamp, 2))
        payment = pay(session, order, taken=2_489)
        send(session, order, sku.merchant_id, amount=2_489)

    before = hear_of_money(order)
    with db.transaction() as session:
        session.merge(payment).captured = order.total
        session.merge(payment).status = "captured"
    after = hear_of_money(order)

    assert [each.merchant_id for each in before] == [sku.merchant_id]
    assert {each.merchant_id for each in after} == {sku.merchant_id, lamp.merchant_id}
    assert sum(each.total for each in after) == order.total


def test_a_parcel_that_is_called_off_bills_nothing(
    db: Database, sku: Sku, lamp: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1), (lamp, 1))
        pay(session, order, taken=1)
        send(session, order, sku.merchant_id, status=ShipmentStatus.CANCELED)
        send(session, order, lamp.merchant_id, units_left_at=None)

    assert hear_of_money(order) == []


def test_an_order_that_cost_nothing_is_billed_when_its_parcel_leaves(
    db: Database, sku: Sku, hear_of_parcel: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1), shipping=0, discount=sku.price)
        send(session, order, sku.merchant_id)

    (invoice,) = hear_of_parcel(order)

    assert (order.total, invoice.total) == (0, 0)
    assert invoice.figures["supplied_at"] is not None


def test_a_merchant_none_of_whose_goods_will_be_sent_bills_nothing(
    db: Database, sku: Sku, lamp: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1), (lamp, 2))
        payment = pay(session, order)
        refund(session, payment, amount=order.items[1].total, unshipped=[order.items[1]])

    assert [each.merchant_id for each in hear_of_money(order)] == [sku.merchant_id]


def test_a_canceled_order_is_billed_neither_by_itself_nor_by_hand(
    db: Database, sku: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1))
        pay(session, order)
        orders.move(session, order, OrderState.CANCELED, actor="test", reason="too late")

    assert hear_of_money(order) == []
    with db.transaction() as session, pytest.raises(OrderCanceled):
        service.issue(session, order.id, merchant_id=sku.merchant_id)
    assert _last(db, sku) == 0


def test_what_is_neither_paid_nor_sent_is_not_billed_by_hand(db: Database, sku: Sku) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1))
        pay(session, order, taken=0)

    with db.transaction() as session, pytest.raises(NothingToBill):
        service.issue(session, order.id, merchant_id=sku.merchant_id)
    assert _last(db, sku) == 0


def test_units_refunded_before_they_were_sent_are_not_billed(
    db: Database, sku: Sku, hear_of_money: Hear
) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 5))
        payment = pay(session, order, taken=order.total * 3 // 5)
        refund(session, payment, amount=0, unshipped=order.items)
        session.execute(update(RefundItem).values(qty=2, unshipped=2))
        send(session, order, sku.merchant_id)
        session.execute(update(ShipmentItem).values(qty=3))

    (invoice,) = hear_of_money(order)

    (line,) = invoice.figures["lines"]
    assert (line["qty"], line["total"]) == (3, order.items[0].total * 3 // 5)
    assert invoice.total == line["total"] + sum(part["total"] for part in order.shipping_lines)


def test_who_bills_waits_for_whoever_cancels(db: Database, sku: Sku) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1))
        pay(session, order)

    with ThreadPoolExecutor(max_workers=1) as pool:
        with db.transaction() as session:
            locked = session.scalars(
                select(Order).where(Order.id == order.id).with_for_update()
            ).one()
            billing = pool.submit(_issue, db, order.id, sku)
            with pytest.raises(TimeoutError):
                billing.result(timeout=0.5)
            orders.move(session, locked, OrderState.CANCELED, actor="test", reason="too late")
        refused = billing.exception(timeout=10)

    assert isinstance(refused, OrderCanceled)
    assert _invoices(db, order) == []


def test_who_sells_nothing_of_an_order_cannot_bill_it(db: Database, sku: Sku, lamp: Sku) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1))

    with db.transaction() as session, pytest.raises(OrderNotFound):
        service.issue(session, order.id, merchant_id=lamp.merchant_id)


def test_an_invoice_reads_the_same_after_its_merchant_has_moved(db: Database, sku: Sku) -> None:
    with db.transaction() as session:
        merchant = session.get_one(Merchant, sku.merchant_id)
        merchant.settings = {"legal_name": "Blue Barn GmbH", "vat_id": "DE123456789"}
        order = sell(session, (sku, 1))
        pay(session, order)
        service.issue(session, order.id, merchant_id=sku.merchant_id)

    with db.transaction() as session:
        session.get_one(Merchant, sku.merchant_id).settings = {"legal_name": "Red Barn Ltd"}
        again = service.issue(session, order.id, merchant_id=sku.merchant_id)

    assert again.figures["seller"]["legal_name"] == "Blue Barn GmbH"
    assert again.figures["seller"]["vat_id"] == "DE123456789"


def test_each_merchant_counts_for_itself(db: Database, sku: Sku, lamp: Sku) -> None:
    with db.transaction() as session:
        both = [sell(session, (sku, 1), (lamp, 1)) for _ in range(2)]
        single = sell(session, (lamp, 1))
        for order in (*both, single):
            pay(session, order)

    with db.transaction() as session:
        service.issue(session, single.id, merchant_id=lamp.merchant_id)
        for order in both:
            for each in (sku, lamp):
                service.issue(session, order.id, merchant_id=each.merchant_id)

    assert _numbers(db, sku) == [1, 2]
    assert _numbers(db, lamp) == [1, 2, 3]


def test_numbers_have_no_gap_whoever_issues_at_once_and_whoever_gives_up(
    db: Database, sku: Sku
) -> None:
    with db.transaction() as session:
        orders = [sell(session, (sku, 1)) for _ in range(24)]
        for order in orders:
            pay(session, order)
        sold = [order.id for order in orders]

    def issue(place: int) -> None:
        with db.transaction() as session:
            service.issue(session, sold[place], merchant_id=sku.merchant_id)
            if place % 3 == 0:
                raise InterruptedError

    with ThreadPoolExecutor(max_workers=8) as pool:
        running = [pool.submit(issue, place) for place in range(len(sold))]
        given_up = [isinstance(each.exception(), InterruptedError) for each in running]
        again = [_issue(db, sold[place], sku).number for place in range(0, len(sold), 6)]

    assert sum(given_up) == 8
    assert _numbers(db, sku) == list(range(1, 21))
    assert again == [17, 18, 19, 20]
    assert [each for each in audit.of_database(db).breaches if each.invariant == 11] == []


def test_two_who_issue_the_same_invoice_at_once_issue_one(db: Database, sku: Sku) -> None:
    with db.transaction() as session:
        order = sell(session, (sku, 1))
        pay(session, order)
    together = Barrier(4)

    def issue() -> Invoice:
        together.wait(timeout=10)
        return _issue(db, order.id, sku)

    with ThreadPoolExecutor(max_workers=4) as pool:
        issued = [pool.submit(issue) for _ in range(4)]

    assert len({each.result().id for each in issued}) == 1
    assert _numbers(db, sku) == [1]


def _issue(db: Database, order_id: object, sku: Sku) -> Invoice:
    with db.transaction() as session:
        return service.issue(session, order_id, merchant_id=sku.merchant_id)


def _numbers(db: Database, sku: Sku) -> list[int]:
    with db.reading() as session:
        wanted = select(Invoice.number).where(Invoice.merchant_id == sku.merchant_id)
        return sorted(session.scalars(wanted))


def _last(db: Database, sku: Sku) -> int:
    with db.reading() as session:
        counter = session.get(InvoiceCounter, sku.merchant_id)
        return counter.last if counter else 0
