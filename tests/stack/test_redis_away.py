"""Redis goes and comes back with nothing in it: PostgreSQL carries the shop meanwhile."""

from app.platform.ids import encode
from devstack.servers.valkey import EmbeddedValkey
from tests.stack.http_client import Answer
from tests.stack.people import Purchased
from tests.stack.shop import StackShop

BOUGHT = Purchased("confirmed", 1, ["requires_capture"], None)


def _assert_comes_back_later(answer: Answer) -> None:
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.json["retry"]["retryable"] is True
    assert int(answer.headers["Retry-After"]) >= 0


def test_without_redis_reads_and_signed_in_carts_go_on_and_checkout_asks_to_come_back(
    stack: StackShop, valkey_of_stack: EmbeddedValkey
) -> None:
    sku = stack.new_sku()
    member, guest = stack.member(sku), stack.guest(sku)
    line = {"sku_id": encode("sku", sku.id), "qty": 1, "cart_id": member.cart_id}

    valkey_of_stack.stop()
    ready = stack.client.get("/readyz")
    products = stack.client.get("/v1/products?limit=5")
    product = stack.client.get(f"/v1/products/{encode('prd', sku.product_id)}")
    written = stack.client.post("/v1/cart", line, member.headers)
    read = stack.client.get(f"/v1/cart/{member.cart_id}", member.headers)
    refused = [stack.buy(member), stack.buy(guest)]
    guests = stack.client.get(f"/v1/cart/{guest.cart_id}", guest.headers)
    valkey_of_stack.start()

    assert (ready.status, ready.json["status"]) == (200, "degraded")
    assert (products.status, product.status) == (200, 200)
    assert (written.status, read.status) == (200, 200)
    assert read.json["lines"][0]["qty"] == 2
    for answer in (*refused, guests):
        _assert_comes_back_later(answer)
    assert stack.sold(sku) == 0
    assert stack.purchased(stack.accepted(member)) == BOUGHT
    assert stack.stock(sku) == (8, 2)


def test_a_purchase_under_way_is_confirmed_though_redis_went_and_came_back_empty(
    stack: StackShop, valkey_of_stack: EmbeddedValkey
) -> None:
    sku = stack.new_sku()
    stack.psp.fault_authorizations("slow", times=4, seconds=1)
    checkout_ids = [stack.accepted(member) for member in stack.members(sku, 4)]

    valkey_of_stack.stop()
    valkey_of_stack.start()

    assert [stack.purchased(checkout_id) for checkout_id in checkout_ids] == [BOUGHT] * 4
    assert stack.stock(sku) == (6, 4)
