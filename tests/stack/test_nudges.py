"""Tasks through the real broker: doubled, late, out of order, or lost with it."""

import random
from uuid import UUID

from tests.stack.people import Purchased
from tests.stack.shop import StackShop

TASKS = (
    "checkout.reserve",
    "checkout.price",
    "checkout.authorize",
    "checkout.confirm",
    "checkout.undo",
)
BOUGHT = Purchased("confirmed", 1, ["requires_capture"], None)
PURCHASES = 8


def _send_twice_in_any_order(stack: StackShop, checkout_ids: list[UUID]) -> None:
    tasks = [(name, checkout_id) for name in TASKS for checkout_id in checkout_ids] * 2
    random.shuffle(tasks)
    for name, checkout_id in tasks:
        stack.queue.send_task(name, args=(str(checkout_id),), queue="checkout")


def test_tasks_delivered_twice_and_out_of_order_buy_once(stack: StackShop) -> None:
    sku = stack.new_sku(stock=PURCHASES)
    buyers = [stack.guest(sku) for _ in range(PURCHASES)]
    checkout_ids = [stack.accepted(buyer) for buyer in buyers]

    _send_twice_in_any_order(stack, checkout_ids)

    assert [stack.purchased(checkout_id) for checkout_id in checkout_ids] == [BOUGHT] * PURCHASES
    assert stack.stock(sku) == (0, PURCHASES)


def test_tasks_that_come_after_the_end_change_nothing(stack: StackShop) -> None:
    sku = stack.new_sku()
    checkout_id = stack.accepted(stack.guest(sku))
    stack.ended(checkout_id)
    before = stack.row(checkout_id).version, stack.journal(checkout_id)

    _send_twice_in_any_order(stack, [checkout_id])
    stack.until(lambda: stack.broker.llen("shop:checkout") == 0, "the tasks were not taken")
    last = stack.accepted(stack.guest(sku))

    assert stack.purchased(last) == BOUGHT
    assert stack.purchased(checkout_id) == BOUGHT
    assert (stack.row(checkout_id).version, stack.journal(checkout_id)) == before


def test_a_purchase_is_confirmed_though_the_broker_lost_its_nudge(stack: StackShop) -> None:
    sku = stack.new_sku()
    stack.processes.stop("worker_checkout")
    checkout_id = stack.accepted(stack.guest(sku))
    stack.broker.flushdb()

    stack.processes.start("worker_checkout")

    assert stack.purchased(checkout_id) == BOUGHT
    assert stack.stock(sku) == (9, 1)
