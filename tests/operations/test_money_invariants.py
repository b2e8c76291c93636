"""Each invariant of the money's later life is seen to break: one row is spoiled, and exactly that
is found."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.operations.breaches import public_id
from app.operations.invariants.money import MONEY
from app.orders.models import Order
from app.platform.db import Database, ShopSession
from app.platform.ids import new_id
from tests.factories import make_order, make_payment

pytestmark = pytest.mark.unaudited

SAGA = "direction, step, version, attempts, key_attempt, deadline"
SAGA_VALUES = "'forward', :step, 1, 0, 1, shop_now()"
REFUND = f"""
    INSERT INTO refunds (id, order_id, payment_id, amount, released, currency, reason, actor,
        idempotency_key, psp_ref, state, {SAGA})
    VALUES (:id, :order_id, :payment_id, :amount, :released, :currency, 'damaged', 'merchant',
        :key, :psp_ref, :state, {SAGA_VALUES})
"""
CAPTURE = f"""
    INSERT INTO captures (id, order_id, payment_id, amount, state, {SAGA})
    VALUES (:id, :order_id, :payment_id, :amount, :state, {SAGA_VALUES})
"""
CANCELLATION = f"""
    INSERT INTO cancellations (id, order_id, reason, actor, state, {SAGA})
    VALUES (:id, :order_id, 'changed_mind', 'customer', :state, {SAGA_VALUES})
"""


@dataclass
class Books:
    """Orders at every point of their life, paid as they should be."""

    db: Database
    orders: dict[str, UUID]
    payments: dict[str, UUID]

    def run(self, statement: str, **values: Any) -> None:
        """Change rows as nobody may: triggers and foreign keys look away."""
        with self.db.transaction() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text(statement), values)

    def refund(self, whose: str, amount: int, **given: Any) -> UUID:
        """A refund of an order's money, done unless something else is said."""
        identity = new_id()
        values: dict[str, Any] = {"id": identity, "order_id": self.orders[whose]}
        values |= {"payment_id": self.payments[whose], "amount": amount, "released": 0}
        values |= {"currency": "EUR", "key": f"{identity}:repay:1", "state": "confirmed"}
        values |= {"psp_ref": f"re_{identity.hex}", "step": "settle"}
        self.run(REFUND, **values | given)
        return identity

    def capture(self, whose: str, amount: int, state: str = "confirmed") -> UUID:
        """An automatic capture of an order's money."""
        identity = new_id()
        of = {"order_id": self.orders[whose], "payment_id": self.payments[whose]}
        self.run(CAPTURE, id=identity, amount=amount, state=state, step="capture", **of)
        return identity

    def cancellation(self, whose: str, state: str) -> None:
        """A cancellation of an order."""
        self.run(CANCELLATION, id=new_id(), order_id=self.orders[whose], state=state, step="close")

    def pay(self, whose: str, **values: Any) -> None:
        """Write into a payment what a test wants."""
        columns = ", ".join(f"{name} = :{name}" for name in values)
        self.run(
            f"UPDATE payments SET {columns} WHERE id = :payment",  # a test's columns
            payment=self.payments[whose],
            **values,
        )

    def found(self) -> list[tuple[int, str, str]]:
        """What the checks of the money find."""
        with self.db.reading() as session:
            breaches = [breach for check in MONEY for breach in check(session, 100)]
        return [(one.invariant, one.name, one.subject) for one in breaches]

    def paid(self, whose: str) -> str:
        """The public id of a payment."""
        return public_id("pay", self.payments[whose])


LIFE: dict[str, tuple[str, dict[str, Any]]] = {
    "confirmed": ("confirmed", {"status": "authorized"}),
    "partly sent": ("confirmed", {"status": "authorized", "captured": 1_000}),
    "partly given back": ("shipped", {"status": "captured", "captured": 4_200, "refunded": 900}),
    "delivered": ("delivered", {"status": "captured", "captured": 3_000}),
    "refunded": ("refunded", {"status": "refunded", "captured": 4_200, "refunded": 4_200}),
    "canceled": ("canceled", {"status": "voided"}),
}


@pytest.fixture
def books(db: Database) -> Books:
    """One order for each point of life."""
    orders, payments = {}, {}
    with db.transaction() as session:
        for number, (whose, (state, money)) in enumerate(LIFE.items(), start=1):
            order = _order(session, state, number)
            payment = make_payment(session, order=order, psp_ref=f"pi_{number}", **money)
            orders[whose], payments[whose] = order.id, payment.id
    books = Books(db, orders, payments)
    books.refund("partly given back", 900)
    books.refund("partly sent", 300, state="running", psp_ref=None, step="repay")
    books.refund("delivered", 0, released=1_200, psp_ref=None)
    books.refund("delivered", 9_999, state="failed", psp_ref=None)
    books.refund("refunded", 4_200)
    books.capture("delivered", 3_000)
    books.capture("confirmed", 4_200, state="running")
    return books


def _order(session: ShopSession, state: str, number: int) -> Order:
    amounts = {"items_total": 0, "shipping": 4_200}  # an order without lines
    part = {"price": 4_200, "tax": 0, "tax_included": 0, "total": 4_200}
    order = make_order(session, state=state, number=f"C-{number}", shipping_lines=[part], **amounts)
    session.execute(
        text("UPDATE checkouts SET state = 'confirmed' WHERE id = :id"), {"id": order.checkout_id}
    )
    return order


def test_money_as_it_should_be_at_every_point_of_life_breaks_nothing(books: Books) -> None:
    assert books.found() == []


def test_more_promised_back_than_was_taken_is_found(books: Books) -> None:
    books.refund("partly sent", 701, state="needs_attention", psp_ref=None)

    assert books.found() == [(5, "more_promised_back_than_taken", books.paid("partly sent"))]


def test_what_came_back_from_the_bank_is_promised_no_more(books: Books) -> None:
    refund_id = books.refund("partly given back", 4_000)
    before = {name for _, name, _ in books.found()}

    books.run("UPDATE refunds SET came_back_at = shop_now() WHERE id = :id", id=refund_id)

    assert before == {"more_promised_back_than_taken", "refund_not_given_back"}
    assert books.found() == []


def test_a_refund_that_is_done_and_was_never_given_back_is_found(books: Books) -> None:
    books.pay("partly given back", refunded=899)

    assert books.found() == [(5, "refund_not_given_back", books.paid("partly given back"))]


def test_money_that_was_let_go_and_taken_all_the_same_is_found(books: Books) -> None:
    books.pay("delivered", captured=3_001)

    assert books.found() == [(5, "released_money_taken", books.paid("delivered"))]


def test_a_refund_nobody_could_find_at_the_provider_is_found(books: Books) -> None:
    books.run("UPDATE refunds SET psp_ref = NULL WHERE amount = 900")

    (found,) = books.found()

    assert found[:2] == (5, "refund_without_reference")


@pytest.mark.parametrize(
    "spoiled",
    [
        "currency = 'USD'",
        "payment_id = NULL",
        "payment_id = (SELECT id FROM payments WHERE psp_ref = 'pi_4')",
    ],
    ids=["currency", "nothing_paid", "another_order"],
)
def test_a_refund_of_what_was_not_paid_for_its_order_is_found(books: Books, spoiled: str) -> None:
    books.run(f"UPDATE refunds SET {spoiled} WHERE amount = 300")  # listed above

    (found,) = books.found()

    assert found[:2] == (5, "refund_unlike_payment")


def test_a_capture_that_is_done_and_took_nothing_is_found(books: Books) -> None:
    books.run("UPDATE captures SET state = 'confirmed' WHERE state = 'running'")

    (found,) = books.found()

    assert found[:2] == (5, "capture_not_taken")


@pytest.mark.parametrize(
    "amounts",
    [
        {"status": "captured", "captured": 4_200, "refunded": 4_200},
        {"status": "captured", "captured": 0},
        {"status": "refunded", "captured": 4_200, "refunded": 4_199},
        {"status": "voided", "captured": 100},
    ],
    ids=["all_back", "nothing_taken", "not_all_back", "voided_and_taken"],
)
def test_a_status_its_amounts_deny_is_found(books: Books, amounts: dict[str, Any]) -> None:
    books.pay("canceled", **amounts)

    assert books.found() == [(5, "payment_amounts_out_of_order", books.paid("canceled"))]


@pytest.mark.parametrize("whose", ["confirmed", "partly given back", "delivered"])
def test_an_order_whose_money_is_gone_is_found(books: Books, whose: str) -> None:
    books.pay(whose, status="voided", captured=0, refunded=0)

    names = {(number, name) for number, name, _ in books.found()}

    assert (3, "order_not_paid_once") in names


def test_an_order_being_canceled_may_have_no_money_any_more(books: Books) -> None:
    books.pay("confirmed", status="voided")
    found = books.found()

    books.cancellation("confirmed", "running")

    assert [name for _, name, _ in found] == ["order_not_paid_once"]
    assert books.found() == []


def test_a_cancellation_that_is_over_excuses_nothing(books: Books) -> None:
    books.pay("confirmed", status="voided")

    books.cancellation("confirmed", "failed")

    assert [name for _, name, _ in books.found()] == ["order_not_paid_once"]


@pytest.mark.parametrize(("hours", "found"), [(23, []), (25, ["hold_nobody_takes"])])
def test_a_hold_of_which_nobody_takes_any_more_is_found_after_a_day(
    books: Books, hours: int, found: list[str]
) -> None:
    books.refund("confirmed", 0, released=4_200, psp_ref=None)

    books.run("UPDATE captures SET state = 'failed'")
    for table in ("payments", "refunds"):
        books.run(
            f"UPDATE {table} SET updated_at = shop_now() - make_interval(hours => :hours)",
            hours=hours,
        )

    assert [name for _, name, _ in books.found()] == found


def test_a_hold_a_refund_is_about_to_close_is_no_breach(books: Books) -> None:
    books.refund("confirmed", 0, released=4_200, psp_ref=None, state="running", step="repay")

    for table in ("payments", "refunds"):
        books.run(f"UPDATE {table} SET updated_at = shop_now() - interval '9 days'")

    assert books.found() == []
