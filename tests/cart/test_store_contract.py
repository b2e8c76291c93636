"""What a cart is, wherever it is kept: each sentence holds in Redis and in SQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from app.cart.errors import (
    CartAlreadyOrdered,
    CartChanged,
    CartLocked,
    CartNotFound,
    LineNotFound,
    QuantityOutOfRange,
    SkuNotForSale,
    TooManyLines,
)
from app.cart.ports import LINES_MAX, UNITS_MAX
from app.cart.service import Carts
from app.cart.states import CartStatus
from app.catalog.errors import SkuNotFound
from app.catalog.models import Sku, SkuStatus
from app.platform.db import Database
from app.platform.money import CurrencyMismatch
from app.saga.states import SagaState
from tests.cart.conftest import Shopper, lines
from tests.factories import make_merchant, make_sku, make_user
from tests.statements import statements

MakeSku = Callable[..., Sku]


def set_sku(db: Database, sku: Sku, **values: object) -> None:
    with db.transaction() as session:
        row = session.get_one(Sku, sku.id)
        for name, value in values.items():
            setattr(row, name, value)


def test_the_first_units_make_a_cart(shopper: Shopper, make_sku_for_sale: MakeSku) -> None:
    boot = make_sku_for_sale(price=1_999)

    cart = shopper.add(boot, 2)

    assert (cart.created, cart.version, cart.status) == (True, 1, CartStatus.OPEN)
    assert (cart.currency, cart.subtotal) == ("EUR", 3_998)
    assert lines(cart) == {boot.id: 2}
    assert shopper.read() == cart


def test_units_of_the_same_sku_add_up_in_one_line(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    first = shopper.add(boot, 2)

    second = shopper.add(boot, 3)

    assert (second.id, second.created) == (first.id, False)
    assert lines(second) == {boot.id: 5}


def test_lines_stand_in_the_order_they_were_added(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    skus = [make_sku_for_sale() for _ in range(3)]
    for sku in reversed(skus):
        shopper.add(sku)

    cart = shopper.change(skus[1], 7)

    assert [line.sku_id for line in cart.lines] == [sku.id for sku in reversed(skus)]
    assert shopper.read() == cart


def test_every_write_raises_the_version_by_one(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat = make_sku_for_sale(), make_sku_for_sale()

    versions = [
        shopper.add(boot).version,
        shopper.add(hat).version,
        shopper.change(boot, 4).version,
        shopper.remove(hat).version,
    ]

    assert versions == [1, 2, 3, 4]
    assert shopper.read().version == 4


def test_a_line_is_set_and_taken_out(shopper: Shopper, make_sku_for_sale: MakeSku) -> None:
    boot, hat = make_sku_for_sale(), make_sku_for_sale()
    shopper.add(boot, 5)
    shopper.add(hat, 1)

    changed = shopper.change(boot, 2)
    removed = shopper.remove(hat)

    assert lines(changed) == {boot.id: 2, hat.id: 1}
    assert lines(removed) == {boot.id: 2}


def test_a_line_that_is_not_there_is_not_changed(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat = make_sku_for_sale(), make_sku_for_sale()
    before = shopper.add(boot)

    with pytest.raises(LineNotFound):
        shopper.change(hat, 1)
    with pytest.raises(LineNotFound):
        shopper.remove(hat)

    assert shopper.read() == before


def test_a_stranger_finds_no_cart(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale()
    before = shopper.add(boot)
    with db.transaction() as session:
        other_person = Shopper(db, carts, user_id=make_user(session).id)
    other_guest = Shopper(db, carts)
    other_guest.add(boot)

    for stranger in (other_person, other_guest):
        with pytest.raises(CartNotFound):
            stranger.read(shopper.cart)
        with pytest.raises(CartNotFound):
            stranger.add(boot, cart_id=shopper.cart)

    assert shopper.read() == before


def test_an_unknown_cart_is_not_found(shopper: Shopper, make_sku_for_sale: MakeSku) -> None:
    boot = make_sku_for_sale()

    with pytest.raises(CartNotFound):
        shopper.add(boot, cart_id=uuid4())


def test_an_unknown_sku_makes_no_cart(shopper: Shopper, make_sku_for_sale: MakeSku) -> None:
    nothing = Sku(id=uuid4())

    with pytest.raises(SkuNotFound):
        shopper.add(nothing)

    assert shopper.cart_id is None
    assert shopper.add(make_sku_for_sale()).created


def test_what_is_archived_cannot_be_added(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot = make_sku_for_sale(status=SkuStatus.ARCHIVED)

    with pytest.raises(SkuNotForSale):
        shopper.add(boot)


@pytest.mark.parametrize("qty", [0, -1, UNITS_MAX + 1, 10**12])
def test_a_line_has_from_one_unit_up_to_its_limit(
    shopper: Shopper, make_sku_for_sale: MakeSku, qty: int
) -> None:
    boot = make_sku_for_sale()
    before = shopper.add(boot)

    with pytest.raises(QuantityOutOfRange):
        shopper.add(boot, qty)
    with pytest.raises(QuantityOutOfRange):
        shopper.change(boot, qty)

    assert shopper.read() == before


def test_units_do_not_add_up_beyond_the_limit(shopper: Shopper, make_sku_for_sale: MakeSku) -> None:
    boot = make_sku_for_sale()
    before = shopper.add(boot, UNITS_MAX)

    with pytest.raises(QuantityOutOfRange):
        shopper.add(boot, 1)

    assert shopper.read() == before


def test_a_cart_holds_only_so_many_lines(shopper: Shopper, db: Database) -> None:
    with db.transaction() as session:
        merchant = make_merchant(session)
        skus = [make_sku(session, merchant=merchant) for _ in range(LINES_MAX + 1)]
    for sku in skus[:LINES_MAX]:
        shopper.add(sku)

    with pytest.raises(TooManyLines):
        shopper.add(skus[-1])
    again = shopper.add(skus[0])

    assert len(again.lines) == LINES_MAX


def test_one_cart_has_one_currency_until_it_is_empty(
    shopper: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat = make_sku_for_sale(currency="EUR"), make_sku_for_sale(currency="USD")
    shopper.add(boot)

    with pytest.raises(CurrencyMismatch):
        shopper.add(hat)
    empty = shopper.remove(boot)
    other = shopper.add(hat)

    assert (empty.currency, empty.subtotal) == (None, 0)
    assert (other.currency, lines(other)) == ("USD", {hat.id: 1})


def test_a_cart_is_summed_at_todays_prices_and_says_what_was(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot, hat = make_sku_for_sale(price=1_000), make_sku_for_sale(price=500)
    shopper.add(boot, 2)
    shopper.add(hat)
    set_sku(db, boot, price=1_100)

    cart = shopper.read()

    assert [(line.price, line.price_was) for line in cart.lines] == [(1_100, 1_000), (500, None)]
    assert cart.subtotal == 2_700


def test_setting_a_line_again_takes_note_of_its_new_price(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot = make_sku_for_sale(price=1_000)
    shopper.add(boot, 2)
    set_sku(db, boot, price=900)

    cart = shopper.change(boot, 2)

    assert [(line.price, line.price_was) for line in cart.lines] == [(900, None)]


def test_what_is_not_for_sale_any_more_is_marked_and_costs_nothing(
    shopper: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot, hat = make_sku_for_sale(price=1_000), make_sku_for_sale(price=500)
    shopper.add(boot)
    shopper.add(hat)
    set_sku(db, boot, status=SkuStatus.ARCHIVED)

    cart = shopper.read()

    assert [(line.available, line.subtotal) for line in cart.lines] == [(False, 0), (True, 500)]
    assert cart.subtotal == 500
    assert lines(shopper.remove(boot)) == {hat.id: 1}


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

    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        carts.lock(session, carts.take(session, shopper.cart, shopper.owner), uuid4())
        raise ZeroDivisionError

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
