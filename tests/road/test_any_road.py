"""Orders, payments, parcels and stock together, beside a plain model: whatever merchants,
customers, provider and power supply do, in whatever order, no unit and no cent is lost or doubled.

ROAD_EXAMPLES says how many stories are told; in an hour it can be two thousand.
"""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.events.errors import LeaseLost
from app.platform import seams
from app.pricing.states import PromotionKind
from tests.crash.power import Power
from tests.road.conftest import Fresh
from tests.road.market import GOODS, SELLERS, Market

EXAMPLES = int(os.environ.get("ROAD_EXAMPLES", "15"))
UNITS = st.integers(1, 4)
FEW = st.integers(1, 2)
NAMES = sorted(GOODS)
FAULTS = ("cut_before", "cut_after", "error_before", "error_after", "rate_limit")
CALLS = ("payment_intents.capture", "payment_intents.cancel", "refunds.create")
COUPONS: dict[str, tuple[PromotionKind, dict[str, int]]] = {
    "of some percent": (PromotionKind.PERCENT, {"rate_ppm": 70_000}),
    "of an amount": (PromotionKind.AMOUNT, {"amount": 1_001}),
    "for the shipping": (PromotionKind.FREE_SHIPPING, {}),
}
LEASE_SECONDS = 11  # a little longer than a dead process may keep others from the events
PICK = st.integers(0, 99)
WHICH = st.integers(0, 1)


@dataclass
class Bought:
    """An order, whose it is, and what the model knows of it."""

    who: str
    units: Mapping[str, int]
    id: str
    total: int
    shipments: list[str] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)


class RoadMachine(RuleBasedStateMachine):
    """One order over boots (in two warehouses) and socks of one merchant, lamps of another; beside
    it, now and then, a neighbor's order of the same things."""

    fresh: ClassVar[Fresh]

    @initialize(
        units=st.fixed_dictionaries({"boot": st.integers(1, 6), "sock": UNITS, "lamp": UNITS}),
        neighbor=st.none() | st.dictionaries(st.sampled_from(NAMES), UNITS, min_size=1),
        coupon=st.none() | st.sampled_from(sorted(COUPONS)),
        several=st.booleans(),
        capture=st.sampled_from(["on_shipment", "automatic", "automatic, and taken"]),
        parcels=st.sampled_from([0, 1, 12]),
    )
    def open(
        self,
        units: dict[str, int],
        neighbor: dict[str, int] | None,
        coupon: str | None,
        several: bool,
        capture: str,
        parcels: int,
    ) -> None:
        self.door: AbstractContextManager[Market] = self.fresh()
        self.market = self.door.__enter__()
        for seller in SELLERS:
            if capture != "on_shipment":
                self.market.patch(seller, "/v1/merchant/settings", {"capture": "automatic"})
        given = {} if coupon is None else {"coupon": self.market.coupon(*COUPONS[coupon])}
        self.cut_at: int | None = None
        self.is_checked = False
        self.bought = [self._buy("customer", units, several, given)]
        if neighbor:
            self.bought.append(self._buy("neighbor", neighbor, several, given))
        if capture == "automatic, and taken":
            self.market.publish()
        self._send(self.bought[0], parcels)

    def _buy(self, who: str, units: dict[str, int], several: bool, given: dict[str, str]) -> Bought:
        if not several:
            self.market.psp.emulator.fault(
                kind="multicapture_off", operation="payment_intents.create"
            )
        order_id = self.market.buy(units, who=who, **given)
        self.market.psp.emulator.faults.clear()
        return Bought(who, units, order_id, self.market.order(order_id)["total"])

    def _send(self, order: Bought, parcels: int) -> None:
        """So many of its parcels have left when the story begins, or all there are."""
        for seller in SELLERS * parcels:
            if len(order.shipments) < parcels and any(self.market.left(seller, order.id).values()):
                answer = self.market.ship(seller, order.id)
                assert answer.status_code == 202, answer.json
                order.shipments.append(answer.json["id"])
                self.market.work()

    @rule(
        which=WHICH,
        seller=st.sampled_from(SELLERS),
        wanted=st.dictionaries(st.sampled_from(NAMES), FEW),
    )
    def ship(self, which: int, seller: str, wanted: dict[str, int]) -> None:
        order = self._order(which)
        mine = {
            name: qty
            for name, qty in wanted.items()
            if GOODS[name][0] == seller and name in order.units
        }
        left = self.market.left(seller, order.id)

        answer = self._do(lambda: self.market.ship(seller, order.id, mine or None))

        if answer is not None and answer.status_code == 202:
            assert all(qty <= left[name] for name, qty in mine.items())
            order.shipments.append(answer.json["id"])
        elif answer is not None:
            assert answer.status_code == (409 if left else 404), answer.json

    @rule(which=WHICH, pick=PICK, units=FEW, restock=st.booleans())
    def refund_units(self, which: int, pick: int, units: int, restock: bool) -> None:
        order = self._order(which)
        name = sorted(order.units)[pick % len(order.units)]

        answer = self._do(
            lambda: self.market.refund(GOODS[name][0], order.id, {name: units}, restock=restock)
        )

        assert answer is None or answer.status_code in (202, 409), answer.json
        if answer is not None and answer.status_code == 202:
            assert units <= order.units[name]

    @rule(which=WHICH, amount=st.integers(1, 9_000))
    def refund_amount(self, which: int, amount: int) -> None:
        order = self._order(which)
        before = self.market.payment(order.id)

        answer = self._do(lambda: self.market.refund("ops", order.id, amount=amount))

        if answer is not None and answer.status_code == 202:
            assert amount <= before.captured - before.refunded
        elif answer is not None:
            assert answer.status_code == 409, answer.json

    @rule(which=WHICH)
    def refund_all(self, which: int) -> None:
        order = self._order(which)

        answer = self._do(lambda: self.market.refund("ops", order.id))

        assert answer is None or answer.status_code in (202, 409), answer.json

    @rule(which=WHICH, by_ops=st.booleans())
    def cancel(self, which: int, by_ops: bool) -> None:
        order = self._order(which)
        who, path = "ops" if by_ops else order.who, f"/v1/orders/{order.id}/cancel"

        answer = self._do(lambda: self.market.post(who, path, {"reason": "changed my mind"}))

        assert answer is None or answer.status_code in (202, 409), answer.json

    @precondition(lambda self: any(order.shipments for order in self.bought))
    @rule(pick=PICK, act=st.sampled_from(["delivered", "cancel", "retry"]))
    def handle_parcel(self, pick: int, act: str) -> None:
        shipments = [each for order in self.bought for each in order.shipments]
        shipment = shipments[pick % len(shipments)]
        for seller in SELLERS:
            answer = self._do(
                lambda seller=seller: self.market.post(
                    seller, f"/v1/shipments/{shipment}/{act}", None if act == "delivered" else {}
                )
            )
            assert answer is None or answer.status_code in (200, 202, 404, 409), answer.json

    @precondition(lambda self: any(order.shipments for order in self.bought))
    @rule(which=WHICH, pick=PICK, units=FEW)
    def ask_to_return(self, which: int, pick: int, units: int) -> None:
        order = self._order(which)
        if not order.shipments:
            order = next(each for each in self.bought if each.shipments)
        name = sorted(order.units)[pick % len(order.units)]
        lines = self.market.lines(order.id, {name: units})
        body = {"lines": [{**line, "reason": "too big"} for line in lines], "reason": "too big"}

        answer = self._do(
            lambda: self.market.post(order.who, f"/v1/orders/{order.id}/returns", body)
        )

        if answer is not None and answer.status_code == 202:
            order.returns.append(answer.json["id"])
        elif answer is not None:
            assert answer.status_code == 409, answer.json

    @precondition(lambda self: any(order.returns for order in self.bought))
    @rule(pick=PICK, act=st.sampled_from(["approve", "refuse", "receive", "cancel"]), good=PICK)
    def handle_return(self, pick: int, act: str, good: int) -> None:
        known = [(order.who, each) for order in self.bought for each in order.returns]
        buyer, identity = known[pick % len(known)]
        seen = self.market.get(buyer, f"/v1/returns/{identity}")
        line = seen["lines"][0]
        came = good % (line["qty"] + 1)
        body: dict[str, Any] | None = {
            "refuse": {"reason": "worn"},
            "receive": {"lines": [{"line": line["line"], "received": came, "restock": came // 2}]},
        }.get(act)
        who = buyer if act == "cancel" else "ops"

        answer = self._do(lambda: self.market.post(who, f"/v1/returns/{identity}/{act}", body))

        assert answer is None or answer.status_code in (202, 409), answer.json

    @rule(kind=st.sampled_from(FAULTS), call=st.sampled_from(CALLS))
    def provider_fails(self, kind: str, call: str) -> None:
        self.market.psp.emulator.fault(kind=kind, operation=call)

    @rule(boundary=st.integers(1, 30))
    def power_fails_soon(self, boundary: int) -> None:
        self.cut_at = boundary

    @rule()
    def lose_nudges(self) -> None:
        self.market.queue.waiting.clear()

    @rule()
    def work(self) -> None:
        self._do(self.market.work)

    @rule()
    def hear_of_it(self) -> None:
        """Facts arrive late: only now is money taken by itself, or an order closed by its money."""
        with suppress(LeaseLost):  # of a process that died and holds it for some seconds more
            self._do(self.market.publish)

    @rule(seconds=st.sampled_from([1, 31, 130]))
    def time_passes(self, seconds: int) -> None:
        self.market.pass_time(seconds)
        self._do(self.market.sweep)

    @invariant()
    def whole_whenever_quiet(self) -> None:
        """Nobody is about to do anything, and something was done since the last look."""
        if self.is_checked or self.market.queue.waiting:
            return
        self.market.assert_whole()
        self.is_checked = True

    def teardown(self) -> None:
        """Trouble is over; who can ship ships; then everything is accounted for."""
        seams.listen(None)
        if not hasattr(self, "door"):
            return
        try:
            if getattr(self, "bought", None):
                self._restart()
                self._come_to_rest()
                self._ship_the_rest()
                self._come_to_rest()
                self._account()
        finally:
            self.door.__exit__(None, None, None)

    def _come_to_rest(self) -> None:
        self.market.settle()
        self.market.pass_time(LEASE_SECONDS)
        self.market.publish()
        self.market.settle()
        self.market.assert_whole()

    def _ship_the_rest(self) -> None:
        for _ in range(12):
            to_ship = [
                (order, seller)
                for order in self.bought
                if self.market.row(order.id).state == "confirmed"
                for seller in SELLERS
                if any(self.market.left(seller, order.id).values())
            ]
            if not to_ship:
                return
            for order, seller in to_ship:
                answer = self.market.ship(seller, order.id)
                assert answer.status_code == 202, answer.json
            self.market.settle()
        raise AssertionError(f"not shipped: {to_ship}")

    def _account(self) -> None:
        """The provider's books are ours, and every unit is somewhere."""
        sold: Counter[str] = Counter()
        for order in self.bought:
            sold.update(order.units)
            payment, hold = self.market.payment(order.id), self.market.hold(order.id)
            state = self.market.row(order.id).state
            assert (payment.captured, payment.refunded) == (hold.captured, hold.refunded)
            if state in ("canceled", "refunded"):
                assert payment.captured == payment.refunded
            if state in ("shipped", "delivered"):
                assert payment.captured + self.market.released(order.id) == order.total
        for name, (_, _, (here, there)) in GOODS.items():
            available, reserved = self.market.stock(name)
            assert reserved == 0, (name, self.bought)
            assert here + there - sold[name] <= available <= here + there

    def _order(self, which: int) -> Bought:
        return self.bought[which % len(self.bought)]

    def _do(self, act: Any) -> Any:
        """An act of somebody; where the power was to fail, it fails during it."""
        self.is_checked = False
        if self.cut_at is None:
            return act()
        power, self.cut_at = Power(self.market.db.engine, cut_at=self.cut_at), None
        answer = None
        with power.on():
            try:
                answer = act()
            except BaseException:
                if not power.is_cut:
                    raise
        if power.is_cut:
            self._restart()
            return None
        return answer

    def _restart(self) -> None:
        self.market.stop()
        self.market.start()


@pytest.mark.timeout(300 + 10 * EXAMPLES)
def test_no_unit_and_no_cent_is_lost_or_doubled_on_any_road(fresh: Fresh) -> None:
    class Machine(RoadMachine):
        pass

    Machine.fresh = staticmethod(fresh)  # type: ignore[assignment]  # no method of the machine

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=15,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
