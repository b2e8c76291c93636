"""What the clock does for the gate: late, twice or never, it stays right."""

from datetime import timedelta
from importlib import import_module
from types import ModuleType
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.checkout.models import Checkout
from app.inventory import service
from app.inventory.service import Want
from app.wiring import Providers
from tests.factories import make_sku
from tests.inventory.conftest import add_checkout, go_on


@pytest.fixture
def tasks(providers: Providers) -> ModuleType:
    """The tasks of a worker that was handed these providers."""
    return import_module("tasks.inventory")


def stocked(providers: Providers, units: int) -> UUID:
    with providers.db.transaction() as session:
        return make_sku(session, stock=units).id


def counter(providers: Providers, sku_id: UUID) -> str | None:
    return providers.redis.get(f"{{g0}}:free:{sku_id}")


def test_each_second_dirty_counters_are_loaded_and_others_left_alone(
    tasks: ModuleType, providers: Providers
) -> None:
    dirty, clean = stocked(providers, 5), stocked(providers, 5)
    providers.gate.mark_dirty([dirty])

    for _ in range(2):
        tasks.load_gate()

    assert (counter(providers, dirty), counter(providers, clean)) == ("5", None)


def test_a_nudge_loads_one_sku(tasks: ModuleType, providers: Providers) -> None:
    asked, other = stocked(providers, 5), stocked(providers, 5)

    for _ in range(2):
        tasks.load_gate(str(asked))

    assert (counter(providers, asked), counter(providers, other)) == ("5", None)


def test_each_minute_every_counter_is_loaded(tasks: ModuleType, providers: Providers) -> None:
    sku = stocked(providers, 5)
    providers.gate.load([sku])
    providers.redis.set(f"{{g0}}:free:{sku}", 99)

    for _ in range(2):
        tasks.reload_gate()

    assert counter(providers, sku) == "5"


@pytest.mark.unaudited("saga_unlike_journal")
def test_units_held_too_long_make_their_checkout_turn_back_but_are_not_taken(
    tasks: ModuleType, providers: Providers
) -> None:
    sku = stocked(providers, 5)
    with providers.db.transaction() as session:
        later = func.shop_now() + timedelta(hours=1)
        checkout_id = add_checkout(session, {sku: 2}, deadline=later)
        service.reserve(session, [Want(checkout_id, None, {sku: 2})], seconds=0)
        go_on(session, [checkout_id])

    for _ in range(2):
        tasks.expire_holds()

    with providers.db.reading() as session:
        asked = session.scalar(
            select(Checkout.cancel_requested_at).where(Checkout.id == checkout_id)
        )
    assert asked is not None
