"""What is measured, in the words of a shopper, and the floor each stands on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from bench.catalog import Catalog
from bench.plans import Plan, Step, Until

WAIT_SECONDS = 10  # of `Prefer`: longer than any purchase takes
_ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
_CART = Step(
    "POST",
    "/v1/cart",
    body='{"sku_id": "{{sku}}", "qty": 1}',
    expect=(201,),
    save={"cart": "id", "token": "token"},
)
_GUEST = {"X-Cart-Token": "{{token}}"}
_BUY = Step(
    "POST",
    "/v1/checkout",
    headers={**_GUEST, "Idempotency-Key": "{{key}}", "Prefer": f"wait={WAIT_SECONDS}"},
    body=json.dumps(
        {
            "cart_id": "{{cart}}",
            "shipping_address": _ADDRESS,
            "payment_method_token": "pm_card_visa",
            "shipping_service": "standard",
            "email": "ada@example.com",
        }
    ),
    expect=(201, 202),
    save={"checkout": "id", "state": "state"},
)
_LOOK = Step(
    "GET",
    "/v1/checkout/{{checkout}}",
    headers=_GUEST,
    save={"state": "state"},
    until=Until("state", wanted="confirmed", pending=("running",)),
)


class Floor(StrEnum):
    """What an operation is compared with."""

    HELLO = "hello JSON by Flask, gunicorn gthread 2x8"
    CART = "constant JSON POST by Flask, gunicorn gthread 2x8"
    SEARCH = "the search SQL by pgbench"
    ORDER = "minimal order SQL by pgbench"
    HOT_ORDER = "minimal order SQL by pgbench, one SKU"


@dataclass(frozen=True)
class Operation:
    """One line of the table."""

    name: str
    title: str
    shoppers: int
    plan: Callable[[Catalog], Plan]
    floor: Floor
    buys: bool = False


def chosen(prefixes: tuple[str, ...]) -> list[Operation]:
    """The operations whose names begin so, in their order; all without any."""
    if not prefixes:
        return list(OPERATIONS)
    return [operation for operation in OPERATIONS if operation.name.startswith(prefixes)]


def _read(catalog: Catalog) -> Plan:
    return Plan((Step("GET", "/v1/products/{{product}}"),), {"product": catalog.products})


def _search(catalog: Catalog) -> Plan:
    words = [quote(search) for search in catalog.searches]
    return Plan((Step("GET", "/v1/products?q={{words}}&limit=20"),), {"words": words})


def _new_cart(catalog: Catalog) -> Plan:
    return Plan((_CART,), {"sku": catalog.skus})


def _add_to_cart(catalog: Catalog) -> Plan:
    one_more = Step("POST", "/v1/cart", headers=_GUEST, body=_CART.body)
    return Plan((one_more,), {"sku": catalog.skus}, prelude=(_CART,), prelude_every=500)


def _purchase(catalog: Catalog) -> Plan:
    return Plan((_CART, _BUY, _LOOK), {"sku": catalog.skus})


def _hot_purchase(catalog: Catalog) -> Plan:
    return Plan((_CART, _BUY, _LOOK), {"sku": [catalog.hot_sku]})


OPERATIONS = (
    Operation("read", "product read", 16, _read, Floor.HELLO),
    Operation("search", "search", 16, _search, Floor.SEARCH),
    Operation("new-cart", "new cart + one line", 16, _new_cart, Floor.CART),
    Operation("add-to-cart", "add to cart", 16, _add_to_cart, Floor.CART),
    Operation("purchase-8", "purchase", 8, _purchase, Floor.ORDER, buys=True),
    Operation("purchase-16", "purchase", 16, _purchase, Floor.ORDER, buys=True),
    Operation(
        "purchase-hot", "purchase, one hot SKU", 16, _hot_purchase, Floor.HOT_ORDER, buys=True
    ),
)
