"""The same purchase asked for many times at once, against gunicorn's real threads."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from app.platform.ids import decode
from tests.stack.shop import StackShop

TWINS = 16


def test_the_same_key_posted_by_sixteen_at_once_makes_one_checkout_and_one_order(
    stack: StackShop,
) -> None:
    sku = stack.new_sku(stock=TWINS)
    buyer = stack.guest(sku)
    key = uuid4().hex

    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(lambda _: stack.buy(buyer, key=key), range(TWINS)))

    assert {answer.status for answer in answers} == {202}
    (checkout_id,) = {decode("chk", answer.json["id"]) for answer in answers}
    assert stack.purchased(checkout_id).orders == 1
    assert stack.purchased(checkout_id).intents == ["requires_capture"]
    assert stack.stock(sku) == (TWINS - 1, 1)


def test_the_last_unit_asked_for_by_twins_is_sold_once(stack: StackShop) -> None:
    sku = stack.new_sku(stock=1)
    buyer = stack.guest(sku)
    key = uuid4().hex

    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(lambda _: stack.buy(buyer, key=key), range(TWINS)))

    assert {answer.code for answer in answers} <= {None, "idempotency_key_in_flight"}
    (checkout_id,) = {decode("chk", each.json["id"]) for each in answers if each.status == 202}
    assert stack.purchased(checkout_id).orders == 1
    assert stack.stock(sku) == (0, 1)


def test_a_cart_bought_under_two_keys_at_once_is_bought_once(stack: StackShop) -> None:
    sku = stack.new_sku(stock=TWINS)
    buyer = stack.member(sku)

    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(lambda _: stack.buy(buyer, key=uuid4().hex), range(TWINS)))

    made = {decode("chk", answer.json["id"]) for answer in answers if answer.status == 202}
    assert {answer.code for answer in answers} <= {None, "checkout_in_progress"}
    (checkout_id,) = made
    assert stack.purchased(checkout_id).orders == 1
    assert stack.stock(sku) == (TWINS - 1, 1)


def test_a_repeated_key_shows_the_purchase_as_it_is_by_then(stack: StackShop) -> None:
    buyer = stack.guest(stack.new_sku())
    key = uuid4().hex
    checkout_id = stack.accepted(buyer, key=key)
    stack.ended(checkout_id)

    again = stack.buy(buyer, key=key)

    assert decode("chk", again.json["id"]) == checkout_id
    assert again.json["state"] == "confirmed"
