"""Die at every boundary of a parcel, start again: it is paid once, leaves once, has one label."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import select

from app.accounts.models import Role, User
from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.operations import audit
from app.platform.ids import encode
from app.saga.states import LIVE
from app.shipping.models import Shipment
from devstack.servers.postgres import EmbeddedPostgres
from devstack.stripe.server import RunningServer
from tests.conftest import Clock
from tests.crash.power import PowerCut
from tests.crash.world import UNITS, World, new_world
from tests.factories import make_user

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

NewWorld = Callable[[], AbstractContextManager[World]]


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


def test_a_parcel_survives_a_power_cut_at_every_boundary(fresh: NewWorld) -> None:
    with fresh() as world:
        boundaries = _sent_until(world, None)
        _check(world)

    failures = []
    for k in range(1, len(boundaries) + 1):
        with fresh() as world:
            try:
                _sent_until(world, k)
                _recover(world)
                _check(world)
            except (Exception, PowerCut) as error:
                failures.append(f"{k} {boundaries[k - 1]}: {type(error).__name__} {error}"[:400])

    assert len(boundaries) > 10
    assert failures == []


def _sent_until(world: World, cut_at: int | None) -> list[str]:
    """An order bought in peace, and its parcel with the power failing at a boundary."""
    world.fill_cart()
    world.buy("pm_card_visa")
    world.queue.drain()
    headers = _merchant(world)
    with world.power(cut_at=cut_at).on() as power:
        try:
            _send(world, headers)
        except BaseException as error:
            if not power.is_cut or isinstance(error, KeyboardInterrupt):
                raise
        assert power.is_cut == (cut_at is not None), "the boundary was not reached"
    return power.boundaries


def _recover(world: World) -> None:
    """A new process; the merchant sends the same again; time passes."""
    world.stop()
    world.start()
    headers = _merchant(world)
    _send(world, headers)
    clock = Clock(world.settings.database_url, world.db)
    for _ in range(6):
        world.sweep()
        if all(parcel.state not in LIVE for parcel in _parcels(world)):
            return
        clock.advance(20)


def _check(world: World) -> None:
    """One parcel, one capture of the whole, two units gone, a label that is kept."""
    (parcel,) = _parcels(world)
    (order,) = world.orders()
    (payment,) = world.payments()
    assert (parcel.status, parcel.state, order.state) == ("shipped", "confirmed", "shipped")
    assert (payment.status, payment.captured) == ("captured", order.total)
    assert payment.psp_ref is not None
    assert world.psp.emulator.intent(payment.psp_ref)["amount_received"] == order.total
    assert world.stock() == (UNITS - 2, 0)
    assert parcel.label_key is not None
    assert world.providers.files.get(parcel.label_key).startswith(b"%PDF")
    assert audit.of_database(world.db).breaches == ()


def _send(world: World, headers: dict[str, str]) -> None:
    order_id = encode("ord", world.orders()[0].id)
    key = {"Idempotency-Key": "the-one-parcel"}
    answer = world.client.post(f"/v1/orders/{order_id}/shipments", json={}, headers=headers | key)
    if answer.status_code == 202:
        world.queue.drain()


def _merchant(world: World) -> dict[str, str]:
    """Somebody of the merchant, the same whoever asks."""
    email = "barn@example.com"
    with world.db.transaction() as session:
        user = session.scalar(select(User).where(User.email == email)) or make_user(
            session, email=email, role=Role.MERCHANT, merchant_id=world.sku.merchant_id
        )
    return {"Authorization": f"Bearer {world.providers.tokens.issue(user)}"}


def _parcels(world: World) -> list[Shipment]:
    with world.db.reading() as session:
        return list(session.scalars(select(Shipment)))
