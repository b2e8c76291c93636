"""Each invariant is seen to break: one row is spoiled, and exactly that is found."""

from collections.abc import Callable
from typing import Any

import pytest

from app.operations import audit
from app.platform.db import Database, ShopSession
from app.platform.ids import encode
from tests.conftest import Clock
from tests.journeys.conftest import Shop
from tests.operations.conftest import ASKS_THE_SHOPPER, Sold, Spoil

Found = set[tuple[int, str]]


def _found(db: Database) -> Found:
    return {(breach.invariant, breach.name) for breach in audit.of_database(db).breaches}


def test_a_shop_that_has_sold_breaks_nothing(sold: Sold, db: Database) -> None:
    report = audit.of_database(db)

    assert report.breaches == ()
    assert report.holds
    assert report.looked_at["orders"] == 3
    assert report.stock == audit.Stock(came=10, sent=0, available=7, reserved=3)


def test_a_purchase_on_its_way_breaks_nothing(shop: Shop, db: Database) -> None:
    shop.buy(shop.cart())

    assert audit.of_database(db).breaches == ()


UNITS: dict[str, tuple[list[str], Found]] = {
    "stock that came from nowhere": (
        ["UPDATE inventory SET stock_available = stock_available + 1"],
        {(1, "available_unlike_ledger")},
    ),
    "stock below zero": (
        [
            "ALTER TABLE inventory DROP CONSTRAINT ck_inventory_available_not_negative",
            "UPDATE inventory SET stock_available = -1",
        ],
        {(1, "balance_below_zero"), (1, "available_unlike_ledger")},
    ),
    "a reserved unit lost": (
        ["UPDATE inventory SET stock_reserved = stock_reserved - 1"],
        {(1, "reserved_unlike_ledger"), (2, "reserved_unlike_reservations")},
    ),
    "a ledger entry lost": (
        ["DELETE FROM inventory_ledger WHERE reason = 'receive'"],
        {(1, "available_unlike_ledger")},
    ),
    "a reservation that grew": (
        ["UPDATE reservations SET qty = qty + 1 WHERE checkout_id = %(first_checkout)s"],
        {(2, "reserved_unlike_reservations"), (2, "units_of_order_not_held")},
    ),
    "a declined purchase that still holds": (
        ["UPDATE reservations SET status = 'active' WHERE checkout_id = %(declined_checkout)s"],
        {(2, "reserved_unlike_reservations"), (2, "units_held_for_nothing")},
    ),
    "an order whose units would expire": (
        ["UPDATE reservations SET expires_at = shop_now() WHERE checkout_id = %(first_checkout)s"],
        {(2, "units_of_order_not_held")},
    ),
}
MONEY: dict[str, tuple[list[str], Found]] = {
    "a discount no line has": (
        ["UPDATE order_items SET discount = discount + 1 WHERE order_id = %(first)s"],
        {(5, "order_lines_wrong")},
    ),
    "a tax no line has": (
        ["UPDATE order_items SET tax = tax + 1 WHERE order_id = %(first)s"],
        {(5, "order_lines_wrong")},
    ),
    "a tax that is in no price": (
        ["UPDATE order_items SET tax_included = 0 WHERE order_id = %(first)s"],
        {(5, "order_lines_wrong")},
    ),
    "shipping no merchant asked for": (
        ["UPDATE orders SET shipping_lines = '[]' WHERE id = %(first)s"],
        {(5, "order_lines_wrong")},
    ),
    "shipping that is more than its parts": (
        [
            "UPDATE orders SET shipping_lines = jsonb_set(shipping_lines, '{0,total}', '999')"
            " WHERE id = %(first)s"
        ],
        {(5, "order_lines_wrong")},
    ),
    "an order nobody paid": (
        ["UPDATE payments SET status = 'voided' WHERE order_id = %(first)s"],
        {(3, "order_not_paid_once"), (10, "change_not_announced")},
    ),
    "an order paid in part": (
        ["UPDATE payments SET amount = amount - 1 WHERE order_id = %(first)s"],
        {(3, "order_not_paid_once")},
    ),
    "an order paid twice": (
        [
            "DROP INDEX uq_payments_live",
            "UPDATE payments SET order_id = %(first)s, checkout_id = %(first_checkout)s"
            " WHERE order_id = %(second)s",
        ],
        {(3, "order_not_paid_once")},
    ),
    "a cart bought twice": (
        [
            "DROP INDEX uq_checkouts_cart",
            "UPDATE checkouts SET cart_id = gen_random_uuid() WHERE state = 'failed'",
            "UPDATE checkouts SET cart_id = (SELECT cart_id FROM checkouts"
            " WHERE id = %(first_checkout)s) WHERE id = %(second_checkout)s",
        ],
        {(3, "cart_bought_twice")},
    ),
    "money held for a purchase that failed": (
        ["UPDATE payments SET status = 'pending' WHERE checkout_id = %(declined_checkout)s"],
        {(3, "money_held_for_nothing")},
    ),
    "a declined card that could still be paid": (
        [
            "UPDATE payments SET status = 'failed', psp_ref = 'pi_open'"
            " WHERE checkout_id = %(declined_checkout)s"
        ],
        {(3, "money_held_for_nothing")},
    ),
    "more given back than taken": (
        [
            "ALTER TABLE payments DROP CONSTRAINT ck_payments_amounts_in_order",
            "UPDATE payments SET refunded = 1 WHERE order_id = %(first)s",
        ],
        {(5, "payment_amounts_out_of_order"), (10, "change_not_announced")},
    ),
    "a total that is not its parts": (
        [
            "ALTER TABLE orders DROP CONSTRAINT ck_orders_total_adds_up",
            "UPDATE orders SET shipping = shipping + 1 WHERE id = %(first)s",
        ],
        {(5, "order_total_wrong"), (5, "order_lines_wrong")},
    ),
    "a line that changed its price": (
        ["UPDATE order_items SET price_snapshot = 1 WHERE order_id = %(first)s"],
        {(5, "order_lines_wrong")},
    ),
}
MOVES: dict[str, tuple[list[str], Found]] = {
    "a move nobody may make": (
        [
            "UPDATE orders SET state = 'delivered' WHERE id = %(first)s",
            'INSERT INTO order_transitions (order_id, "from", "to", actor, reason)'
            " VALUES (%(first)s, 'confirmed', 'delivered', 'somebody', 'magic')",
        ],
        {
            (5, "order_sent_unpaid"),
            (6, "illegal_move"),
            (6, "order_unlike_parcels"),
            (10, "change_not_announced"),
        },
    ),
    "a move left out": (
        ["""DELETE FROM order_transitions WHERE "to" = 'created' AND order_id = %(first)s"""],
        {(6, "moves_not_contiguous")},
    ),
    "a state nobody wrote down": (
        ["UPDATE orders SET state = 'shipped' WHERE id = %(first)s"],
        {(5, "order_sent_unpaid"), (6, "state_not_journaled"), (6, "order_unlike_parcels")},
    ),
    "an order its checkout does not know": (
        ["UPDATE checkouts SET order_id = NULL WHERE id = %(first_checkout)s"],
        {(6, "order_unlike_checkout")},
    ),
    "a step nobody wrote down": (
        [
            "DELETE FROM saga_journal WHERE saga_id = %(first_checkout)s"
            " AND step = 'reserve' AND event = 'succeeded'"
        ],
        {(6, "saga_unlike_journal")},
    ),
    "a step done twice": (
        [
            "INSERT INTO saga_journal (saga_kind, saga_id, step, event, attempt)"
            " VALUES ('purchase', %(first_checkout)s, 'authorize', 'succeeded', 2)"
        ],
        {(6, "saga_unlike_journal")},
    ),
    "a step never undone": (
        [
            "DELETE FROM saga_journal WHERE saga_id = %(declined_checkout)s"
            " AND step = 'reserve' AND event = 'compensated'"
        ],
        {(6, "saga_unlike_journal")},
    ),
    "a saga that waits for a person nobody told": (
        ["UPDATE checkouts SET state = 'needs_attention' WHERE id = %(declined_checkout)s"],
        {(7, "saga_overdue"), (10, "fact_not_true")},
    ),
}
FACTS: dict[str, tuple[list[str], Found]] = {
    "a confirmation nobody was told of": (
        ["DELETE FROM outbox WHERE type = 'order.confirmed' AND key = %(first)s::text"],
        {(10, "change_not_announced")},
    ),
    "a release nobody was told of": (
        ["DELETE FROM outbox WHERE type = 'stock.released'"],
        {(10, "change_not_announced")},
    ),
    "a failure nobody was told of": (
        ["DELETE FROM outbox WHERE type = 'checkout.failed'"],
        {(10, "change_not_announced")},
    ),
    "a hold nobody was told of": (
        ["DELETE FROM outbox WHERE type = 'payment.authorized'"],
        {(10, "change_not_announced")},
    ),
    "a confirmation told twice": (
        [
            "INSERT INTO outbox (id, topic, key, type, payload)"
            " SELECT gen_random_uuid(), topic, key, type, payload FROM outbox"
            " WHERE type = 'order.confirmed' AND key = %(first)s::text"
        ],
        {(10, "change_announced_twice")},
    ),
    "a confirmation that is not so": (
        [
            "INSERT INTO outbox (id, topic, key, type, payload)"
            " VALUES (gen_random_uuid(), 'orders', 'nothing', 'order.confirmed', '{}')"
        ],
        {(10, "fact_not_true")},
    ),
    "a fact a consumer went past": (
        [
            "DELETE FROM consumer_inbox i USING outbox e WHERE e.id = i.event_id"
            " AND i.consumer = 'notifications' AND e.key = %(second)s::text"
        ],
        {(10, "fact_not_applied")},
    ),
    "a letter never written": (
        ["DELETE FROM notifications WHERE subject_id = %(first)s"],
        {(10, "letter_missing")},
    ),
}


def _spoiled(
    db: Database, sold: Sold, kinds: dict[str, tuple[list[str], Found]]
) -> dict[str, Found]:
    """What the audit finds after each kind of spoiling, each in a transaction that is undone."""
    found: dict[str, Found] = {}
    for what, (statements, _) in kinds.items():
        with db.engine.connect() as connection, ShopSession(connection) as session:
            connection.exec_driver_sql("SET session_replication_role = replica")
            for statement in statements:
                connection.exec_driver_sql(statement, sold.names)
            broken = audit.breaches_in(session)
            found[what] = {(breach.invariant, breach.name) for breach in broken}
    return found


def _expected(kinds: dict[str, tuple[list[str], Found]]) -> dict[str, Found]:
    return {what: broken for what, (_, broken) in kinds.items()}


def test_units_that_do_not_add_up_are_found_and_nothing_else(sold: Sold, db: Database) -> None:
    assert _spoiled(db, sold, UNITS) == _expected(UNITS)


def test_money_that_does_not_add_up_is_found_and_nothing_else(sold: Sold, db: Database) -> None:
    assert _spoiled(db, sold, MONEY) == _expected(MONEY)


def test_moves_that_were_never_made_are_found_and_nothing_else(sold: Sold, db: Database) -> None:
    assert _spoiled(db, sold, MOVES) == _expected(MOVES)


def test_facts_untold_or_untrue_are_found_and_nothing_else(sold: Sold, db: Database) -> None:
    assert _spoiled(db, sold, FACTS) == _expected(FACTS)


@pytest.mark.unaudited
def test_a_breach_names_its_subject_and_says_what_is_wrong(
    sold: Sold, spoil: Spoil, db: Database
) -> None:
    spoil("UPDATE payments SET amount = 1 WHERE order_id = %(first)s", **sold.names)

    (breach,) = audit.of_database(db).breaches

    assert breach.subject == sold.first["order"]["id"]
    assert breach.detail == "0 of 1 live payments cover its 10490 EUR; exactly one should"


@pytest.mark.unaudited
def test_a_check_gives_no_more_rows_than_asked_for(sold: Sold, spoil: Spoil, db: Database) -> None:
    spoil("UPDATE order_items SET price_snapshot = 1")

    assert len(audit.of_database(db).breaches) == 3
    assert len(audit.of_database(db, limit=2).breaches) == 2


def test_a_purchase_past_its_deadline_is_a_breach_until_the_sweep_has_turned_it(
    buy: Callable[..., dict[str, Any]], shop: Shop, db: Database, clock: Clock
) -> None:
    parked = buy(token=ASKS_THE_SHOPPER)
    clock.advance(900)

    late = audit.of_database(db).breaches
    shop.sweep()

    assert [(breach.invariant, breach.name) for breach in late] == [(7, "saga_overdue")]
    assert late[0].subject == parked["id"]
    assert audit.of_database(db).breaches == ()


@pytest.mark.unaudited
def test_a_saga_that_waits_for_a_person_who_was_told_is_no_breach(
    sold: Sold, spoil: Spoil, db: Database
) -> None:
    checkout = sold.names["declined_checkout"]
    spoil(
        "UPDATE checkouts SET state = 'needs_attention' WHERE id = %(checkout)s",
        "INSERT INTO incidents (id, kind, subject)"
        " VALUES (gen_random_uuid(), 'saga_authorize', %(checkout)s::text)",
        checkout=checkout,
    )

    assert (7, "saga_overdue") not in _found(db)


@pytest.mark.unaudited
def test_what_nobody_knows_by_id_keeps_the_name_it_has(spoil: Spoil, db: Database) -> None:
    spoil(
        "INSERT INTO outbox (id, topic, key, type, payload)"
        " VALUES (gen_random_uuid(), 'orders', 'nothing', 'order.confirmed', '{}')"
    )

    (breach,) = audit.of_database(db).breaches

    assert breach.subject == "nothing"


@pytest.mark.unaudited
def test_balances_are_named_by_their_sku(sold: Sold, spoil: Spoil, db: Database) -> None:
    spoil("UPDATE inventory SET stock_available = stock_available + 1")

    (breach,) = audit.of_database(db).breaches

    assert breach.subject == encode("sku", sold.shop.sku.id)
    assert breach.detail.startswith("8 units where 7 are right, in warehouse whs_")
