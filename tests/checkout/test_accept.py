"""What accept answers when Redis remembers more, or less, than PostgreSQL."""

from uuid import UUID

from app.catalog.models import Sku
from app.platform.ids import decode, encode, new_id
from app.platform.redis import ShopRedis
from tests.factories import ADDRESS
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


def test_an_accepted_checkout_is_in_flight_no_more(shop: Shop, redis: ShopRedis) -> None:
    answer = shop.buy(shop.cart())

    assert answer.status_code == 202
    assert _in_flight(shop, redis) == 0
    assert redis.zcard("{g0}:dirty") == 0


def test_a_checkout_refused_after_its_admission_is_in_flight_no_more_and_is_counted_anew(
    shop: Shop, redis: ShopRedis
) -> None:
    cart = shop.cart()
    with shop.db.transaction() as session:
        session.get_one(Sku, shop.sku.id).price = 6000

    answer = shop.buy(cart)

    assert (answer.status_code, answer.json["code"]) == (409, "price_changed")
    assert _in_flight(shop, redis) == 0
    assert redis.zscore("{g0}:dirty", str(shop.sku.id)) is not None


def test_the_same_cart_with_other_words_is_refused_while_it_is_being_bought(shop: Shop) -> None:
    cart = shop.cart()
    shop.buy(cart)

    answer = shop.buy(cart, token="pm_card_mastercard")

    assert (answer.status_code, answer.json["code"]) == (409, "checkout_in_progress")


def test_the_same_words_again_are_the_same_checkout_also_when_its_note_is_lost(
    shop: Shop, redis: ShopRedis
) -> None:
    cart = shop.cart()
    first = shop.buy(cart)
    redis.hset(f"cart:{{{decode('crt', cart['id'])}}}", "checkout", "")

    again = shop.buy(cart, key="another-key")

    assert again.json["id"] == first.json["id"]
    assert _in_flight(shop, redis) == 0


def _in_flight(shop: Shop, redis: ShopRedis) -> int:
    return int(redis.zcard(f"{{g0}}:flight:{shop.sku.id}"))


def test_a_signed_in_cart_is_locked_while_it_is_bought_and_can_change_again_afterwards(
    shop: Shop,
) -> None:
    ada = {"email": "ada@example.com", "password": "correct horse battery staple"}
    token = shop.client.post("/v1/auth/register", json=ada).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    line = {"sku_id": encode("sku", shop.sku.id), "qty": 1}
    cart = shop.client.post("/v1/cart", json=line, headers=headers).json
    body = {
        "cart_id": cart["id"],
        "shipping_address": ADDRESS,
        "payment_method_token": "pm_card_chargeDeclined",
    }
    shop.client.post("/v1/checkout", json=body, headers=headers)
    locked = shop.client.post("/v1/cart", json=line, headers=headers)

    shop.work()

    assert (locked.status_code, locked.json["code"]) == (409, "cart_locked")
    assert shop.client.post("/v1/cart", json=line, headers=headers).status_code in (200, 201)
