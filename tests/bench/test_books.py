"""Whether the bench would see that a shop does not add up."""

from dataclasses import replace

from bench.books import Books, discrepancies

BEFORE = Books(
    orders=10,
    units=10,
    sold=46_900,
    held=46_900,
    available=990,
    reserved=10,
    least_available=20,
    ledger_available=990,
    ledger_reserved=10,
)
AFTER = replace(
    BEFORE,
    orders=13,
    units=13,
    sold=60_970,
    held=60_970,
    available=987,
    reserved=13,
    ledger_available=987,
    ledger_reserved=13,
)


def test_three_purchases_that_add_up_are_no_discrepancy() -> None:
    assert discrepancies(BEFORE, AFTER, completed=3, failed=0) == []


def test_a_purchase_whose_answer_was_lost_may_be_an_order() -> None:
    assert discrepancies(BEFORE, AFTER, completed=2, failed=1) == []


def test_a_success_without_an_order_is_seen() -> None:
    assert discrepancies(BEFORE, AFTER, completed=4, failed=0) == [
        "4 purchases succeeded and 0 failed, but 3 orders"
    ]


def test_an_order_nobody_bought_is_seen() -> None:
    assert discrepancies(BEFORE, AFTER, completed=2, failed=0) == [
        "2 purchases succeeded and 0 failed, but 3 orders"
    ]


def test_a_unit_that_vanished_is_seen() -> None:
    after = replace(AFTER, available=986, ledger_available=986)

    assert discrepancies(BEFORE, after, completed=3, failed=0) == ["units appeared or vanished"]


def test_a_sale_without_its_reservation_is_seen() -> None:
    after = replace(AFTER, available=988, reserved=12, ledger_available=988, ledger_reserved=12)

    assert discrepancies(BEFORE, after, completed=3, failed=0) == ["3 units sold, 2 reserved"]


def test_an_oversold_balance_is_seen() -> None:
    after = replace(AFTER, least_available=-1)

    assert discrepancies(BEFORE, after, completed=3, failed=0) == [
        "a balance is below zero: oversold"
    ]


def test_a_balance_the_ledger_does_not_explain_is_seen() -> None:
    after = replace(AFTER, ledger_available=1_000)

    assert discrepancies(BEFORE, after, completed=3, failed=0) == [
        "the ledger does not explain the balances"
    ]


def test_an_order_nobody_paid_is_seen() -> None:
    after = replace(AFTER, held=56_280)

    assert discrepancies(BEFORE, after, completed=3, failed=0) == [
        "orders of 60970, money held 56280"
    ]
