"""What is peculiar to carts in Redis: they lapse, they may be lost, and their lock is a hint."""

from collections.abc import Callable

import pytest

from app.cart.errors import CartAlreadyOrdered, CartLocked, CartNotFound
from app.cart.service import Carts
from app.cart.states import CartStatus
from app.catalog.models import Sku
from app.checkout.models import Checkout
from app.checkout.queries import CheckoutsOfCarts
from app.platform.db import Database
from app.platform.redis import RedisAway, ShopRedis, connect
from app.platform.seams import listen
from app.saga.states import SagaState
from tests.cart.conftest import Shopper, lines
from tests.factories import make_checkout, make_user

pytestmark = pytest.mark.unaudited(
    "change_not_announced", "order_unlike_checkout", "saga_unlike_journal"
)

MakeSku = Callable[..., Sku]
DAY_MS = 24 * 60 * 60 * 1000


def key_of(shopper: Shopper) -> str:
    return f"cart:{{{shopper.cart}}}"


def test_a_write_lets_the_cart_live_on_for_its_full_time(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    redis.pexpire(key_of(guest), 60_000)

    guest.change(boot, 2)

    assert 29 * DAY_MS < redis.pttl(key_of(guest)) <= 30 * DAY_MS


def test_reading_and_refusals_do_not_let_it_live_longer(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    redis.pexpire(key_of(guest), 60_000)

    guest.read()
    guest.check_out()
    with pytest.raises(CartLocked):
        guest.add(boot)

    assert redis.pttl(key_of(guest)) <= 60_000


def test_a_lapsed_cart_is_gone_and_the_next_units_make_a_new_one(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    lapsed = guest.add(boot).id
    redis.delete(key_of(guest))

    with pytest.raises(CartNotFound):
        guest.read()
    with pytest.raises(CartNotFound):
        guest.add(boot, cart_id=lapsed)
    fresh = guest.add(boot)

    assert fresh.created
    assert fresh.id != lapsed


@pytest.mark.parametrize("act", ["add", "change", "remove", "read"])
def test_a_call_is_one_round_trip_to_redis(
    guest: Shopper, make_sku_for_sale: MakeSku, act: str
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    acts: dict[str, Callable[[], object]] = {
        "add": lambda: guest.add(boot),
        "change": lambda: guest.change(boot, 5),
        "remove": lambda: guest.remove(boot),
        "read": guest.read,
    }
    trips: list[str] = []

    listen(lambda name: trips.append(name) if name == "redis:before" else None)
    try:
        acts[act]()
    finally:
        listen(None)

    assert len(trips) == 1


def test_a_forgotten_script_is_loaded_again(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    redis.script_flush()

    assert lines(guest.add(boot)) == {boot.id: 2}


def test_a_hint_of_a_checkout_that_ended_is_taken_away(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot = make_sku_for_sale()
    guest.add(boot)
    checkout_id = guest.check_out()
    with db.transaction() as session:  # the process died before it could tell Redis
        session.get_one(Checkout, checkout_id).state = SagaState.EXPIRED

    cart = guest.add(boot)

    assert lines(cart) == {boot.id: 2}
    assert redis.hget(key_of(guest), "checkout") == ""


def test_reading_takes_such_a_hint_away_too(
    guest: Shopper, make_sku_for_sale: MakeSku, db: Database
) -> None:
    guest.add(make_sku_for_sale())
    checkout_id = guest.check_out()
    with db.transaction() as session:
        session.get_one(Checkout, checkout_id).state = SagaState.CANCELED

    assert guest.read().checkout_id is None


def test_a_hint_of_a_checkout_that_bought_the_cart_closes_it(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku, db: Database
) -> None:
    boot = make_sku_for_sale()
    bought = guest.add(boot).id
    checkout_id = guest.check_out()
    with db.transaction() as session:
        session.get_one(Checkout, checkout_id).state = SagaState.CONFIRMED

    with pytest.raises(CartAlreadyOrdered):
        guest.add(boot, cart_id=bought)

    assert redis.hget(key_of(guest), "status") == "ordered"


def test_a_checkout_without_a_cart_in_redis_ends_in_peace(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku
) -> None:
    guest.add(make_sku_for_sale())
    checkout_id = guest.check_out()
    redis.flushall()

    guest.end(checkout_id, SagaState.CONFIRMED)

    assert redis.keys("cart:*") == []


@pytest.mark.parametrize("state", [SagaState.RUNNING, SagaState.CONFIRMED])
def test_a_lost_cart_that_is_being_bought_or_was_counts_as_ordered(
    guest: Shopper,
    redis: ShopRedis,
    make_sku_for_sale: MakeSku,
    db: Database,
    carts: Carts,
    state: SagaState,
) -> None:
    guest.add(make_sku_for_sale())
    with db.transaction() as session:
        make_checkout(session, cart_id=guest.cart, state=state)
    redis.flushall()

    with db.reading() as session:
        kept = carts.peek(session, guest.cart, guest.owner)

    assert (kept.status, kept.lines, kept.version) == (CartStatus.ORDERED, (), 0)


def test_a_lost_cart_nobody_bought_is_not_found(
    guest: Shopper, redis: ShopRedis, make_sku_for_sale: MakeSku, db: Database, carts: Carts
) -> None:
    guest.add(make_sku_for_sale())
    redis.flushall()

    with db.reading() as session, pytest.raises(CartNotFound):
        carts.peek(session, guest.cart, guest.owner)


def test_without_redis_guests_are_told_when_to_come_back(
    db: Database, make_sku_for_sale: MakeSku
) -> None:
    guest = Shopper(db, Carts(connect("redis://127.0.0.1:1/0"), CheckoutsOfCarts(), days=30))

    with pytest.raises(RedisAway) as refused:
        guest.add(make_sku_for_sale())

    assert refused.value.after_seconds is not None


def test_without_redis_signed_in_carts_go_on(db: Database, make_sku_for_sale: MakeSku) -> None:
    carts = Carts(connect("redis://127.0.0.1:1/0"), CheckoutsOfCarts(), days=30)
    with db.transaction() as session:
        person = Shopper(db, carts, user_id=make_user(session).id)
    boot = make_sku_for_sale()
    person.add(boot)

    person.end(person.check_out(), SagaState.FAILED)

    assert lines(person.add(boot)) == {boot.id: 2}
