"""Two at once after the last use of a coupon, again and again: one gets it, nothing is lost."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app.checkout.models import Checkout
from app.checkout.saga import PURCHASE
from app.inventory.models import Inventory
from app.inventory.service import receive
from app.platform.db import Database
from app.platform.ids import new_id
from app.pricing import service
from app.pricing.models import Coupon, CouponCustomer, CouponRedemption
from app.saga import engine
from app.saga.models import SagaJournal
from app.saga.table import NOTHING, Batch, Outcomes, Parked, Refused, Saga, Step
from app.wiring import Providers
from tests.factories import make_checkout, make_coupon
from tests.journeys.conftest import Shop
from tests.orders.races import at_once

pytestmark = pytest.mark.slow

ROUNDS = 200
MIXED_ROUNDS = 50  # four purchases each; without one order of locks it breaks within a few
GIFT = {"rate_ppm": 1_000_000}  # nobody is asked for money: a purchase is one transaction


def _ending(authorize: Callable[[Batch], Outcomes]) -> Saga:
    """The purchase as it is, with an answer about the money that asks nobody."""
    last = Step("authorize", do=authorize, undo=NOTHING, pivot=True)
    return replace(PURCHASE, steps=(*PURCHASE.steps[:2], last))


DECLINED = _ending(lambda batch: {row.id: Refused("declined", "No.") for row in batch.rows})
WAITING = _ending(lambda batch: {row.id: Parked("for good") for row in batch.rows})


@pytest.fixture
def gifts(shop: Shop) -> Shop:
    """A shop with enough to give away, sent for nothing."""
    with shop.db.transaction() as session:
        session.execute(text("UPDATE shipping_rates SET price = 0"))
        place = session.scalars(select(Inventory.warehouse_id)).one()
        receive(session, sku_id=shop.sku.id, warehouse_id=place, qty=1_000, reference=new_id())
    return shop


def accepted(shop: Shop, code: str, *emails: str) -> list[UUID]:
    """Checkouts that wait for their first step, of one unit each."""
    line = {"sku_id": str(shop.sku.id), "merchant_id": str(shop.sku.merchant_id), "qty": 1}
    line |= {"price": 5_000, "name": "Boot", "code": "B", "weight_g": 500, "tax_code": "standard"}
    given: dict[str, Any] = {"step": "reserve", "totals": None, "coupon": code, "lines": [line]}
    with shop.db.transaction() as session:
        return [make_checkout(session, email=email, **given).id for email in emails]


def outcomes(db: Database, ids: Sequence[UUID]) -> list[str]:
    """How each ended, in this order: `confirmed`, or the code it failed with."""
    with db.reading() as session:
        rows = session.scalars(select(Checkout).where(Checkout.id.in_(ids))).all()
    ends = {row.id: row.failure["code"] if row.failure else str(row.state) for row in rows}
    return [ends[each] for each in ids]


def walk(providers: Providers, *ids: UUID) -> list[Callable[[], object]]:
    """The purchases of these checkouts, each to be walked by a thread of its own."""
    return [
        lambda one=one: engine.run(PURCHASE, "reserve", [one], providers)  # type: ignore[misc]
        for one in ids
    ]


def broken(db: Database) -> list[dict[str, Any]]:
    """What went wrong on the way and was tried again: a deadlock would stand here."""
    with db.reading() as session:
        rows = session.scalars(select(SagaJournal).where(SagaJournal.event == "retrying"))
        return [row.detail or {} for row in rows]


def test_the_last_use_of_a_coupon_goes_to_one_of_two_checkouts(
    gifts: Shop, db: Database, providers: Providers
) -> None:
    ends: Counter[tuple[str, ...]] = Counter()
    chance = random.Random(ROUNDS)
    for number in range(ROUNDS):
        with db.transaction() as session:
            make_coupon(session, code=f"LAST{number}", rule=GIFT, uses_max=1)
        pair = accepted(gifts, f"LAST{number}", "ada@example.com", "bea@example.com")

        at_once(*walk(providers, *pair), chance=chance)

        ends[tuple(outcomes(db, pair))] += 1
    assert set(ends) == {("confirmed", "coupon_used_up"), ("coupon_used_up", "confirmed")}
    assert broken(db) == []
    with db.reading() as session:
        assert set(session.scalars(select(Coupon.used))) == {1}
        assert session.scalar(select(func.sum(Inventory.stock_reserved))) == ROUNDS


def test_a_customer_with_two_carts_gets_a_coupon_once(
    gifts: Shop, db: Database, providers: Providers
) -> None:
    with db.transaction() as session:
        make_coupon(session, code="ONCE", rule=GIFT, uses_per_customer=1)

    ends: Counter[tuple[str, ...]] = Counter()
    chance = random.Random(ROUNDS)
    for number in range(ROUNDS):
        pair = accepted(gifts, "ONCE", f"ada{number}@example.com", f"Ada{number}@example.com")
        at_once(*walk(providers, *pair), chance=chance)
        ends[tuple(outcomes(db, pair))] += 1

    other = "coupon_used_by_customer"
    assert set(ends) == {("confirmed", other), (other, "confirmed")}
    assert broken(db) == []
    with db.reading() as session:
        assert session.scalars(select(Coupon.used)).one() == ROUNDS
        assert list(session.scalars(select(CouponCustomer.used))) == [1] * ROUNDS


def test_an_undone_purchase_gives_its_coupon_back_once_however_many_undo_it(
    gifts: Shop, db: Database, providers: Providers
) -> None:
    with db.transaction() as session:
        make_coupon(session, code="BACK", uses_max=2)
    [kept] = accepted(gifts, "BACK", "ada@example.com")
    engine.run(WAITING, "reserve", [kept], providers)

    for number in range(ROUNDS):
        [undone] = accepted(gifts, "BACK", f"bea{number}@example.com")
        engine.run(WAITING, "reserve", [undone], providers)
        assert _standing(db) == (2, number, {"held": 2})
        with db.transaction() as session:
            engine.ask_to_stop(session, "purchase", undone, reason="canceled")
        at_once(*[lambda one=undone: engine.run(WAITING, "authorize", [one], providers)] * 3)  # type: ignore[misc]
        engine.undo(WAITING, [undone], providers)
        with db.transaction() as session:
            service.give_back(session, [undone])
        assert _standing(db) == (1, number + 1, {"held": 1})

    assert broken(db) == [{"parked": "for good"}] * (ROUNDS + 1)


def test_buying_and_undoing_the_same_coupon_and_stock_never_block_each_other(
    gifts: Shop, db: Database, providers: Providers
) -> None:
    with db.transaction() as session:
        make_coupon(session, code="BOTH", rule=GIFT)

    for _ in range(MIXED_ROUNDS):
        first, second, *undone = accepted(gifts, "BOTH", *["ada@example.com"] * 4)
        at_once(
            *walk(providers, first, second),
            *[lambda one=one: engine.run(DECLINED, "reserve", [one], providers) for one in undone],  # type: ignore[misc]
        )
        assert outcomes(db, [first, second, *undone]) == ["confirmed"] * 2 + ["declined"] * 2

    assert broken(db) == []
    assert _standing(db) == (2 * MIXED_ROUNDS, 2 * MIXED_ROUNDS, {"used": 2 * MIXED_ROUNDS})
    with db.reading() as session:
        assert session.scalar(select(func.sum(Inventory.stock_reserved))) == 2 * MIXED_ROUNDS


def _standing(db: Database) -> tuple[int, int, dict[str, int]]:
    """Of the only coupon: its uses, how many were given back, and those that stand by status."""
    with db.reading() as session:
        rows = session.execute(
            select(CouponRedemption.status, func.count()).group_by(CouponRedemption.status)
        )
        standing = {str(status): times for status, times in rows}
        used = session.scalars(select(Coupon.used)).one()
    return used, standing.pop("released", 0), standing
