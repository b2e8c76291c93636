"""Erasing and buying at once: whoever comes first, nobody is half gone."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text

from app.accounts import service
from app.accounts.errors import LastOfMerchant, OrdersUnderWay, Unauthenticated
from app.accounts.models import Role, User
from app.accounts.queries import people_of
from app.cart.errors import CartNotFound
from app.cart.models import Cart
from app.cart.ports import NewLine, Owner
from app.cart.signed_in import SignedInCarts
from app.catalog.models import Sku
from app.operations import erasure
from app.platform.db import Database, ShopSession
from app.platform.errors import DomainError
from tests.factories import make_checkout, make_merchant, make_sku, make_user


@pytest.fixture
def cart(db: Database) -> Cart:
    """Somebody's open cart."""
    with db.transaction() as session:
        kept = Cart(user_id=make_user(session).id)
        session.add(kept)
    return kept


@pytest.fixture
def sku(db: Database) -> Sku:
    """Something to put into a cart."""
    with db.transaction() as session:
        return make_sku(session, stock=5)


def _erase(session: ShopSession, cart: Cart) -> None:
    assert cart.user_id is not None
    erasure.erase(session, cart.user_id, proven_hash="!")


def _take(session: ShopSession, cart: Cart) -> None:
    SignedInCarts().take(session, Owner(user_id=cart.user_id), cart.id)


def _outcome(
    db: Database, act: Callable[[ShopSession, Cart], None], cart: Cart
) -> DomainError | None:
    try:
        with db.transaction() as session:
            act(session, cart)
    except DomainError as refusal:
        return refusal
    return None


@pytest.mark.unaudited
def test_a_purchase_that_began_first_keeps_its_person(db: Database, cart: Cart) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as buying:
            _take(buying, cart)
            erasing = pool.submit(_outcome, db, _erase, cart)
            _until_somebody_waits(db)
            make_checkout(buying, cart_id=cart.id, user_id=cart.user_id)
        refusal = erasing.result()

    with db.reading() as session:
        assert session.get_one(User, cart.user_id).erased_at is None
    assert isinstance(refusal, OrdersUnderWay)


def test_a_purchase_that_came_second_finds_no_cart(db: Database, cart: Cart) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as erasing:
            _erase(erasing, cart)
            buying = pool.submit(_outcome, db, _take, cart)
            _until_somebody_waits(db)
        refusal = buying.result()

    assert isinstance(refusal, CartNotFound)


def test_of_two_who_erase_the_same_person_at_once_one_does(db: Database, cart: Cart) -> None:
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: _outcome(db, _erase, cart), range(2)))

    assert outcomes.count(None) == 1


def test_a_cart_begun_while_its_person_is_being_erased_is_refused(db: Database, sku: Sku) -> None:
    with db.transaction() as session:
        user = make_user(session)
    line = NewLine(sku.id, 1, sku.price, sku.currency)

    def begin() -> DomainError | None:
        try:
            with db.transaction() as session:
                SignedInCarts().add(session, Owner(user_id=user.id), None, line, expected=None)
        except DomainError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as erasing:
            erasure.erase(erasing, user.id, proven_hash="!")
            beginning = pool.submit(begin)
            _until_somebody_waits(db)
        refusal = beginning.result()

    assert isinstance(refusal, Unauthenticated)
    with db.reading() as session:
        assert session.scalars(select(Cart.id).where(Cart.user_id == user.id)).all() == []


@pytest.mark.parametrize("first", ["erased", "removed"])
def test_of_the_last_two_who_sell_for_a_merchant_one_stays(db: Database, first: str) -> None:
    with db.transaction() as session:
        merchant_id = make_merchant(session).id
        one, other = (
            make_user(session, role=Role.MERCHANT, merchant_id=merchant_id) for _ in range(2)
        )

    def leave(session: ShopSession) -> None:
        if first == "erased":
            erasure.erase(session, one.id, proven_hash="!")
        else:
            service.remove_person(session, merchant_id, one.id, removed_by=other.id)

    def follow() -> DomainError | None:
        try:
            with db.transaction() as session:
                erasure.erase(session, other.id, proven_hash="!")
        except DomainError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as leaving:
            leave(leaving)
            leaving.flush()
            following = pool.submit(follow)
            _until_somebody_waits(db, following)
        refusal = following.result()

    assert isinstance(refusal, LastOfMerchant)
    with db.reading() as session:
        assert [each.id for each in people_of(session, merchant_id)] == [other.id]


def test_the_journals_that_are_never_rewritten_have_no_place_for_a_name(db: Database) -> None:
    with db.reading() as session:
        columns = session.execute(
            text(
                "SELECT table_name || '.' || column_name FROM information_schema.columns"
                " WHERE table_name IN ('inventory_ledger', 'order_transitions', 'saga_journal',"
                " 'tracking_events') AND column_name ~ 'email|address|phone|name|recipient'"
            )
        ).scalars()

        assert list(columns) == []


def _until_somebody_waits(db: Database, act: Future[Any] | None = None) -> None:
    """Until another connection stands at a lock this test holds, or has done its act."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with db.glance() as connection:
        while not connection.scalar(waiting) and not (act and act.done()):
            time.sleep(0.01)
