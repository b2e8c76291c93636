"""What bad input gets: each its own problem, and nothing changed."""

# ruff: noqa: E501  a table is read line by line

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.platform.ids import encode, new_id
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from tests.api.people import Person, Street, opened
from tests.api.snapshots import flights, guest_carts, rows
from tests.factories import ADDRESS

NOBODYS_SKU, NOBODYS_CART = encode("sku", new_id()), encode("crt", new_id())
Ask = Callable[[Street, Person], TestResponse]


@pytest.fixture(scope="module")
def shop(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[Street]:
    """One shop for all of them: what is refused changes nothing."""
    with opened(postgres, valkey) as street:
        yield street


def _add(**line: Any) -> Ask:
    return lambda shop, guest: guest.post("/v1/cart", {"sku_id": shop.sku_id, "qty": 1} | line)


def _buy(**given: Any) -> Ask:
    return lambda shop, guest: guest.buy(**given)


def _to(**change: Any) -> Ask:
    return _buy(shipping_address=ADDRESS | change)


def _quote(**given: Any) -> Ask:
    words = {"shipping_address": ADDRESS} | given
    return lambda shop, guest: guest.post(f"/v1/cart/{guest.ids['cart_id']}/quote", words)


def _find(query: str) -> Ask:
    return lambda shop, guest: guest.get(f"/v1/products?{query}")


def _raw(body: bytes, content_type: str = "application/json") -> Ask:
    return lambda shop, guest: guest.client.post(
        "/v1/cart", data=body, content_type=content_type, headers=guest.headers
    )


def _event(
    header: str, body: bytes = b'{"id": "evt_1", "type": "x", "data": {"object": {}}}'
) -> Ask:
    return lambda shop, guest: guest.client.post(
        "/v1/psp/stripe/events",
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": header},
    )


def _line(method: str, **given: Any) -> Ask:
    headers = given.pop("headers", {})

    def ask(shop: Street, guest: Person) -> TestResponse:
        path = f"/v1/cart/{guest.ids['cart_id']}/lines/{given.get('sku_id', shop.sku_id)}"
        sent = {"json": {"qty": given["qty"]}} if "qty" in given else {}
        return guest.client.open(path, method=method, headers=guest.headers | headers, **sent)

    return ask


def _rivals_line(shop: Street, guest: Person) -> TestResponse:
    return _line("PATCH", sku_id=shop.people["rival"].ids["sku_id"], qty=1)(shop, guest)


def _foreign_cart(shop: Street, guest: Person) -> TestResponse:
    return guest.buy(cart_id=shop.visitor().ids["cart_id"])


def _of_another(path: str, kind: str) -> Ask:
    return lambda shop, guest: guest.get(path.format_map(shop.people[kind].ids))


def _as(who: str, method: str, path: str, body: Any = None, **headers: str) -> Ask:
    def ask(shop: Street, guest: Person) -> TestResponse:
        person = shop.people[who]
        sent = {} if body is None else {"json": body}
        filled = path.format_map(shop.people["merchant"].ids | person.ids)
        return shop.client.open(filled, method=method, headers=person.headers | headers, **sent)

    return ask


NEW_PRODUCT = {
    "name": "Boot",
    "description": "",
    "skus": [{"code": "B-1", "price": 100, "currency": "EUR", "weight_g": 1, "options": {}}],
}
DEEP = b'{"sku_id":' + b"[" * 100_000
TABLE: dict[str, tuple[Ask, int, str]] = {
    # carts
    "sku-unknown": (_add(sku_id=NOBODYS_SKU), 404, "sku_not_found"),
    "sku-of-another-kind": (_add(sku_id=NOBODYS_CART), 422, "validation_failed"),
    "sku-is-nonsense": (_add(sku_id="boots"), 422, "validation_failed"),
    "qty-0": (_add(qty=0), 422, "validation_failed"),
    "qty-minus-1": (_add(qty=-1), 422, "validation_failed"),
    "qty-10-to-the-12": (_add(qty=10**12), 422, "validation_failed"),
    "qty-beyond-any-number": (_add(qty=10**400), 422, "validation_failed"),
    "qty-a-fraction": (_add(qty=1.5), 422, "validation_failed"),
    "qty-a-text": (_add(qty="1"), 422, "validation_failed"),
    "qty-true": (_add(qty=True), 422, "validation_failed"),
    "qty-null": (_add(qty=None), 422, "validation_failed"),
    "qty-a-list": (_add(qty=[1]), 422, "validation_failed"),
    "qty-beyond-a-line": (_add(qty=1_000), 422, "validation_failed"),
    "qty-beyond-a-line-in-sum": (_add(qty=999), 422, "qty_out_of_range"),
    "field-too-much": (_add(price=1), 422, "validation_failed"),
    "cart-unknown": (_add(cart_id=NOBODYS_CART), 404, "cart_not_found"),
    "line-of-no-sku": (_line("PATCH", sku_id=NOBODYS_SKU, qty=1), 404, "sku_not_found"),
    "line-not-in-the-cart": (_rivals_line, 404, "cart_line_not_found"),
    "line-qty-0": (_line("PATCH", qty=0), 422, "validation_failed"),
    "line-already-gone": (_line("DELETE", sku_id=NOBODYS_SKU), 404, "cart_line_not_found"),
    "if-match-stale": (_line("PATCH", qty=2, headers={"If-Match": '"999"'}), 412, "version_conflict"),
    "if-match-nonsense": (_line("PATCH", qty=2, headers={"If-Match": "me"}), 412, "version_conflict"),
    "cart-of-another": (_of_another("/v1/cart/{cart_id}", "customer"), 404, "cart_not_found"),
    "cart-already-bought": (_as("guest", "PATCH", "/v1/cart/{cart_id}/lines/{sku_id}", {"qty": 2}), 409, "cart_already_ordered"),
    # bodies
    "body-not-json": (_raw(b"{sku_id: 1}"), 400, "invalid_json"),
    "body-not-utf-8": (_raw(b'{"sku_id": "\xff"}'), 400, "invalid_json"),
    "body-nan": (_raw(b'{"qty": NaN}'), 400, "invalid_json"),
    "body-too-deep": (_raw(DEEP), 400, "invalid_json"),
    "body-a-list": (_raw(b"[]"), 422, "validation_failed"),
    "body-null": (_raw(b"null"), 422, "validation_failed"),
    "body-empty": (_raw(b""), 422, "validation_failed"),
    "body-a-form": (_raw(b"qty=1", "application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
    "body-xml": (_raw(b"<qty/>", "application/xml"), 415, "unsupported_media_type"),
    "body-oversized": (_raw(b'"' + b"x" * 300_000 + b'"'), 413, "body_too_large"),
    # lists
    "filter-unknown": (_find("filters=colour:red"), 422, "unknown_filter"),
    "filter-value-nonsense": (_find("filters=price:cheap"), 422, "bad_filter"),
    "sort-unknown": (_find("sort=beauty"), 422, "unknown_sort"),
    "cursor-broken": (_find("after=abc"), 422, "broken_cursor"),
    "cursor-nul": (_find("after=%00"), 422, "validation_failed"),
    "limit-0": (_find("limit=0"), 422, "validation_failed"),
    "limit-beyond-a-page": (_find("limit=101"), 422, "validation_failed"),
    "limit-a-text": (_find("limit=ten"), 422, "validation_failed"),
    "argument-too-much": (_find("offset=10"), 422, "validation_failed"),
    "orders-cursor-broken": (_as("customer", "GET", "/v1/orders?after=abc"), 422, "broken_cursor"),
    # checkout
    "checkout-cart-unknown": (_buy(cart_id=NOBODYS_CART), 404, "cart_not_found"),
    "checkout-cart-foreign": (_foreign_cart, 404, "cart_not_found"),
    "checkout-field-too-much": (_buy(total=1), 422, "validation_failed"),
    "checkout-without-email": (_buy(email=None), 422, "email_required"),
    "checkout-email-nonsense": (_buy(email="ada"), 422, "validation_failed"),
    "checkout-token-empty": (_buy(payment_method_token=" "), 422, "validation_failed"),
    "checkout-total-negative": (_buy(expected_total=-1), 422, "validation_failed"),
    "checkout-key-empty": (_as("customer", "POST", "/v1/checkout", {}, **{"Idempotency-Key": ""}), 422, "idempotency_key_invalid"),
    "checkout-key-too-long": (_buy(key="k" * 256), 422, "idempotency_key_invalid"),
    "checkout-key-blank-inside": (_buy(key="a key"), 422, "idempotency_key_invalid"),
    "address-without-city": (_to(city=""), 422, "validation_failed"),
    "address-without-postal-code": (_to(postal_code=""), 422, "bad_address"),
    "address-postal-code-of-another-country": (_to(postal_code="SW1A 1AA"), 422, "bad_address"),
    "address-country-unknown": (_to(country="ZZ"), 422, "bad_address"),
    "address-country-in-words": (_to(country="Germany"), 422, "validation_failed"),
    "address-with-control-characters": (_to(name="Ada\x07"), 422, "validation_failed"),
    "address-with-nul": (_to(name="Ada\x00"), 422, "validation_failed"),
    "address-half-a-character": (_to(name="\ud800"), 422, "validation_failed"),
    # quote
    "quote-coupon-unknown": (_quote(coupon="FREE"), 422, "coupon_unknown"),
    "quote-service-unknown": (_quote(shipping_service="rocket"), 422, "unknown_shipping_service"),
    "quote-nobody-ships-there": (
        _quote(shipping_address={"country": "FR", "postal_code": "75001"}), 422, "no_shipping_to_country"
    ),
    # things that are not there, or not the caller's
    "checkout-unknown": (_as("customer", "GET", f"/v1/checkout/{encode('chk', new_id())}"), 404, "checkout_not_found"),
    "order-unknown": (_as("customer", "GET", f"/v1/orders/{encode('ord', new_id())}"), 404, "order_not_found"),
    "product-unknown": (_as("nobody", "GET", f"/v1/products/{encode('prd', new_id())}"), 404, "product_not_found"),
    "path-unknown": (_as("nobody", "GET", "/v1/nothing"), 404, "not_found"),
    "path-id-nonsense": (_as("nobody", "GET", "/v1/products/boots"), 404, "not_found"),
    "cancel-after-the-order": (_as("customer", "POST", "/v1/checkout/{checkout_id}/cancel"), 409, "checkout_finished"),
    # merchants
    "product-name-empty": (_as("merchant", "POST", "/v1/products", NEW_PRODUCT | {"name": ""}), 422, "validation_failed"),
    "product-price-negative": (
        _as("merchant", "POST", "/v1/products", NEW_PRODUCT | {"skus": [NEW_PRODUCT["skus"][0] | {"price": -1}]}),
        422, "validation_failed",
    ),
    "product-currency-of-another": (
        _as("merchant", "POST", "/v1/products", NEW_PRODUCT | {"skus": [NEW_PRODUCT["skus"][0] | {"currency": "USD"}]}),
        422, "currency_mismatch",
    ),
    "product-without-skus": (_as("merchant", "POST", "/v1/products", NEW_PRODUCT | {"skus": []}), 422, "validation_failed"),
    "product-category-unknown": (_as("merchant", "POST", "/v1/products", NEW_PRODUCT | {"category": "none-such"}), 422, "unknown_category"),
    "product-if-match-stale": (
        _as("merchant", "PATCH", "/v1/products/{product_id}", {"name": "Shoe"}, **{"If-Match": '"999"'}), 412, "version_conflict",
    ),
    "stock-receipt-of-nothing": (
        _as("merchant", "POST", "/v1/merchant/stock/receipts", {"sku_id": NOBODYS_SKU, "qty": 1}), 404, "sku_not_found",
    ),
    "stock-receipt-qty-0": (
        _as("merchant", "POST", "/v1/merchant/stock/receipts", {"sku_id": NOBODYS_SKU, "qty": 0}), 422, "validation_failed",
    ),
    # accounts
    "login-wrong": (_as("nobody", "POST", "/v1/auth/login", {"email": "a@b.de", "password": "x"}), 401, "bad_credentials"),
    "register-password-short": (_as("nobody", "POST", "/v1/auth/register", {"email": "a@b.de", "password": "x"}), 422, "validation_failed"),
    "refresh-unknown": (_as("nobody", "POST", "/v1/auth/refresh", {"refresh_token": "cwr_x"}), 401, "refresh_refused"),
    "token-nonsense": (_as("nobody", "GET", "/v1/orders", Authorization="Bearer x"), 401, "unauthenticated"),
    "cart-token-nonsense": (_as("nobody", "GET", "/v1/cart", **{"X-Cart-Token": "x"}), 401, "cart_token_invalid"),
    "nobody-at-checkout": (_as("nobody", "POST", "/v1/checkout", {}), 401, "unauthenticated"),
    "customer-at-the-merchants-door": (_as("customer", "GET", "/v1/merchant/stock"), 403, "forbidden"),
    # payment provider
    "event-unsigned": (_event(""), 400, "bad_signature"),
    "event-wrongly-signed": (_event("t=1,v1=00"), 400, "bad_signature"),
    "event-oversized": (_event("t=1,v1=00", b" " * 300_000), 413, "body_too_large"),
    "event-of-nobody": (lambda shop, guest: guest.post("/v1/psp/nobody/events", {}), 404, "not_found"),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "status", "code"), TABLE.values(), ids=TABLE)
def test_bad_input_gets_its_own_problem_and_changes_nothing(
    shop: Street, ask: Ask, status: int, code: str
) -> None:
    guest = shop.visitor()
    before = rows(shop.wired.db), guest_carts(shop.wired.redis)

    answer = ask(shop, guest)

    assert (answer.status_code, (answer.json or {}).get("code")) == (status, code), answer.json
    _is_a_problem(answer)
    carts = guest_carts(shop.wired.redis)
    assert (rows(shop.wired.db), {key: carts[key] for key in before[1]}) == before
    assert not any(flights(shop.wired.redis).values())
    assert shop.queue.waiting == type(shop.queue.waiting)()


def test_what_is_compared_does_see_a_line_that_was_accepted(shop: Street) -> None:
    guest, customer = shop.visitor(), shop.people["customer"]
    before = rows(shop.wired.db), guest_carts(shop.wired.redis)

    guest.post("/v1/cart", {"sku_id": shop.sku_id, "qty": 1})
    customer.post("/v1/cart", {"sku_id": shop.sku_id, "qty": 1})

    assert rows(shop.wired.db) != before[0]
    assert guest_carts(shop.wired.redis) != before[1]


def _is_a_problem(answer: TestResponse) -> None:
    body = answer.json or {}
    assert answer.mimetype == "application/problem+json"
    assert body["type"] == f"/problems/{body['code']}"
    assert body["status"] == answer.status_code
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert set(body["retry"]) == {"retryable", "after_seconds"}
    if body["code"] == "validation_failed":
        assert body["errors"]
        assert all(set(error) == {"field", "detail"} for error in body["errors"])
