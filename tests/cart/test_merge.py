"""What a guest put into a cart follows them when they sign in: once, and without loss."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app.cart.errors import CartAlreadyOrdered, CartLocked, CartNotFound, TooManyLines
from app.cart.ports import LINES_MAX, UNITS_MAX
from app.cart.service import Carts
from app.catalog.models import Sku, SkuStatus
from app.platform.db import Database
from app.platform.money import CurrencyMismatch
from app.platform.redis import ShopRedis, connect
from app.saga.states import SagaState
from tests.cart.conftest import Shopper, lines
from tests.factories import make_checkout, make_merchant, make_sku, make_user

MakeSku = Callable[..., Sku]


def test_a_guests_lines_are_added_to_those_of_the_person(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat, sock = make_sku_for_sale(), make_sku_for_sale(), make_sku_for_sale()
    person.add(boot, 1)
    person.add(sock, 4)
    guest.add(boot, 2)
    guest.add(hat, 3)

    cart = person.merge(guest.cart)

    assert lines(cart) == {boot.id: 3, sock.id: 4, hat.id: 3}
    assert person.read() == cart


def test_a_person_without_a_cart_gets_one(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 2)

    cart = person.merge(guest.cart)

    assert (lines(cart), cart.currency, cart.user_id) == ({boot.id: 2}, "EUR", person.user_id)


def test_the_guests_cart_is_gone_once_the_merge_is_committed(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    guest.add(make_sku_for_sale())
    assert person.user_id is not None

    with db.transaction() as session:
        carts.merge(session, guest.cart, person.user_id)
        before = guest.read()

    assert before.lines
    with pytest.raises(CartNotFound):
        guest.read()


def test_a_merge_that_is_rolled_back_loses_nothing(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 2)
    assert person.user_id is not None

    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        carts.merge(session, guest.cart, person.user_id)
        raise ZeroDivisionError

    assert lines(guest.read()) == {boot.id: 2}
    assert lines(person.merge(guest.cart)) == {boot.id: 2}


def test_merging_again_doubles_nothing(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 2)
    first = person.merge(guest.cart)

    again = person.merge(guest.cart)

    assert again == first


def test_merging_again_doubles_nothing_when_the_guests_cart_survived(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, redis: ShopRedis
) -> None:
    boot, hat = make_sku_for_sale(), make_sku_for_sale()
    guest.add(boot, 2)
    key = f"cart:{{{guest.cart}}}"
    kept = redis.dump(key)
    person.merge(guest.cart)
    redis.restore(key, 0, kept)  # as if the process had died before it could drop the cart
    guest.add(boot, 1)
    guest.add(hat, 1)

    cart = person.merge(guest.cart)

    assert lines(cart) == {boot.id: 3, hat.id: 1}


def test_what_the_person_took_out_does_not_come_back(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, redis: ShopRedis
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 2)
    key = f"cart:{{{guest.cart}}}"
    kept = redis.dump(key)
    person.merge(guest.cart)
    redis.restore(key, 0, kept)
    person.remove(boot)

    cart = person.merge(guest.cart)

    assert lines(cart) == {}


def test_units_added_while_a_merge_commits_wait_for_the_next(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 2)
    assert person.user_id is not None
    with db.transaction() as session:
        first = carts.merge(session, guest.cart, person.user_id)
        guest.add(boot, 5)

    second = person.merge(guest.cart)

    assert lines(first) == {boot.id: 2}
    assert lines(second) == {boot.id: 7}
    with pytest.raises(CartNotFound):
        guest.read()


def test_merges_at_once_add_up_to_one(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat = make_sku_for_sale(), make_sku_for_sale()
    person.add(boot, 1)
    guest.add(boot, 2)
    guest.add(hat, 1)
    guest_cart = guest.cart

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: person.merge(guest_cart), range(16)))

    assert lines(person.read()) == {boot.id: 3, hat.id: 1}


def test_merging_and_clicking_at_once_lose_no_unit(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 1)
    person.add(boot, 1)
    guest_cart = guest.cart

    def act(n: int) -> None:
        if n % 4 == 0:
            person.merge(guest_cart)
        else:
            person.add(boot)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(act, range(32)))

    assert lines(person.read()) == {boot.id: 26}


def test_units_are_capped_at_the_limit_of_a_line(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, UNITS_MAX)
    person.add(boot, 10)

    assert lines(person.merge(guest.cart)) == {boot.id: UNITS_MAX}


def test_too_many_lines_together_leave_both_as_they_are(
    guest: Shopper, person: Shopper, db: Database
) -> None:
    with db.transaction() as session:
        merchant = make_merchant(session)
        skus = [make_sku(session, merchant=merchant) for _ in range(LINES_MAX + 1)]
    for sku in skus[:LINES_MAX]:
        person.add(sku)
    guest.add(skus[-1])

    with pytest.raises(TooManyLines):
        person.merge(guest.cart)

    assert len(person.read().lines) == LINES_MAX
    assert len(guest.read().lines) == 1


def test_carts_of_two_currencies_are_not_merged(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot, hat = make_sku_for_sale(currency="EUR"), make_sku_for_sale(currency="USD")
    guest.add(boot)
    person.add(hat)

    with pytest.raises(CurrencyMismatch):
        person.merge(guest.cart)

    assert lines(guest.read()) == {boot.id: 1}


def test_what_is_not_for_sale_any_more_comes_along_marked(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    with db.transaction() as session:
        session.get_one(Sku, boot.id).status = SkuStatus.ARCHIVED

    cart = person.merge(guest.cart)

    assert [line.available for line in cart.lines] == [False]


def test_a_guests_cart_that_is_being_bought_is_not_merged(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    guest.add(make_sku_for_sale())
    guest.check_out()

    with pytest.raises(CartLocked):
        person.merge(guest.cart)


def test_a_guests_cart_is_not_merged_either_when_redis_missed_its_checkout(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    guest.add(make_sku_for_sale())
    with db.transaction() as session:
        make_checkout(session, cart_id=guest.cart)

    with pytest.raises(CartLocked):
        person.merge(guest.cart)


def test_a_guests_cart_that_was_bought_is_not_merged(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    guest.add(make_sku_for_sale())
    guest.end(guest.check_out(), SagaState.CONFIRMED)

    with pytest.raises(CartAlreadyOrdered):
        person.merge(guest.cart)


def test_nothing_is_merged_into_a_cart_that_is_being_bought(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    person.add(boot)
    person.check_out()

    with pytest.raises(CartLocked):
        person.merge(guest.cart)

    assert lines(guest.read()) == {boot.id: 1}


def test_an_unknown_guests_cart_is_not_found(person: Shopper) -> None:
    with pytest.raises(CartNotFound):
        person.merge(uuid4())


def test_another_persons_merged_cart_is_not_found(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    guest.add(make_sku_for_sale())
    person.merge(guest.cart)
    with db.transaction() as session:
        other = Shopper(db, carts, user_id=make_user(session).id)

    with pytest.raises(CartNotFound):
        other.merge(guest.cart)


def test_signing_in_merges_where_it_can(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot, 2)
    assert person.user_id is not None

    with db.transaction() as session:
        cart = carts.merge_at_login(session, guest.cart, person.user_id)

    assert cart is not None
    assert lines(cart) == {boot.id: 2}


def test_signing_in_never_fails_for_a_cart(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    boot, hat = make_sku_for_sale(currency="EUR"), make_sku_for_sale(currency="USD")
    guest.add(boot)
    person.add(hat)
    nowhere = Carts(connect("redis://127.0.0.1:1/0"), carts._live, days=30)
    assert person.user_id is not None

    with db.transaction() as session:
        merged = [
            carts.merge_at_login(session, guest.cart, person.user_id),
            carts.merge_at_login(session, uuid4(), person.user_id),
            nowhere.merge_at_login(session, guest.cart, person.user_id),
        ]
        session.get_one(Sku, boot.id).code = "still-usable"

    assert merged == [None, None, None]
    assert lines(guest.read()) == {boot.id: 1}
    assert lines(person.read()) == {hat.id: 1}
