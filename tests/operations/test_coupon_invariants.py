"""The ninth invariant: uses of coupons are their redemptions, within their limits."""

from typing import Any

import pytest

from app.operations import audit
from app.operations.sources import SOURCES, coupon_uses
from app.platform.db import Database
from tests.factories import make_coupon
from tests.journeys.conftest import Shop
from tests.operations.conftest import DECLINED, Spoil

FIRST = "checkout_id = (SELECT id FROM checkouts WHERE state = 'confirmed')"


@pytest.fixture
def redeemed(shop: Shop) -> dict[str, Any]:
    """One purchase that used a coupon, and one that gave it back."""
    with shop.db.transaction() as session:
        make_coupon(session, code="SPRING", uses_max=2, uses_per_customer=1)
    for token, email in (("pm_card_visa", "ada@example.com"), (DECLINED, "bea@example.com")):
        cart = shop.cart()
        answer = shop.buy(cart, token=token, email=email, coupon="SPRING")
        shop.work()
        seen = shop.look(cart, answer)
        if seen["state"] == "confirmed":
            bought = seen
    return bought


def found(db: Database) -> set[tuple[int, str]]:
    report = audit.of_database(db)
    return {(breach.invariant, breach.name) for breach in report.breaches if breach.invariant == 9}


def test_a_coupon_used_and_one_given_back_break_nothing(
    redeemed: dict[str, Any], db: Database
) -> None:
    report = audit.of_database(db)

    assert report.breaches == ()
    assert 9 in report.invariants


SPOILED: dict[str, tuple[list[str], set[str]]] = {
    "a use nobody took": (
        ["UPDATE coupons SET used = used + 1"],
        {"coupon_unlike_redemptions"},
    ),
    "a redemption lost": (
        [f"DELETE FROM coupon_redemptions WHERE {FIRST}"],
        {"coupon_unlike_redemptions", "customer_unlike_redemptions", "coupon_not_taken"},
    ),
    "a customer who used it more often than counted": (
        ["UPDATE coupon_customers SET used = 0"],
        {"customer_unlike_redemptions"},
    ),
    "a limit that was passed": (
        [
            "ALTER TABLE coupons DROP CONSTRAINT ck_coupons_used_in_limit",
            "ALTER TABLE coupons DROP CONSTRAINT ck_coupons_limits_positive",
            "UPDATE coupons SET uses_max = 0",
        ],
        {"coupon_beyond_limit"},
    ),
    "a customer beyond the limit": (
        [
            "ALTER TABLE coupons DROP CONSTRAINT ck_coupons_limits_positive",
            "UPDATE coupons SET uses_per_customer = 0",
        ],
        {"customer_unlike_redemptions"},
    ),
    "a use held for a purchase that is over": (
        ["UPDATE coupon_redemptions SET status = 'held' WHERE status = 'used'"],
        {"redemption_unlike_checkout"},
    ),
    "a use given back by an order that stands": (
        [
            "UPDATE coupon_redemptions SET status = 'released'",
            "UPDATE coupons SET used = 0",
            "UPDATE coupon_customers SET used = 0",
        ],
        {"redemption_unlike_checkout"},
    ),
    "more taken off than was written down": (
        [f"UPDATE coupon_redemptions SET amount = amount - 1 WHERE {FIRST}"],
        {"coupon_not_taken"},
    ),
}


@pytest.mark.parametrize(("statements", "names"), SPOILED.values(), ids=SPOILED)
@pytest.mark.unaudited
def test_what_is_broken_is_found(
    redeemed: dict[str, Any], db: Database, spoil: Spoil, statements: list[str], names: set[str]
) -> None:
    spoil(*statements)

    assert found(db) == {(9, name) for name in names}


def test_a_trace_tells_of_the_coupon(redeemed: dict[str, Any], app: Any) -> None:
    told = app.test_cli_runner().invoke(args=["trace", redeemed["order"]["id"]]).output

    lines = [line for line in told.splitlines() if "SPRING" in line]
    assert len(lines) == 2
    assert "held" in lines[0]
    assert "used" in lines[1]
    assert coupon_uses in SOURCES
