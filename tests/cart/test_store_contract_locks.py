"""Carts under several hands, in Redis and in SQL: versions, checkouts, clicks at once, budgets."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest

from app.cart.errors import (
    CartAlreadyOrdered,
    CartChanged,
    CartLocked,
)
from app.cart.service import Carts
from app.cart.states import CartStatus
from app.catalog.models import Sku
from app.platform.db import Database
from app.saga.states import SagaState
from tests.cart.conftest import Shopper, break_off, lines, set_sku
from tests.statements import statements

pytestmark = pytest.mark.unaudited(
    "change_not_announced", "order_unlike_checkout", "saga_unlike_journal"
)

MakeSku = Callable[..., Sku]


def test_who_saw_an_old_version_changes_nothing(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    first = shopper.add(boot)
    second = shopper.change(boot, 2, expected=first.version)

    with pytest.raises(CartChanged) as refused:
        shopper.change(boot, 9, expected=first.version)
    with pytest.raises(CartChanged):
        shopper.remove(boot, expected=first.version)
    with pytest.raises(CartChanged):
        shopper.add(boot, expected=first.version)

    assert refused.value.facts == {"version": second.version}
    assert shopper.read() == second


def test_a_cart_being_bought_is_not_written(shopper: Shopper, make_sku_for_sale: MakeSku) -> None:
    boot = make_sku_for_sale()
    before = shopper.add(boot)
    checkout_id = shopper.check_out()

    for write in (
        lambda: shopper.add(boot),
        lambda: shopper.change(boot, 2),
        lambda: shopper.remove(boot),
    ):
        with pytest.raises(CartLocked) as refused:
            write()

    assert refused.value.facts == {"checkout_id": checkout_id}
    assert shopper.read() == replace(before, checkout_id=checkout_id)


def test_a_checkout_that_ended_lets_its_cart_go(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    shopper.add(boot)
    checkout_id = shopper.check_out()

    shopper.end(checkout_id, SagaState.FAILED)

    assert lines(shopper.add(boot)) == {boot.id: 2}
    assert shopper.read().checkout_id is None


def test_the_end_of_another_checkout_does_not_let_a_cart_go(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale()
    shopper.add(boot)
    shopper.check_out()

    with db.transaction() as session:
        carts.unlock(session, shopper.cart, uuid4())

    with pytest.raises(CartLocked):
        shopper.add(boot)


def test_a_bought_cart_is_never_written_and_the_next_units_make_a_new_one(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    bought = shopper.add(boot)
    shopper.end(shopper.check_out(), SagaState.CONFIRMED)

    with pytest.raises(CartAlreadyOrdered):
        shopper.add(boot, cart_id=bought.id)
    with pytest.raises(CartAlreadyOrdered):
        shopper.remove(boot)
    status = shopper.read().status
    next_one = shopper.add(boot)

    assert status is CartStatus.ORDERED
    assert next_one.created
    assert next_one.id != bought.id


def test_a_lock_that_was_rolled_back_locks_nothing(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale()
    shopper.add(boot)

    with suppress(ZeroDivisionError), db.transaction() as session:
        carts.lock(session, carts.take(session, shopper.cart, shopper.owner), uuid4())
        break_off()

    assert lines(shopper.add(boot)) == {boot.id: 2}


def test_peeking_shows_what_is_kept(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale(price=1_000)
    shopper.add(boot, 3)
    set_sku(db, boot, price=1_100)
    checkout_id = shopper.check_out()

    with db.reading() as session:
        kept = carts.peek(session, shopper.cart, shopper.owner)

    assert [(line.sku_id, line.qty, line.price_seen) for line in kept.lines] == [
        (boot.id, 3, 1_000)
    ]
    assert (kept.checkout_id, kept.is_ordered) == (checkout_id, False)


def test_thirty_two_clicks_at_once_lose_no_unit(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat = make_sku_for_sale(), make_sku_for_sale()
    shopper.add(boot)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda n: shopper.add(boot if n % 2 else hat), range(32)))

    cart = shopper.read()
    assert lines(cart) == {boot.id: 17, hat.id: 16}
    assert cart.version == 33


def test_of_two_who_saw_the_same_version_one_writes(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    seen = shopper.add(boot).version

    def click(qty: int) -> bool:
        try:
            shopper.change(boot, qty, expected=seen)
        except CartChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(click, range(2, 10)))

    assert done.count(True) == 1
    assert shopper.read().version == seen + 1


@pytest.mark.parametrize("act", ["add", "change", "remove", "read"])
def test_a_call_keeps_to_its_budget_of_statements(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database, act: str
) -> None:
    skus = [make_sku_for_sale() for _ in range(4)]
    for sku in skus:
        shopper.add(sku)
    acts: dict[str, Callable[[], object]] = {
        "add": lambda: shopper.add(skus[0]),
        "change": lambda: shopper.change(skus[0], 5),
        "remove": lambda: shopper.remove(skus[0]),
        "read": shopper.read,
    }
    in_sql = {"add": 4, "change": 4, "remove": 4, "read": 2}
    in_redis = {"add": 2, "change": 2, "remove": 1, "read": 1}  # what SKUs cost, nothing else

    with statements(db) as seen:
        acts[act]()

    assert len(seen) == (in_sql if shopper.user_id else in_redis)[act]
