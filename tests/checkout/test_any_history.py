"""Whatever happens to a purchase, and in whatever order: it ends confirmed or undone, never
between."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from sqlalchemy import select

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.operations import audit
from app.platform import seams
from app.platform.ids import encode
from app.saga.models import SagaJournal
from devstack.servers.postgres import EmbeddedPostgres
from devstack.stripe.errors import StripeError
from devstack.stripe.server import RunningServer
from devstack.stripe.webhooks import signature
from tests.conftest import WEBHOOK_SECRET, Clock
from tests.crash.world import UNITS, World, new_world

CARDS = ("pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined")
FAULTS = ("cut_before", "cut_after", "error_before", "error_after", "rate_limit")
CALLS = ("create", "cancel", "retrieve", "list")

Event = tuple[Any, ...]
Fresh = Callable[[], AbstractContextManager[World]]

events = st.one_of(
    st.just(("work",)),
    st.just(("lose_nudges",)),
    st.just(("sweep",)),
    st.just(("cancel",)),
    st.just(("resume",)),
    st.just(("buy_again",)),
    st.just(("expire_holds",)),
    st.just(("forget_redis",)),
    st.tuples(st.just("tell"), st.sampled_from(["amount_capturable_updated", "payment_failed"])),
    st.tuples(st.just("challenge"), st.booleans()),
    st.tuples(st.just("pass_time"), st.sampled_from([1, 4, 35, 130, 620, 850])),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS), st.sampled_from(CALLS)),
    st.tuples(st.just("crash"), st.integers(1, 25)),
)


class History:
    """One purchase and what happens to it."""

    def __init__(self, world: World, card: str, ahead: list[float]) -> None:
        self.world, self.card, self.ahead = world, card, ahead
        self.clock = Clock(world.settings.database_url, world.db)
        self.told, self.passed = 0, 0.0
        self.cut_at: int | None = None

    def happen(self, event: Event) -> None:
        """One event; where the power was to fail, it fails during it."""
        if event[0] == "crash":
            self.cut_at = event[1]
            return
        if self.cut_at is None:
            self._do(event)
            return
        power = self.world.power(cut_at=self.cut_at)
        self.cut_at = None
        with power.on():
            try:
                self._do(event)
            except BaseException:
                if not power.is_cut:
                    raise
        if power.is_cut:
            self.world.stop()
            self.world.start()

    def end(self) -> None:
        """Trouble is over; time passes until nothing moves."""
        seams.listen(None)
        self.world.psp.emulator.faults.clear()
        for _ in range(40):
            self._do(("sweep",))
            self.world.queue.tasks["payments.apply_events"]()
            self.world.queue.drain()
            if not {row.state for row in self.world.checkouts()} & {"running", "parked"}:
                return
            self._do(("pass_time", 40))

    def _do(self, event: Event) -> None:
        getattr(self, f"_{event[0]}")(*event[1:])

    def _buy_again(self) -> None:
        self.world.buy(self.card)

    def _work(self) -> None:
        self.world.queue.drain()

    def _lose_nudges(self) -> None:
        self.world.queue.waiting.clear()

    def _sweep(self) -> None:
        self.world.sweep()

    def _cancel(self) -> None:
        self._act("cancel")

    def _resume(self) -> None:
        self._act("resume")

    def _act(self, act: str) -> None:
        for checkout in self.world.checkouts():
            answer = self.world.post(f"/v1/checkout/{encode('chk', checkout.id)}/{act}")
            assert answer.status_code in (202, 409, 503), answer.json

    def _expire_holds(self) -> None:
        self.world.queue.tasks["inventory.expire_holds"]()

    def _forget_redis(self) -> None:
        self.world.providers.redis.flushall()

    def _tell(self, kind: str) -> None:
        for intent in self.world.psp.emulator.recent_intents():
            self.told += 1
            body = json.dumps(
                {
                    "id": f"evt_{self.told}",
                    "object": "event",
                    "type": f"payment_intent.{kind}",
                    "data": {"object": {"id": intent["id"], "object": "payment_intent"}},
                }
            ).encode()
            signed = signature(body, WEBHOOK_SECRET, at=time.time())
            headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
            self.world.client.post("/v1/psp/stripe/events", data=body, headers=headers)

    def _challenge(self, approved: bool) -> None:
        for intent in self.world.psp.emulator.recent_intents():
            try:
                self.world.psp.emulator.answer_authentication(intent["id"], approved=approved)
            except StripeError:
                continue

    def _pass_time(self, seconds: float) -> None:
        self.ahead[0] += seconds
        self.clock._db = self.world.db
        self.clock.advance(seconds)

    def _fault(self, kind: str, call: str) -> None:
        self.world.psp.emulator.fault(kind=kind, operation=f"payment_intents.{call}")


def _journal(world: World) -> list[tuple[str, str]]:
    with world.db.reading() as session:
        lines = session.scalars(select(SagaJournal).order_by(SagaJournal.id))
        return [(line.step, str(line.event)) for line in lines]


def _assert_whole(world: World) -> None:
    """Confirmed with one hold, or undone with none; units and journal add up."""
    rows = world.checkouts()
    assert len([row for row in rows if row.state == "confirmed"]) <= 1
    assert {row.state for row in rows} <= {"confirmed", "failed", "canceled", "expired"}
    bought = any(row.state == "confirmed" for row in rows)
    live = [status for status in world.intents() if status != "canceled"]
    assert live == (["requires_capture"] if bought else [])
    assert world.stock() == ((UNITS - 2, 2) if bought else (UNITS, 0))
    assert [row.state for row in world.orders() if row.state != "canceled"] == [
        "confirmed"
    ] * bought
    journal = _journal(world)
    for step in ("reserve", "price", "confirm"):
        assert journal.count((step, "succeeded")) <= len(rows)
        assert journal.count((step, "compensated")) <= len(rows)
    assert (("confirm", "succeeded") in journal) == bought
    report = audit.of_database(world.db)
    assert not report.breaches, "\n".join(map(str, report.breaches))
    world.providers.gate.load([world.sku.id])
    assert world.providers.gate.check([world.sku.id]) == []


@pytest.fixture
def fresh(
    postgres: EmbeddedPostgres,
    redis_url: str,
    psp: RunningServer,
    queue: InlineQueue,
    settings: Settings,
) -> Fresh:
    """Makes untouched worlds, one after the other."""
    return lambda: new_world(postgres, redis_url, psp, queue.tasks, settings)


@pytest.mark.timeout(300)
@bounds(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(card=st.sampled_from(CARDS), happened=st.lists(events, min_size=4, max_size=16))
def test_every_history_ends_in_one_order_with_one_hold_or_in_nothing_at_all(
    fresh: Fresh, ahead: list[float], card: str, happened: list[Event]
) -> None:
    ahead[0] = 0.0
    with fresh() as world:
        world.fill_cart()
        history = History(world, card, ahead)
        history.happen(("buy_again",))

        for event in happened:
            history.happen(event)
        history.end()

        _assert_whole(world)
