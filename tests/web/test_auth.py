"""Who may enter which route."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import wiring
from app.accounts.models import Role, User
from app.accounts.tokens import CartTokens, Tokens
from app.platform.ids import new_id
from app.platform.redis import ShopRedis, connect
from app.web.auth import Principal, Scope, requires
from app.wiring import Providers

ME = "/trial/me"
Bearer = Callable[..., dict[str, str]]


def test_a_route_of_buyers_refuses_a_stranger(lonely: FlaskClient) -> None:
    answer = lonely.get(ME)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_customer_enters_with_a_bearer_token(caller: FlaskClient, bearer: Bearer) -> None:
    answer = caller.get(ME, headers=bearer(Role.CUSTOMER))

    assert answer.json is not None
    assert answer.json["kind"] == "user"
    assert answer.json["role"] == "customer"


def test_a_guest_enters_with_a_cart_token_while_redis_is_not_asked(
    caller: FlaskClient, providers: Providers
) -> None:
    cart_id = new_id()
    wiring.use(replace(providers, redis=_nowhere()))

    answer = caller.get(ME, headers={"X-Cart-Token": providers.cart_tokens.issue(cart_id)})

    assert answer.json is not None
    assert answer.json["id"] == f"guest:{cart_id}"


def test_a_customer_has_no_business_in_operations(caller: FlaskClient, bearer: Bearer) -> None:
    answer = caller.get("/trial/operations", headers=bearer(Role.CUSTOMER))

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert answer.json["needs"] == ["ops"]


def test_ops_enter_everywhere(caller: FlaskClient, bearer: Bearer) -> None:
    answer = caller.get("/trial/operations", headers=bearer(Role.OPS))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Basic YTpi", "Bearer", "Bearer x.y.z", "Bearer eyJhbGciOiJub25lIn0.e30.", "nonsense"],
)
def test_a_token_that_is_not_good_is_refused_even_where_strangers_may_enter(
    lonely: FlaskClient, header: str
) -> None:
    answer = lonely.get("/trial/shelves", headers={"Authorization": header})

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_an_expired_access_token_is_refused(caller: FlaskClient, providers: Providers) -> None:
    expired = Tokens(providers.settings.secret_key.get_secret_value(), access_seconds=-1)
    wiring.use(replace(providers, tokens=expired))

    answer = caller.get(ME, headers={"Authorization": f"Bearer {_token(expired)}"})

    assert answer.status_code == 401


def test_a_token_signed_with_another_secret_is_refused(lonely: FlaskClient) -> None:
    forged = _token(Tokens("another secret of more than 32 characters", access_seconds=60))

    answer = lonely.get(ME, headers={"Authorization": f"Bearer {forged}"})

    assert answer.status_code == 401


def test_a_cart_token_is_no_access_token_and_the_other_way_round(
    caller: FlaskClient, providers: Providers
) -> None:
    cart_token = providers.cart_tokens.issue(new_id())

    as_bearer = caller.get(ME, headers={"Authorization": f"Bearer {cart_token}"})
    as_cart = caller.get(ME, headers={"X-Cart-Token": _token(providers.tokens)})

    assert as_bearer.status_code == 401
    assert as_cart.json is not None
    assert (as_cart.status_code, as_cart.json["code"]) == (401, "cart_token_invalid")


def test_an_expired_cart_token_is_refused(caller: FlaskClient, providers: Providers) -> None:
    old = CartTokens(providers.settings.secret_key.get_secret_value(), days=-1).issue(new_id())

    answer = caller.get(ME, headers={"X-Cart-Token": old})

    assert answer.json is not None
    assert answer.json["code"] == "cart_token_invalid"


def test_a_refusal_comes_before_anything_is_parsed(lonely: FlaskClient) -> None:
    answer = lonely.post("/trial/shelves", data=b"{", headers={"Authorization": "Bearer nobody"})

    assert answer.status_code == 401


def test_things_belong_to_their_user_to_their_guest_and_to_ops() -> None:
    user_id, cart_id = new_id(), new_id()
    user = Principal("user", user_id=user_id, role=Role.CUSTOMER)
    guest = Principal("guest", cart_id=cart_id)
    ops = Principal("user", user_id=new_id(), role=Role.OPS)

    assert user.owns(user_id=user_id, cart_id=cart_id)
    assert not user.owns(user_id=new_id())
    assert not user.owns(cart_id=cart_id)
    assert guest.owns(user_id=None, cart_id=cart_id)
    assert not guest.owns(user_id=user_id, cart_id=cart_id)
    assert not guest.owns(cart_id=new_id())
    assert not guest.owns()
    assert ops.owns(user_id=user_id)


def test_a_route_must_name_a_scope() -> None:
    with pytest.raises(TypeError):
        requires()


def test_every_trial_route_carries_its_scope(door: Flask) -> None:
    scopes = {name: getattr(view, "__scope__", None) for name, view in door.view_functions.items()}

    assert None not in scopes.values()
    assert scopes["trial.buy"] == (Scope.CART,)


def _token(tokens: Tokens) -> str:
    user_id: UUID = new_id()
    return tokens.issue(User(id=user_id, email="a@example.com", role=Role.CUSTOMER))


def _nowhere() -> ShopRedis:
    return connect("redis://127.0.0.1:1/0")
