"""Whoever stands at the door sees and changes what is theirs, and nothing else."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.test import TestResponse

from app.accounts.models import Role
from app.platform.clock import utc_now
from app.platform.ids import encode, new_id
from app.platform.logging import configure
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from tests.api.people import Person, Street, opened
from tests.api.snapshots import rows
from tests.factories import ADDRESS

PASSWORD = "correct horse battery staple"
HOSTILE = "'; DROP TABLE products; -- <script>alert(1)</script> {{7*7}} %s \u202eevil"
OTHERS = ("visitor", "guest", "customer", "merchant", "rival")


@pytest.fixture(scope="module")
def shop(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[Street]:
    """One shop; each test brings what it changes."""
    with opened(postgres, valkey) as street:
        yield street


def _code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.json or {}).get("code", "")


@pytest.mark.parametrize(
    ("owner", "other"),
    [(owner, other) for owner in ("guest", "customer") for other in OTHERS if owner != other],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/cart/{cart_id}"),
        ("PATCH", "/v1/cart/{cart_id}/lines/{sku_id}"),
        ("DELETE", "/v1/cart/{cart_id}/lines/{sku_id}"),
        ("POST", "/v1/cart/{cart_id}/quote"),
        ("POST", "/v1/checkout"),
        ("GET", "/v1/checkout/{checkout_id}"),
        ("POST", "/v1/checkout/{checkout_id}/cancel"),
        ("POST", "/v1/checkout/{checkout_id}/resume"),
        ("GET", "/v1/orders/{order_id}"),
    ],
    ids=lambda word: word.strip("/").replace("/", "-"),
)
def test_what_is_another_persons_does_not_exist(
    shop: Street, owner: str, other: str, method: str, path: str
) -> None:
    whose, caller = shop.people[owner], shop.people[other]
    address = path.format_map({"sku_id": shop.sku_id} | whose.ids)
    bodies: dict[str, Any] = {
        "PATCH": {"qty": 1},
        "/v1/checkout": {
            "cart_id": whose.ids["cart_id"],
            "shipping_address": ADDRESS,
            "payment_method_token": "pm_card_visa",
            "email": "eve@example.com",
        },
        "/v1/cart/{cart_id}/quote": {"shipping_address": ADDRESS},
    }
    before = rows(shop.wired.db)

    answer = shop.client.open(
        address, method=method, json=bodies.get(path, bodies.get(method)), headers=caller.headers
    )

    assert answer.status_code == 404, answer.json
    assert (answer.json or {})["code"].endswith("_not_found")
    assert rows(shop.wired.db) == before


def test_a_guests_token_opens_its_own_cart_checkout_and_order(shop: Street) -> None:
    guest = shop.people["guest"]

    answers = [
        guest.get(path.format_map(guest.ids)).status_code
        for path in ("/v1/cart/{cart_id}", "/v1/checkout/{checkout_id}", "/v1/orders/{order_id}")
    ]
    listed = (guest.get("/v1/orders").json or {})["data"]

    assert answers == [200, 200, 200]
    assert [order["id"] for order in listed] == [guest.ids["order_id"]]


def test_a_list_of_orders_holds_ones_own_alone(shop: Street) -> None:
    seen = {
        who: [order["id"] for order in (shop.people[who].get("/v1/orders").json or {})["data"]]
        for who in ("visitor", "merchant", "customer")
    }

    assert seen == {
        "visitor": [], "merchant": [], "customer": [shop.people["customer"].ids["order_id"]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "path", "more"),
    [
        ("nobody", "/v1/auth/register", {"role": "ops"}),
        ("nobody", "/v1/auth/register", {"merchant_id": encode("mer", new_id())}),
        ("nobody", "/v1/auth/login", {"role": "ops"}),
        ("visitor", "/v1/cart", {"price": 1}),
        ("visitor", "/v1/cart", {"user_id": encode("usr", new_id())}),
        ("visitor", "/v1/checkout", {"total": 1}),
        ("visitor", "/v1/checkout", {"user_id": encode("usr", new_id())}),
        ("visitor", "/v1/checkout", {"state": "confirmed"}),
        ("merchant", "/v1/products", {"merchant_id": encode("mer", new_id())}),
        ("merchant", "/v1/products", {"rating": 5}),
        ("merchant", "/v1/products", {"id": encode("prd", new_id())}),
    ],
    ids=lambda word: next(iter(word)) if isinstance(word, dict) else word.strip("/"),
)
def test_what_the_shop_decides_cannot_be_assigned(
    shop: Street, who: str, path: str, more: dict[str, Any]
) -> None:
    before = rows(shop.wired.db)

    answer = shop.people[who].post(path, _body(shop, path) | more)

    assert _code(answer) == (422, "validation_failed")
    assert next(iter(more)) in [error["field"] for error in (answer.json or {})["errors"]]
    assert rows(shop.wired.db) == before


def test_a_merchant_does_not_write_what_another_sells(shop: Street) -> None:
    rival, mine = shop.people["rival"], shop.people["merchant"].ids
    product, movement = f"/v1/products/{mine['product_id']}", {"sku_id": mine["sku_id"]}
    before = rows(shop.wired.db)

    answers = [
        rival.patch(product, {"name": "Stolen"}),
        rival.delete(product),
        rival.get(f"/v1/merchant/products/{mine['product_id']}"),
        rival.post("/v1/merchant/stock/receipts", movement | {"qty": 1}),
        rival.post("/v1/merchant/stock/adjustments", movement | {"delta": -1}),
        rival.post(
            "/v1/merchant/stock/receipts",
            {"sku_id": rival.ids["sku_id"], "warehouse_id": mine["warehouse_id"], "qty": 1},
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert rows(shop.wired.db) == before


@pytest.mark.parametrize("path", ["/v1/ops/incidents", "/v1/ops/sagas"])
def test_the_operators_side_is_for_operators(shop: Street, path: str) -> None:
    seen = {who: shop.people[who].get(path).status_code for who in ("nobody", "ops", *OTHERS)}

    assert seen == {"nobody": 401, "ops": 200} | dict.fromkeys(OTHERS, 403)


def _forged(shop: Street) -> dict[str, str]:
    claims: dict[str, Any] = {"iss": "cartwright", "sub": encode("usr", new_id()), "role": "ops"}
    claims |= {"mer": None, "email": "eve@example.com", "iat": utc_now()}
    fresh = claims | {"exp": utc_now() + timedelta(hours=1)}
    real = shop.people["ops"].headers["Authorization"].removeprefix("Bearer ")
    head, _, signature = real.split(".")
    payload = jwt.encode(fresh, "x" * 32, algorithm="HS256").split(".")[1]
    cart = shop.people["guest"].headers["X-Cart-Token"]
    return {
        "unsigned": jwt.encode(fresh, "", algorithm="none"),
        "another-key": jwt.encode(fresh, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        "a-secret-instead": jwt.encode(fresh, "x" * 32, algorithm="HS256"),
        "another-payload": f"{head}.{payload}.{signature}",
        "no-signature": f"{head}.{real.split('.')[1]}.",
        "cart-token-as-access": cart,
        "expired": _expired(shop),
        "empty": "",
    }


@pytest.mark.parametrize(
    "forgery",
    [
        "unsigned", "another-key", "a-secret-instead", "another-payload", "no-signature",
        "cart-token-as-access", "expired", "empty",
    ],
)  # fmt: skip
def test_a_token_not_made_here_and_in_time_opens_nothing(shop: Street, forgery: str) -> None:
    token = _forged(shop)[forgery]

    answer = shop.client.get("/v1/ops/sagas", headers={"Authorization": f"Bearer {token}"})
    public = shop.client.get("/v1/orders", headers={"Authorization": f"Bearer {token}"})

    assert _code(answer) == (401, "unauthenticated")
    assert public.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_access_token_is_no_cart_token(shop: Street) -> None:
    token = shop.people["customer"].headers["Authorization"].removeprefix("Bearer ")

    answer = shop.client.get("/v1/cart", headers={"X-Cart-Token": token})

    assert _code(answer) == (401, "cart_token_invalid")


def test_login_does_not_tell_whether_an_account_exists(shop: Street) -> None:
    nobody = shop.people["nobody"]
    nobody.post("/v1/auth/register", {"email": "known@example.com", "password": PASSWORD})

    known = nobody.post("/v1/auth/login", {"email": "known@example.com", "password": "wrong"})
    unknown = nobody.post("/v1/auth/login", {"email": "unknown@example.com", "password": "wrong"})

    assert _code(known) == _code(unknown) == (401, "bad_credentials")
    assert _without_id(known) == _without_id(unknown)


def test_only_registering_tells_that_an_email_is_taken(shop: Street) -> None:
    nobody = shop.people["nobody"]
    account = {"email": "taken@example.com", "password": PASSWORD}
    nobody.post("/v1/auth/register", account)

    assert _code(nobody.post("/v1/auth/register", account)) == (409, "email_taken")


def test_a_refresh_token_used_twice_ends_its_whole_family(shop: Street) -> None:
    nobody = shop.people["nobody"]
    first = nobody.post("/v1/auth/register", {"email": "r@example.com", "password": PASSWORD}).json
    assert first is not None
    second = nobody.post("/v1/auth/refresh", {"refresh_token": first["refresh_token"]}).json or {}

    replayed = nobody.post("/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    heir = nobody.post("/v1/auth/refresh", {"refresh_token": second["refresh_token"]})

    assert _code(replayed) == _code(heir) == (401, "refresh_refused")


def test_text_that_looks_like_code_stays_text(shop: Street) -> None:
    merchant = shop.people["merchant"]
    product = _body(shop, "/v1/products") | {"name": HOSTILE, "description": HOSTILE}

    made = merchant.post("/v1/products", product)
    seen = shop.client.get(f"/v1/products/{(made.json or {})['id']}")
    found = shop.client.get("/v1/products", query_string={"q": HOSTILE})

    assert made.status_code == 201
    assert (seen.json or {})["name"] == HOSTILE
    assert seen.mimetype == "application/json"
    assert found.status_code == 200


@pytest.mark.parametrize("q", ["' OR 1=1 --", "a & | ! ( )", "%", "\\", "*", '"', "a:*", "<->"])
def test_a_search_takes_any_words(shop: Street, q: str) -> None:
    answer = shop.client.get("/v1/products", query_string={"q": q})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/v1/products", "/v1/nothing", "/livez", "/v1/orders"])
def test_every_answer_carries_headers_that_keep_browsers_careful(shop: Street, path: str) -> None:
    answer = shop.client.get(path)

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Request-Id"]
    assert "Server" not in answer.headers


@pytest.mark.parametrize("who", ["customer", "guest", "merchant"])
def test_what_is_private_is_kept_by_no_cache(shop: Street, who: str) -> None:
    answers = [shop.people[who].get(path) for path in ("/v1/orders", "/v1/cart")]

    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_what_a_caller_calls_a_request_cannot_write_the_log(shop: Street) -> None:
    answer = shop.client.get("/livez", headers={"X-Request-Id": "x y {evil}"})

    assert answer.headers["X-Request-Id"].startswith("req_")


def test_no_secret_reaches_the_log(shop: Street) -> None:
    nobody, secrets = shop.people["nobody"], [PASSWORD, "pm_card_visa", "sk_test_door"]

    with _heard() as log:
        account = {"email": "quiet@example.com", "password": PASSWORD}
        session = nobody.post("/v1/auth/register", account).json or {}
        nobody.post("/v1/auth/login", account | {"password": PASSWORD + "!"})
        again = nobody.post("/v1/auth/refresh", {"refresh_token": session["refresh_token"]}).json
        buyer = Person(shop.client, {"Authorization": f"Bearer {(again or {})['access_token']}"})
        buyer.cart(shop.sku_id)
        buyer.buy(key="k")
        guest = shop.visitor()
        guest.buy("pm_card_chargeDeclined")
        guest.get("/v1/orders", Authorization="Bearer forged.token.here")
        shop.queue.drain()

    written = log.getvalue()
    secrets += [session["access_token"], session["refresh_token"], (again or {})["refresh_token"]]
    secrets += [guest.headers["X-Cart-Token"], "forged.token.here", "pm_card_chargeDeclined"]
    for path in ("/v1/auth/register", "/v1/auth/login", "/v1/checkout"):
        assert f'"{path}"' in written
    assert [secret for secret in secrets if secret in written] == []


@contextmanager
def _heard() -> Iterator[io.StringIO]:
    """What the shop's own logging writes at its most talkative."""
    log = io.StringIO()
    configure("DEBUG", stream=log)
    yield log
    configure("WARNING")


def _expired(shop: Street) -> str:
    issuer = shop.wired.tokens
    shorter = type(issuer)(
        shop.wired.settings.secret_key.get_secret_value(), access_seconds=-issuer.access_seconds
    )
    return shorter.issue(_Operator())  # type: ignore[arg-type]


class _Operator:
    """As much of a user as a token needs."""

    def __init__(self) -> None:
        self.id, self.role, self.merchant_id = new_id(), Role.OPS, None
        self.email = "ops@example.com"


def _body(shop: Street, path: str) -> dict[str, Any]:
    return {
        "/v1/auth/register": {"email": "m@example.com", "password": PASSWORD},
        "/v1/auth/login": {"email": "m@example.com", "password": PASSWORD},
        "/v1/cart": {"sku_id": shop.sku_id, "qty": 1},
        "/v1/checkout": {
            "cart_id": shop.people["visitor"].ids["cart_id"],
            "shipping_address": ADDRESS,
            "payment_method_token": "pm_card_visa",
            "email": "ada@example.com",
        },
        "/v1/products": {
            "name": "Boot",
            "description": "",
            "skus": [{"code": new_id().hex, "price": 100, "currency": "EUR", "weight_g": 1}],
        },
    }[path]


def _without_id(answer: TestResponse) -> dict[str, Any]:
    return {name: value for name, value in (answer.json or {}).items() if name != "request_id"}
