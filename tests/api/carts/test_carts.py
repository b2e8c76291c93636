"""Carts through the door."""

from app.catalog.models import Sku
from app.platform.db import Database
from app.platform.ids import decode
from tests.api.carts.conftest import Caller, MakeSku, body, refusal

NOWHERE = "redis://127.0.0.1:1/0"


def test_the_first_units_make_a_cart(caller: Caller, sku_for_sale: MakeSku) -> None:
    boot = sku_for_sale(price=1_999)

    answer = caller.add(boot, 2)

    cart = body(answer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/cart/{cart['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (cart["currency"], cart["subtotal"], cart["version"]) == ("EUR", 3_998, 1)
    assert (cart["status"], cart["checkout_id"]) == ("open", None)
    assert [(line["sku_id"], line["qty"], line["price"]) for line in cart["lines"]] == [
        (boot, 2, 1_999)
    ]


def test_a_guests_new_cart_comes_with_its_token_and_a_persons_without(
    guest: Caller, person: Caller, sku_for_sale: MakeSku
) -> None:
    boot = sku_for_sale()

    assert "token" in body(guest.add(boot))
    assert "token" not in body(guest.add(boot))
    assert "token" not in body(person.add(boot))


def test_more_units_go_into_the_same_cart(caller: Caller, sku_for_sale: MakeSku) -> None:
    boot = sku_for_sale()
    first = body(caller.add(boot))

    without_id = caller.add(boot)
    with_id = caller.add(boot, cart_id=first["id"])

    assert (without_id.status_code, with_id.status_code) == (200, 200)
    assert body(with_id)["id"] == first["id"]
    assert body(with_id)["lines"][0]["qty"] == 3


def test_the_cart_is_shown_by_its_id_and_as_ones_own(caller: Caller, sku_for_sale: MakeSku) -> None:
    cart = body(caller.add(sku_for_sale()))
    cart.pop("token", None)

    by_id, own = caller.get(f"/v1/cart/{cart['id']}"), caller.get("/v1/cart")

    assert body(by_id) == body(own) == cart
    assert by_id.headers["ETag"] == '"1"'
    assert by_id.headers["Cache-Control"] == "no-store"


def test_a_line_is_changed_and_taken_out(caller: Caller, sku_for_sale: MakeSku) -> None:
    boot = sku_for_sale(price=100)
    cart = body(caller.add(boot, 5))
    path = f"/v1/cart/{cart['id']}/lines/{boot}"

    changed = caller.patch(path, {"qty": 2})
    removed = caller.delete(path)

    assert (changed.status_code, body(changed)["subtotal"]) == (200, 200)
    assert (removed.status_code, body(removed)["lines"]) == (200, [])
    assert refusal(caller.delete(path)) == (404, "cart_line_not_found")


def test_the_same_key_adds_once(person: Caller, sku_for_sale: MakeSku) -> None:
    wanted = {"sku_id": sku_for_sale(), "qty": 2}

    first = person.post("/v1/cart", wanted, Idempotency_Key="k-1")
    again = person.post("/v1/cart", wanted, Idempotency_Key="k-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert body(again) == body(first)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert body(person.get("/v1/cart"))["lines"][0]["qty"] == 2


def test_the_same_key_of_a_guest_adds_once(guest: Caller, sku_for_sale: MakeSku) -> None:
    boot = sku_for_sale()
    guest.add(boot)

    for _ in range(2):
        guest.post("/v1/cart", {"sku_id": boot, "qty": 2}, Idempotency_Key="k-1")

    assert body(guest.get("/v1/cart"))["lines"][0]["qty"] == 3


def test_a_guests_cart_follows_the_person(
    guest: Caller, person: Caller, sku_for_sale: MakeSku
) -> None:
    boot, hat = sku_for_sale(), sku_for_sale()
    guest.add(boot, 2)
    person.add(hat)
    both = Caller(guest.client, guest.headers | person.headers)

    merged, again = both.post("/v1/cart/merge"), both.post("/v1/cart/merge")

    assert (merged.status_code, again.status_code) == (200, 200)
    assert [(line["sku_id"], line["qty"]) for line in body(merged)["lines"]] == [
        (hat, 1),
        (boot, 2),
    ]
    assert body(again) == body(merged)
    assert refusal(guest.get("/v1/cart")) == (404, "cart_not_found")


def test_a_price_that_changed_is_shown_beside_the_old_one(
    caller: Caller, sku_for_sale: MakeSku, db: Database
) -> None:
    boot = sku_for_sale(price=1_000)
    caller.add(boot, 2)
    with db.transaction() as session:
        session.get_one(Sku, decode("sku", boot)).price = 900

    cart = body(caller.get("/v1/cart"))

    assert (cart["lines"][0]["price"], cart["lines"][0]["price_was"]) == (900, 1_000)
    assert cart["subtotal"] == 1_800
