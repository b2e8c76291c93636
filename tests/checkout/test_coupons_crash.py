"""A purchase with the last use of a coupon survives a power cut at every boundary: the use is had
once or given back once."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.pricing.models import Coupon, CouponCustomer, CouponRedemption
from tests.crash.power import PowerCut
from tests.crash.test_walk import NewWorld, _recover, _run, fresh
from tests.crash.world import World
from tests.factories import ADDRESS, make_coupon

__all__ = ["fresh"]

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

Check = Callable[[World], None]


def _buying(token: str) -> Callable[[World], None]:
    def buy(world: World) -> None:
        body = {"cart_id": world.cart["id"], "shipping_address": ADDRESS, "coupon": "LAST"}
        body |= {"payment_method_token": token, "email": "ada@example.com"}
        headers = {"X-Cart-Token": world.cart["token"], "Idempotency-Key": "the-one-purchase"}
        world.client.post("/v1/checkout", json=body, headers=headers)
        world.queue.drain()

    return buy


def _stands(status: str, used: int) -> Check:
    def check(world: World) -> None:
        with world.db.reading() as session:
            assert list(session.scalars(select(CouponRedemption.status))) == [status]
            assert list(session.scalars(select(Coupon.used))) == [used]
            assert list(session.scalars(select(CouponCustomer.used))) == [used]
        states = {row.state for row in world.checkouts()}
        assert states == ({"confirmed"} if used else {"failed"})

    return check


SCRIPTS = {
    "happy": ("pm_card_visa", _stands("used", 1)),
    "declined": ("pm_card_chargeDeclined", _stands("released", 0)),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_coupon_survives_a_power_cut_at_every_boundary(fresh: NewWorld, name: str) -> None:
    token, check = SCRIPTS[name]
    script = _buying(token)
    with fresh() as world:
        _furnish(world)
        boundaries = _run(world, script, None)
        check(world)

    failures = []
    for k in range(1, len(boundaries) + 1):
        with fresh() as world:
            _furnish(world)
            try:
                _run(world, script, k)
                _recover(world, script, check)
            except (Exception, PowerCut) as error:
                failures.append(f"{k} {boundaries[k - 1]}: {type(error).__name__} {error}"[:400])

    assert len(boundaries) > 20
    assert failures == []


def _furnish(world: World) -> None:
    world.fill_cart()
    with world.db.transaction() as session:
        make_coupon(session, code="LAST", uses_max=1, uses_per_customer=1)
