"""What a guest put into a cart follows them when they sign in: once, and without loss."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from app.cart.errors import CartNotFound
from app.cart.ports import UNITS_MAX
from app.cart.service import Carts
from app.catalog.models import Sku, SkuStatus
from app.platform.db import Database
from app.platform.redis import ShopRedis
from tests.cart.conftest import Shopper, break_off, lines

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

    with suppress(ZeroDivisionError), db.transaction() as session:
        carts.merge(session, guest.cart, person.user_id)
        break_off()

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
    kept = redis.dump(key) or b""
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
    kept = redis.dump(key) or b""
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


def test_what_is_not_for_sale_any_more_comes_along_marked(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    with db.transaction() as session:
        session.get_one(Sku, boot.id).status = SkuStatus.ARCHIVED

    cart = person.merge(guest.cart)

    assert [line.available for line in cart.lines] == [False]
