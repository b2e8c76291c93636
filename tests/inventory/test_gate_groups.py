"""A gate spread over several hash tags: one call a tag, in tag order."""

from uuid import UUID

import pytest

from app.inventory.errors import OutOfStock
from app.inventory.gate import Gate
from app.platform.db import Database
from app.platform.ids import new_id
from app.platform.redis import ShopRedis
from tests.factories import make_merchant, make_sku
from tests.inventory.conftest import ADMISSION_SECONDS as LIFE
from tests.inventory.conftest import CheckoutDemand, counter


@pytest.fixture
def two_groups(redis: ShopRedis, db: Database) -> tuple[Gate, UUID, UUID]:
    """A gate spread over two hash tags, with a SKU in each: 5 units behind g0, 1 behind g1."""
    with db.transaction() as session:
        merchants = {}
        while len(merchants) < 2:
            merchant = make_merchant(session)
            merchants.setdefault(merchant.id.int % 2, merchant)
        skus = [make_sku(session, merchant=merchants[g], stock=(5, 1)[g]).id for g in (0, 1)]
    return Gate(redis, db, CheckoutDemand(), groups=2), skus[0], skus[1]


def test_merchants_of_two_groups_keep_their_counters_under_two_tags(
    two_groups: tuple[Gate, UUID, UUID], redis: ShopRedis
) -> None:
    gate, first, second = two_groups

    gate.admit(new_id(), {second: 1, first: 1}, LIFE)

    assert (counter(redis, first, 0), counter(redis, second, 1)) == (4, 0)


def test_a_refusal_of_one_group_takes_the_cart_out_of_the_earlier_one(
    two_groups: tuple[Gate, UUID, UUID], redis: ShopRedis
) -> None:
    gate, first, second = two_groups

    with pytest.raises(OutOfStock):
        gate.admit(new_id(), {second: 2, first: 3}, LIFE)
    lowered = counter(redis, first, 0)
    gate.load_dirty(10)

    assert (lowered, counter(redis, first, 0)) == (2, 5)
    assert gate.check([first, second]) == []


def test_dirty_skus_of_every_group_are_loaded(two_groups: tuple[Gate, UUID, UUID]) -> None:
    gate, first, second = two_groups
    gate.mark_dirty([first, second])

    loaded = gate.load_dirty(10)

    assert loaded == 2
