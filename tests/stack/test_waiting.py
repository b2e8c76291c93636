"""`Prefer: wait`: who waits is told the outcome, and the shop answers others meanwhile."""

from concurrent.futures import ThreadPoolExecutor

from app.platform.ids import decode
from tests.stack.shop import StackShop

MAY_WAIT = 2 * 8 // 2  # half the threads of both web workers


def test_who_waits_is_answered_with_the_order(stack: StackShop) -> None:
    buyer = stack.guest(stack.new_sku())

    answer = stack.buy(buyer, wait=10)

    assert answer.status == 201
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert answer.json["state"] == "confirmed"
    assert answer.json["order"]["state"] == "confirmed"
    assert answer.json["order"]["payment"]["status"] == "authorized"


def test_who_waits_for_a_refusal_is_told_why(stack: StackShop) -> None:
    buyer = stack.guest(stack.new_sku())

    answer = stack.buy(buyer, token="pm_card_chargeDeclined", wait=10)

    assert (answer.status, answer.code) == (409, "payment_declined")


def test_when_many_wait_the_rest_is_answered_at_once_and_the_shop_goes_on(
    stack: StackShop,
) -> None:
    many = 2 * MAY_WAIT
    sku = stack.new_sku(stock=many)
    buyers = stack.members(sku, many)
    stack.psp.fault_authorizations("slow", times=many, seconds=1.5)

    with ThreadPoolExecutor(many) as pool:
        waiting = [pool.submit(stack.buy, buyer, wait=20) for buyer in buyers]
        stack.until(lambda: sum(each.done() for each in waiting) >= many - MAY_WAIT)
        alive = stack.client.get("/livez")
        still_waiting = sum(not each.done() for each in waiting)
        answers = [each.result() for each in waiting]

    statuses = [answer.status for answer in answers]
    assert alive.status == 200
    assert still_waiting > 0
    assert set(statuses) == {201, 202}
    assert statuses.count(201) <= MAY_WAIT
    for answer in answers:
        assert stack.ended(decode("chk", answer.json["id"])).state == "confirmed"
