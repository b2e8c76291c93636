"""The confirmation reaches the shopper once, whoever is killed on its way."""

import pytest

from tests.stack.shop import StackShop


@pytest.fixture(autouse=True)
def _an_empty_mailbox(stack: StackShop) -> None:
    stack.mail.send("DELETE", "/api/messages", None)


@pytest.mark.parametrize("name", ["relay", "consumer", "worker"])
def test_the_letter_arrives_once_though_who_carries_it_was_killed_and_started_again(
    stack: StackShop, name: str
) -> None:
    buyer = stack.guest(stack.new_sku())
    stack.processes.kill(name)
    checkout_id = stack.accepted(buyer)
    stack.ended(checkout_id)

    stack.processes.start(name)

    (letter,) = stack.until(lambda: stack.mails_to(buyer.email), "no letter came")
    order = stack.look(buyer, checkout_id)["order"]
    assert order["number"] in letter["text"]
    assert order["number"] in letter["html"]
    assert len(stack.mails_to(buyer.email)) == 1
    assert _letters(stack, buyer.email) == 1


@pytest.mark.parametrize("name", ["relay", "consumer"])
def test_letters_of_many_orders_arrive_once_each_though_their_carrier_is_killed_among_them(
    stack: StackShop, name: str
) -> None:
    many = 12
    sku = stack.new_sku(stock=many)
    buyers = [stack.guest(sku) for _ in range(many)]
    checkout_ids = [stack.accepted(buyer) for buyer in buyers]
    stack.until(lambda: stack.sold(sku) >= many // 3)

    stack.processes.kill(name)
    stack.processes.start(name)

    for checkout_id in checkout_ids:
        assert stack.ended(checkout_id).state == "confirmed"
    for buyer in buyers:
        stack.until(lambda buyer=buyer: stack.mails_to(buyer.email), "a letter is missing")
    assert [len(stack.mails_to(buyer.email)) for buyer in buyers] == [1] * many
    assert [_letters(stack, buyer.email) for buyer in buyers] == [1] * many


def _letters(stack: StackShop, email: str) -> int:
    (row,) = stack.statement(
        "SELECT count(*) FROM notifications WHERE recipient = :email", email=email
    )
    return int(row[0])
