"""Order, payment, parcels and stock together, beside a plain model: whatever merchants, customer,
provider and power supply do, in whatever order, no unit and no cent is lost or doubled.
"""

from contextlib import AbstractContextManager
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.platform import seams
from tests.crash.power import Power
from tests.road.conftest import Fresh
from tests.road.market import GOODS, SELLERS, Market

UNITS = st.integers(1, 4)
NAMES = sorted(GOODS)
FAULTS = ("cut_before", "cut_after", "error_before", "error_after", "rate_limit")
CALLS = ("payment_intents.capture", "payment_intents.cancel", "refunds.create")
PICK = st.integers(0, 99)


class RoadMachine(RuleBasedStateMachine):
    """One order over boots (in two warehouses) and socks of one merchant, lamps of another."""

    fresh: ClassVar[Fresh]

    @initialize(
        units=st.fixed_dictionaries({"boot": st.integers(1, 6), "sock": UNITS, "lamp": UNITS}),
        several=st.booleans(),
    )
    def buy(self, units: dict[str, int], several: bool) -> None:
        self.door: AbstractContextManager[Market] = self.fresh()
        self.market = self.door.__enter__()
        if not several:
            self.market.psp.emulator.fault(
                kind="multicapture_off", operation="payment_intents.create"
            )
        self.units = units
        self.id = self.market.buy(units)
        self.total = self.market.order(self.id)["total"]
        self.market.psp.emulator.faults.clear()
        self.shipments: list[str] = []
        self.returns: list[str] = []
        self.cut_at: int | None = None

    @rule(seller=st.sampled_from(SELLERS), wanted=st.dictionaries(st.sampled_from(NAMES), UNITS))
    def ship(self, seller: str, wanted: dict[str, int]) -> None:
        mine = {name: qty for name, qty in wanted.items() if GOODS[name][0] == seller}
        left = self._left()

        answer = self._do(lambda: self.market.ship(seller, self.id, mine or None))

        if answer is not None and answer.status_code == 202:
            assert all(qty <= left[name] for name, qty in mine.items())
            self.shipments.append(answer.json["id"])
        elif answer is not None:
            assert answer.status_code == 409, answer.json

    @rule(name=st.sampled_from(NAMES), units=UNITS, restock=st.booleans())
    def refund_units(self, name: str, units: int, restock: bool) -> None:
        answer = self._do(
            lambda: self.market.refund(GOODS[name][0], self.id, {name: units}, restock=restock)
        )

        assert answer is None or answer.status_code in (202, 409), answer.json
        if answer is not None and answer.status_code == 202:
            assert units <= self.units[name]

    @rule(amount=st.integers(1, 20_000))
    def refund_amount(self, amount: int) -> None:
        before = self.market.payment(self.id)

        answer = self._do(lambda: self.market.refund("ops", self.id, amount=amount))

        if answer is not None and answer.status_code == 202:
            assert amount <= before.captured - before.refunded
        elif answer is not None:
            assert answer.status_code == 409, answer.json

    @rule()
    def refund_all(self) -> None:
        answer = self._do(lambda: self.market.refund("ops", self.id))

        assert answer is None or answer.status_code in (202, 409), answer.json

    @rule(who=st.sampled_from(["customer", "ops"]))
    def cancel(self, who: str) -> None:
        path = f"/v1/orders/{self.id}/cancel"

        answer = self._do(lambda: self.market.post(who, path, {"reason": "changed my mind"}))

        assert answer is None or answer.status_code in (202, 409), answer.json

    @precondition(lambda self: self.shipments)
    @rule(pick=PICK, act=st.sampled_from(["delivered", "cancel", "retry"]))
    def handle_parcel(self, pick: int, act: str) -> None:
        shipment = self.shipments[pick % len(self.shipments)]
        for seller in SELLERS:
            answer = self._do(
                lambda seller=seller: self.market.post(
                    seller, f"/v1/shipments/{shipment}/{act}", None if act == "delivered" else {}
                )
            )
            assert answer is None or answer.status_code in (200, 202, 404, 409), answer.json

    @rule(name=st.sampled_from(NAMES), units=UNITS)
    def ask_to_return(self, name: str, units: int) -> None:
        lines = self.market.lines(self.id, {name: units})
        body = {"lines": [{**line, "reason": "too big"} for line in lines], "reason": "too big"}

        answer = self._do(
            lambda: self.market.post("customer", f"/v1/orders/{self.id}/returns", body)
        )

        if answer is not None and answer.status_code == 202:
            self.returns.append(answer.json["id"])
        elif answer is not None:
            assert answer.status_code == 409, answer.json

    @precondition(lambda self: self.returns)
    @rule(pick=PICK, act=st.sampled_from(["approve", "refuse", "receive", "cancel"]), good=PICK)
    def handle_return(self, pick: int, act: str, good: int) -> None:
        identity = self.returns[pick % len(self.returns)]
        seen = self.market.get("customer", f"/v1/returns/{identity}")
        line = seen["lines"][0]
        came = good % (line["qty"] + 1)
        body: dict[str, Any] | None = {
            "refuse": {"reason": "worn"},
            "receive": {"lines": [{"line": line["line"], "received": came, "restock": came // 2}]},
        }.get(act)
        who = "customer" if act == "cancel" else "ops"

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

    @rule(seconds=st.sampled_from([1, 31, 130]))
    def time_passes(self, seconds: int) -> None:
        self.market.pass_time(seconds)
        self._do(self.market.sweep)

    def teardown(self) -> None:
        """Trouble is over; who can ship ships; then everything is accounted for."""
        seams.listen(None)
        if not hasattr(self, "id"):
            if hasattr(self, "market"):
                self.door.__exit__(None, None, None)
            return
        try:
            self._restart()
            self.market.settle()
            self.market.assert_whole()
            self._ship_the_rest()
            self.market.assert_whole()
            self._account()
        finally:
            self.door.__exit__(None, None, None)

    def _ship_the_rest(self) -> None:
        for _ in range(12):
            row = self.market.row(self.id)
            left = self._left()
            if row.state != "confirmed" or not any(left.values()):
                return
            seller = next(GOODS[name][0] for name in NAMES if left[name])
            answer = self.market.ship(seller, self.id)
            assert answer.status_code == 202, answer.json
            self.market.settle()
        raise AssertionError(f"not shipped: {self._left()}")

    def _account(self) -> None:
        """The provider's books are ours, and every unit is somewhere."""
        payment, hold = self.market.payment(self.id), self.market.hold(self.id)
        state = self.market.row(self.id).state
        assert (payment.captured, payment.refunded) == (hold.captured, hold.refunded)
        if state in ("canceled", "refunded"):
            assert payment.captured == payment.refunded
        if state in ("shipped", "delivered"):
            assert payment.captured + self.market.released(self.id) == self.total
        for name, (_, _, (here, there)) in GOODS.items():
            available, reserved = self.market.stock(name)
            assert reserved == 0, (name, state)
            assert here + there - self.units[name] <= available <= here + there

    def _left(self) -> dict[str, int]:
        """Units still to be shipped, as the merchants see them."""
        left = dict.fromkeys(NAMES, 0)
        names = {
            item["line"]: name for name in NAMES for item in self.market.lines(self.id, {name: 1})
        }
        for seller in SELLERS:
            sold = self.market.get(seller, f"/v1/merchant/orders/{self.id}")
            for line in sold["items"]:
                left[names[line["line"]]] = line["left"]
        return left

    def _do(self, act: Any) -> Any:
        """An act of somebody; where the power was to fail, it fails during it."""
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


@pytest.mark.timeout(600)
def test_no_unit_and_no_cent_is_lost_or_doubled_on_any_road(fresh: Fresh) -> None:
    class Machine(RoadMachine):
        pass

    Machine.fresh = staticmethod(fresh)  # type: ignore[assignment]  # no method of the machine

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
