"""kill -9 for a worker in the middle of each step: the purchase goes on, and nothing is done twice.

How long it took is kept as a property of each test (`seconds`); the sweep comes each second and a
lease lasts three.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest

from tests.stack.people import Buyer, Purchased
from tests.stack.shop import StackShop

STEPS = ("reserve", "price", "authorize", "confirm")
BOUGHT = Purchased("confirmed", 1, ["requires_capture"], None)


@contextmanager
def _caught_in(stack: StackShop, step: str, buyer: Buyer) -> Iterator[UUID]:
    """Buy, and hold the worker in a step until the block ends; gives the checkout."""
    if step in ("authorize", "confirm"):
        stack.psp.fault_authorizations("slow", seconds=1.5)
    with psycopg.connect(stack.info["database"].replace("+psycopg", "")) as locks:
        if step == "reserve":
            locks.execute("LOCK TABLE inventory IN ROW EXCLUSIVE MODE")
            locks.execute("SELECT 1 FROM inventory FOR UPDATE")
        elif step == "price":
            locks.execute("LOCK TABLE tax_rates IN ACCESS EXCLUSIVE MODE")
        checkout_id = stack.accepted(buyer)
        if step in ("authorize", "confirm"):
            stack.until(lambda: stack.row(checkout_id).lease_until, "nobody called the PSP")
        if step == "confirm":
            locks.execute(
                "SELECT 1 FROM reservations WHERE checkout_id = %s FOR UPDATE", [checkout_id]
            )
        if step != "authorize":
            stack.until(stack.is_waiting_for_a_lock, f"nobody came to {step}")
        yield checkout_id
        locks.rollback()


@pytest.mark.parametrize("step", STEPS)
def test_a_purchase_goes_on_when_its_killed_worker_is_back(
    stack: StackShop, step: str, request: pytest.FixtureRequest
) -> None:
    sku = stack.new_sku()
    with _caught_in(stack, step, stack.guest(sku)) as checkout_id:
        stack.processes.kill("worker_checkout")

    stack.processes.start("worker_checkout")
    stack.until(lambda: stack.are_listening("checkout"), "the worker did not come back")
    back = time.monotonic()

    assert stack.purchased(checkout_id) == BOUGHT
    request.node.user_properties.append(("seconds", round(time.monotonic() - back, 2)))
    assert stack.stock(sku) == (9, 1)


@pytest.fixture
def spare(stack: StackShop) -> Iterator[str]:
    """A second worker for checkouts."""
    stack.processes.start("worker_checkout", beside="spare", instead="checkout@%h")
    stack.until(lambda: stack.are_listening("checkout", "spare"), "there is no second worker")
    yield "spare"
    if stack.processes.is_running("spare"):
        stack.processes.stop("spare")


@pytest.mark.parametrize("step", STEPS)
def test_another_worker_goes_on_with_the_purchase_of_a_killed_one(
    stack: StackShop, spare: str, step: str, request: pytest.FixtureRequest
) -> None:
    sku = stack.new_sku()
    with _caught_in(stack, step, stack.guest(sku)) as checkout_id:
        holder = stack.who_works_on(checkout_id, "checkout", spare)
        stack.processes.kill({"checkout": "worker_checkout"}.get(holder, holder))
    killed = time.monotonic()

    assert stack.purchased(checkout_id) == BOUGHT
    request.node.user_properties.append(("seconds", round(time.monotonic() - killed, 2)))
    assert stack.stock(sku) == (9, 1)
