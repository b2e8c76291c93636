"""What a cart is, wherever it is kept: each sentence holds in Redis and in SQL."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from app.cart.errors import (
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
from tests.cart.conftest import Shopper, lines, set_sku
from tests.factories import make_merchant, make_sku, make_user

MakeSku = Callable[..., Sku]


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
