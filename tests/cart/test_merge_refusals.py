"""When a guest's cart is not taken over: nothing is moved then, and signing in goes on."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from app.cart.errors import CartAlreadyOrdered, CartLocked, CartNotFound, TooManyLines
from app.cart.ports import LINES_MAX
from app.cart.service import Carts
from app.catalog.models import Sku
from app.platform.db import Database
from app.platform.money import CurrencyMismatch
from app.platform.redis import connect
from app.saga.states import SagaState
from tests.cart.conftest import Shopper, lines
from tests.factories import make_checkout, make_merchant, make_sku, make_user

MakeSku = Callable[..., Sku]


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


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_guests_cart_that_is_being_bought_is_not_merged(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    guest.add(make_sku_for_sale())
    guest.check_out()

    with pytest.raises(CartLocked):
        person.merge(guest.cart)


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_guests_cart_is_not_merged_either_when_redis_missed_its_checkout(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    guest.add(make_sku_for_sale())
    with db.transaction() as session:
        make_checkout(session, cart_id=guest.cart)

    with pytest.raises(CartLocked):
        person.merge(guest.cart)


@pytest.mark.unaudited("order_unlike_checkout", "saga_unlike_journal")
def test_a_guests_cart_that_was_bought_is_not_merged(
    guest: Shopper, person: Shopper, make_sku_for_sale: MakeSku
) -> None:
    guest.add(make_sku_for_sale())
    guest.end(guest.check_out(), SagaState.CONFIRMED)

    with pytest.raises(CartAlreadyOrdered):
        person.merge(guest.cart)


@pytest.mark.unaudited("saga_unlike_journal")
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
