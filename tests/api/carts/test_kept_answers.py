"""What is kept of an answer, to give it again, opens nobody's cart."""

import pytest
from sqlalchemy import text

from app.platform.db import Database
from app.platform.ids import decode
from app.wiring import Providers
from tests.api.carts.conftest import Caller, MakeSku, body


@pytest.fixture
def returning(guest: Caller, providers: Providers, sku_for_sale: MakeSku) -> Caller:
    """A guest whose cart has lapsed."""
    guest.add(sku_for_sale())
    providers.redis.flushdb()
    return guest


def test_a_guests_token_is_not_kept_and_a_repeat_is_given_another(
    returning: Caller, sku_for_sale: MakeSku, db: Database, providers: Providers
) -> None:
    wanted = {"sku_id": sku_for_sale(), "qty": 2}

    first = returning.post("/v1/cart", wanted, Idempotency_Key="k-1")
    again = returning.post("/v1/cart", wanted, Idempotency_Key="k-1")

    with db.reading() as session:
        (kept,) = session.scalars(text("SELECT response::text FROM idempotency_keys"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert body(first) | {"token": ""} == body(again) | {"token": ""}
    assert body(first)["id"] in kept
    assert "token" not in kept
    for answer in (first, again):
        cart_id = providers.cart_tokens.read(body(answer)["token"])
        assert cart_id == decode("crt", body(first)["id"])
    again_by_it = Caller(returning.client, {"X-Cart-Token": body(again)["token"]}).get("/v1/cart")
    assert body(again_by_it)["lines"][0]["qty"] == 2
