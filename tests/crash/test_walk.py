"""The crash walk: die at every boundary of a purchase, start again, and nothing is lost or done
twice."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.operations import audit
from devstack.servers.postgres import EmbeddedPostgres
from devstack.stripe.server import RunningServer
from tests.crash.power import PowerCut
from tests.crash.world import UNITS, World, new_world

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

NewWorld = Callable[[], AbstractContextManager[World]]
Script = Callable[[World], None]
Check = Callable[[World], None]


@pytest.fixture
def fresh(
    postgres: EmbeddedPostgres,
    redis_url: str,
    psp: RunningServer,
    queue: InlineQueue,
    settings: Settings,
) -> NewWorld:
    """Makes untouched worlds, one after the other."""
    return lambda: new_world(postgres, redis_url, psp, queue.tasks, settings)


def _happy(world: World) -> None:
    world.buy("pm_card_visa")
    world.queue.drain()


def _declined(world: World) -> None:
    world.buy("pm_card_chargeDeclined")
    world.queue.drain()


def _challenged(world: World) -> None:
    answer = world.buy("pm_card_authenticationRequired")
    world.queue.drain()
    for payment in world.payments():
        # Without a reference the payment is still under the lease of the process that died.
        intent = world.psp.emulator.intent(payment.psp_ref) if payment.psp_ref else None
        if intent is not None and intent["status"] == "requires_action":
            world.psp.emulator.answer_authentication(intent["id"], approved=True)
    world.post(f"/v1/checkout/{answer.json['id']}/resume")
    world.queue.drain()


def _canceled(world: World) -> None:
    answer = world.buy("pm_card_visa")
    world.post(f"/v1/checkout/{answer.json['id']}/cancel")
    world.queue.drain()


def _bought_once(world: World) -> None:
    """One confirmed order, one hold at the PSP of its amount, two units held, nothing else."""
    (checkout,) = world.checkouts()
    (order,) = world.orders()
    (payment,) = world.payments()
    assert (checkout.state, order.state, payment.status) == ("confirmed", "confirmed", "authorized")
    assert order.number is not None
    assert world.stock() == (UNITS - 2, 2)
    assert world.intents() == ["requires_capture"]


def _nothing_bought(world: World) -> None:
    """No order, no money held anywhere, every unit for sale again."""
    assert {row.state for row in world.checkouts()} <= {"failed", "canceled", "expired"}
    assert {row.state for row in world.orders()} <= {"canceled"}
    assert {row.status for row in world.payments()} <= {"failed", "voided"}
    assert world.stock() == (UNITS, 0)
    assert set(world.intents()) <= {"canceled"}


SCRIPTS: dict[str, tuple[Script, Check]] = {
    "happy": (_happy, _bought_once),
    "declined": (_declined, _nothing_bought),
    "challenged": (_challenged, _bought_once),
    "canceled": (_canceled, _nothing_bought),
}


def _run(world: World, script: Script, cut_at: int | None) -> list[str]:
    """Run a script with the power failing at a boundary; gives the boundaries that passed."""
    with world.power(cut_at=cut_at).on() as power:
        try:
            script(world)
        except BaseException as error:
            if not power.is_cut or isinstance(error, KeyboardInterrupt):
                raise
        assert power.is_cut == (cut_at is not None), "the boundary was not reached"
    return power.boundaries


def _recover(world: World, script: Script, check: Check, *, again: int | None = None) -> None:
    """A new process; the shopper sends the same again; time passes; all must be well."""
    world.stop()
    world.start()
    if again is not None:
        with world.power(cut_at=again).on() as power:
            try:
                script(world)
                world.settle(rounds=2)
            except BaseException:
                if not power.is_cut:
                    raise
        world.stop()
        world.start()
    for _ in range(2):  # the shopper tries, waits, and tries again
        script(world)
        world.settle()
    check(world)
    assert audit.of_database(world.db).breaches == ()
    world.providers.gate.load([world.sku.id])
    assert world.providers.gate.check([world.sku.id]) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_purchase_survives_a_power_cut_at_every_boundary(fresh: NewWorld, name: str) -> None:
    script, check = SCRIPTS[name]
    with fresh() as world:
        world.fill_cart()
        boundaries = _run(world, script, None)
        check(world)

    failures = []
    for k in range(1, len(boundaries) + 1):
        with fresh() as world:
            world.fill_cart()
            try:
                _run(world, script, k)
                _recover(world, script, check)
            except (Exception, PowerCut) as error:
                failures.append(f"{k} {boundaries[k - 1]}: {type(error).__name__} {error}"[:400])

    assert len(boundaries) > 20
    assert failures == []


def test_a_purchase_survives_two_power_cuts(fresh: NewWorld) -> None:
    script, check = SCRIPTS["happy"]
    with fresh() as world:
        world.fill_cart()
        boundaries = _run(world, script, None)
    chosen = random.Random(7)
    pairs = [
        (chosen.randint(1, len(boundaries)), chosen.randint(1, len(boundaries))) for _ in range(40)
    ]

    failures = []
    for first, second in pairs:
        with fresh() as world:
            world.fill_cart()
            try:
                _run(world, script, first)
                _recover(world, script, check, again=second)
            except (Exception, PowerCut) as error:
                failures.append(f"{first}, {second}: {type(error).__name__} {error}"[:400])

    assert failures == []
