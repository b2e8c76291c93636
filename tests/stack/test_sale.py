"""A sale: 400 buyers for 100 units, 32 at once, through the front door.

STACK_ROUNDS says how many sales there are in all: every other one loses Redis in the middle. In a
plain sale nobody has to come back. Where Redis forgets everything (counters, nudges, limits), a
buyer may be asked to come back at once, and nothing else changes.
"""

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app.catalog.models import Sku
from tests.stack.http_client import Answer
from tests.stack.people import Buyer
from tests.stack.shop import StackShop

ROUNDS = max(1, int(os.environ.get("STACK_ROUNDS", "20")) // 2)
UNITS, BUYERS, AT_ONCE = 100, 400, 32
GUESTS = 100  # of the buyers; the others have signed in
FORGETS_AT = 130
COMES_BACK = 20


def _insist(stack: StackShop, buyer: Buyer) -> Answer:
    """Buy, and where the shop says that it may be tried again, try again with the same key."""
    key = uuid4().hex
    for _ in range(COMES_BACK):
        answer = stack.buy(buyer, key=key)
        if not answer.json.get("retry", {}).get("retryable") or answer.code == "out_of_stock":
            break
        time.sleep(0.05)
    return answer


def _is_quiet(stack: StackShop, sku: Sku) -> bool:
    """Whether no load of this SKU's counter is outstanding."""
    return stack.redis.zscore("{g0}:dirty", str(sku.id)) is None


def _assert_sold_out_once(stack: StackShop, sku: Sku) -> None:
    stack.rest()
    assert stack.sold(sku) == UNITS
    assert stack.stock(sku) == (0, UNITS)
    stack.until(lambda: _is_quiet(stack, sku), "the gate was not loaded")
    assert stack.redis.get(f"{{g0}}:free:{sku.id}") == "0"
    assert stack.gate.check([sku.id]) == []


@pytest.mark.timeout(1200)
def test_four_hundred_buyers_get_a_hundred_units_and_clean_refusals(stack: StackShop) -> None:
    for _ in range(ROUNDS):
        sku = stack.new_sku(stock=UNITS)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            guests = list(pool.map(lambda _, sku=sku: stack.guest(sku), range(GUESTS)))
            buyers = [*stack.members(sku, BUYERS - GUESTS), *guests]
            random.shuffle(buyers)
            answers = list(pool.map(stack.buy, buyers))

        told = Counter((answer.status, answer.code) for answer in answers)
        assert told == {(202, None): UNITS, (409, "out_of_stock"): BUYERS - UNITS}
        _assert_sold_out_once(stack, sku)


@pytest.mark.timeout(1200)
def test_a_hundred_units_are_sold_once_while_redis_forgets_everything(stack: StackShop) -> None:
    def come(number: int, buyer: Buyer) -> Answer:
        if number == FORGETS_AT:
            stack.redis.flushall()
        return _insist(stack, buyer)

    for _ in range(ROUNDS):
        sku = stack.new_sku(stock=UNITS)
        buyers = stack.members(sku, BUYERS)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(come, range(BUYERS), buyers))

        told = Counter((answer.status, answer.code) for answer in answers)
        assert set(told) == {(202, None), (409, "out_of_stock")}
        assert told[202, None] >= UNITS
        _assert_sold_out_once(stack, sku)
