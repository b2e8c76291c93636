"""What the bench shops for: products, SKUs with stock, words to search, and one SKU all want."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from devstack.stack import LOGINS

PRODUCTS_READ = 200  # what is looked at most; the warm-up fills the cache
STOCK_MIN = 20  # so that nobody meets an empty shelf who was not meant to
HOT_STOCK = 1_000_000
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_SEARCHES = 32


@dataclass(frozen=True)
class Catalog:
    """Public ids, and searches as shoppers type them."""

    products: tuple[str, ...]
    skus: tuple[str, ...]
    hot_sku: str
    searches: tuple[str, ...]


def read_catalog(database: str, api: str) -> Catalog:
    """Look at the demo shop, and have its merchant add the hot product."""
    with psycopg.connect(database) as connection:
        products = connection.execute(
            "SELECT id FROM products WHERE status = 'active' ORDER BY md5(id::text) LIMIT %s",
            [PRODUCTS_READ],
        ).fetchall()
        skus = connection.execute(
            "SELECT s.id FROM skus s JOIN inventory i ON i.sku_id = s.id WHERE s.status = 'active'"
            " GROUP BY s.id HAVING sum(i.stock_available) >= %s ORDER BY s.id",
            [STOCK_MIN],
        ).fetchall()
        names = connection.execute(
            "SELECT name FROM products WHERE status = 'active' ORDER BY md5(name), id LIMIT %s",
            [_SEARCHES],
        ).fetchall()
    return Catalog(
        products=tuple(public_id("prd", row[0]) for row in products),
        skus=tuple(public_id("sku", row[0]) for row in skus),
        hot_sku=_add_hot_product(api),
        searches=tuple(dict.fromkeys(_words(row[0], turn) for turn, row in enumerate(names))),
    )


def public_id(prefix: str, value: UUID) -> str:
    """A TypeID: Crockford base 32, 26 characters (TypeID specification 0.3)."""
    number = value.int
    digits = [_LETTERS[number >> 5 * place & 31] for place in range(25, -1, -1)]
    return f"{prefix}_{''.join(digits)}"


def _words(name: str, turn: int) -> str:
    """One or two words of a name: half of the shoppers say what it is, half also of what."""
    words = [word for word in name.replace("'", "").split() if word.isalpha()]
    return " ".join(words[-1:] if turn % 2 else words[-2:])


def _add_hot_product(api: str) -> str:
    signed_in = _post(f"{api}/v1/auth/login", LOGINS["merchant"], {})
    product = {
        "name": "The One Everybody Wants",
        "skus": [{"code": "BENCH-HOT", "price": 4_200, "stock": HOT_STOCK, "weight_g": 500}],
    }
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    return str(_post(f"{api}/v1/products", product, bearer)["skus"][0]["id"])


def _post(url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
        method="POST",
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return dict(json.load(answer))
