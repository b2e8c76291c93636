"""What accept answers when Redis remembers more, or less, than PostgreSQL."""

from uuid import UUID

from app.platform.ids import decode, new_id
from app.platform.redis import ShopRedis
from tests.journeys.conftest import Shop


def test_a_note_of_a_dead_checkout_on_a_guests_cart_does_not_stop_the_purchase(
    shop: Shop, redis: ShopRedis
) -> None:
    cart = shop.cart()
    cart_id: UUID = decode("crt", cart["id"])
    redis.hset(f"cart:{{{cart_id}}}", "checkout", str(new_id()))

    answer = shop.buy(cart, key="once")

    shop.work()
    assert answer.status_code == 202
    assert shop.look(cart, answer)["state"] == "confirmed"
