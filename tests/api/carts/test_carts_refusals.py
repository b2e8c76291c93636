"""How carts refuse at the door: each refusal has its code, and changes nothing."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app import wiring
from app.cart.ports import Owner
from app.cart.service import Carts
from app.catalog.models import SkuStatus
from app.checkout.queries import CheckoutsOfCarts
from app.platform.db import Database
from app.platform.ids import decode, encode, new_id
from app.platform.redis import connect
from app.wiring import Providers
from tests.api.carts.conftest import Caller, MakeSku, body, refusal
from tests.factories import make_checkout

NOWHERE = "redis://127.0.0.1:1/0"


def test_who_saw_an_old_version_is_told_so(caller: Caller, sku_for_sale: MakeSku) -> None:
    boot = sku_for_sale()
    path = f"/v1/cart/{body(caller.add(boot))['id']}/lines/{boot}"
    fresh = caller.patch(path, {"qty": 2}, If_Match='"1"')

    stale = caller.patch(path, {"qty": 9}, If_Match='"1"')
    strange = caller.delete(path, If_Match='W/"2"')

    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"2"')
    assert refusal(stale) == (412, "version_conflict")
    assert body(stale)["version"] == 2
    assert refusal(strange) == (412, "version_conflict")
    assert body(caller.get("/v1/cart"))["lines"][0]["qty"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"qty": 0},
        {"qty": -1},
        {"qty": 10**12},
        {"qty": "2"},
        {"qty": 1.5},
        {"qty": True},
        {"qty": None},
        {"sku_id": "boots"},
        {"sku_id": encode("prd", UUID(int=7))},
        {"sku_id": 7},
        {"cart_id": "mine"},
        {"colour": "red"},
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(
    caller: Caller, sku_for_sale: MakeSku, wrong: dict[str, Any]
) -> None:
    answer = caller.post("/v1/cart", {"sku_id": sku_for_sale(), "qty": 1} | wrong)

    assert refusal(answer) == (422, "validation_failed")
    assert [error["field"] for error in body(answer)["errors"]] == list(wrong)
    assert refusal(caller.get("/v1/cart")) == (404, "cart_not_found")


def test_an_unknown_sku_is_not_found(caller: Caller) -> None:
    assert refusal(caller.add(encode("sku", new_id()))) == (404, "sku_not_found")


def test_what_is_archived_is_not_for_sale(caller: Caller, sku_for_sale: MakeSku) -> None:
    boot = sku_for_sale(status=SkuStatus.ARCHIVED)

    assert refusal(caller.add(boot)) == (409, "sku_not_for_sale")


def test_another_currency_is_refused(caller: Caller, sku_for_sale: MakeSku) -> None:
    caller.add(sku_for_sale(currency="EUR"))

    assert refusal(caller.add(sku_for_sale(currency="USD"))) == (422, "currency_mismatch")


def test_units_beyond_the_limit_of_a_line_are_refused(
    caller: Caller, sku_for_sale: MakeSku
) -> None:
    boot = sku_for_sale()
    caller.add(boot, 999)

    answer = caller.add(boot)

    assert refusal(answer) == (422, "qty_out_of_range")
    assert body(answer)["errors"][0]["field"] == "qty"


def test_a_strangers_cart_is_not_found(
    guest: Caller, person: Caller, client: FlaskClient, sku_for_sale: MakeSku
) -> None:
    boot = sku_for_sale()
    guests, persons = body(guest.add(boot))["id"], body(person.add(boot))["id"]
    nobody = Caller(client, {})

    for stranger, cart_id in (
        (guest, persons),
        (person, guests),
        (nobody, guests),
        (nobody, persons),
    ):
        path = f"/v1/cart/{cart_id}"
        assert refusal(stranger.get(path)) == (404, "cart_not_found")
        assert refusal(stranger.delete(f"{path}/lines/{boot}")) == (404, "cart_not_found")
        change = stranger.patch(f"{path}/lines/{boot}", {"qty": 3})
        assert refusal(change) == (404, "cart_not_found")
        add = stranger.post("/v1/cart", {"sku_id": boot, "qty": 1, "cart_id": cart_id})
        assert refusal(add) == (404, "cart_not_found")


def test_a_forged_token_is_refused(client: FlaskClient, sku_for_sale: MakeSku) -> None:
    forger = Caller(client, {"X-Cart-Token": "e30.e30.e30"})

    answer = forger.get("/v1/cart")

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_cart_being_bought_is_locked_and_a_bought_one_stays_bought(
    caller: Caller, sku_for_sale: MakeSku, db: Database, providers: Providers
) -> None:
    boot = sku_for_sale()
    cart_id = body(caller.add(boot))["id"]
    checkout_id = begin_checkout(db, providers, caller, decode("crt", cart_id))

    locked = caller.add(boot, cart_id=cart_id)
    with db.transaction() as session:
        providers.carts.close(session, decode("crt", cart_id), checkout_id)
    ordered = caller.add(boot, cart_id=cart_id)

    assert refusal(locked) == (409, "cart_locked")
    assert body(locked)["checkout_id"] == encode("chk", checkout_id)
    assert refusal(ordered) == (409, "cart_already_ordered")
    assert caller.add(boot).status_code == 201


def test_a_merge_needs_both_proofs(guest: Caller, person: Caller, sku_for_sale: MakeSku) -> None:
    guest.add(sku_for_sale())

    assert refusal(guest.post("/v1/cart/merge")) == (401, "unauthenticated")
    assert refusal(person.post("/v1/cart/merge")) == (422, "cart_token_required")


def test_without_redis_guests_wait_and_people_shop_on(
    guest: Caller, person: Caller, sku_for_sale: MakeSku, providers: Providers
) -> None:
    boot = sku_for_sale()
    guest.add(boot)
    carts = Carts(connect(NOWHERE), CheckoutsOfCarts(), days=30)
    wiring.use(replace(providers, redis=connect(NOWHERE), carts=carts))

    told = guest.add(boot)

    assert refusal(told) == (503, "unavailable")
    assert int(told.headers["Retry-After"]) > 0
    assert body(told)["retry"]["retryable"] is True
    assert refusal(guest.get("/v1/cart")) == (503, "unavailable")
    assert person.add(boot).status_code == 201


@pytest.mark.parametrize("path", ["crt_x", "7", encode("ord", UUID(int=7))])
def test_a_malformed_id_is_not_found(caller: Caller, path: str) -> None:
    assert caller.get(f"/v1/cart/{path}").status_code == 404


def begin_checkout(db: Database, providers: Providers, caller: Caller, cart_id: UUID) -> UUID:
    with db.transaction() as session:
        bearer = caller.headers.get("Authorization", "").removeprefix("Bearer ")
        user_id = providers.tokens.read(bearer).user_id if bearer else None
        owner = Owner(user_id=user_id, cart_id=None if user_id else cart_id)
        cart = providers.carts.take(session, cart_id, owner)
        checkout = make_checkout(session, cart_id=cart_id, user_id=user_id)
        providers.carts.lock(session, cart, checkout.id)
        return checkout.id
