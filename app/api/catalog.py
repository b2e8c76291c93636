"""The catalog: anyone finds and reads products, merchants write their own."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.api.schemas.catalog import (
    CategoriesSchema,
    FoundSchema,
    NewProductSchema,
    OwnProductSchema,
    ProductChangeSchema,
    ProductSchema,
    SearchArgs,
)
from app.catalog import queries, service
from app.catalog.drafts import ProductDraft, SkuDraft
from app.catalog.errors import ProductNotFound
from app.catalog.models import ProductStatus
from app.catalog.ports import Search
from app.catalog.search import parse_filters, parse_sort
from app.catalog.views import ProductView
from app.platform.db import ShopSession
from app.platform.ids import encode
from app.web.auth import Scope, merchant_id, public, requires
from app.web.blueprints import Blueprint
from app.web.conditional import cacheable, expected_version, version_tag
from app.web.idempotency import idempotent
from app.web.pagination import decode_cursor, encode_cursor
from app.web.transactions import reading, transaction
from app.wiring import providers

LIST_SECONDS, PRODUCT_SECONDS, TREE_SECONDS = 5, 15, 300  # how long a CDN may keep an answer

catalog = Blueprint("catalog", __name__, url_prefix="/v1", description="Products and categories")

_ONE = '/products/<id(prefix="prd"):product_id>'


@catalog.route("/products", methods=["GET"])
@requires(public)
@cacheable(seconds=LIST_SECONDS)
@catalog.arguments(SearchArgs, location="query")
@catalog.response(200, FoundSchema)
def list_products(asked: dict[str, Any]) -> dict[str, Any]:
    """Find products for sale by words, filters and order, with facets.

    Refused as `unknown_filter`, `bad_filter`, `unknown_sort` or `broken_cursor`.
    """
    kind = json.dumps(["products", asked["q"], asked["filters"], asked["sort"]])
    search = Search(
        text=asked["q"],
        filters=parse_filters(asked["filters"]),
        order=parse_sort(asked["sort"], searching=bool(asked["q"])),
        limit=asked["limit"],
        after=tuple(decode_cursor(kind, asked["after"])) if asked["after"] else None,
    )
    found = providers().search.find(search)
    return {
        "data": found.hits,
        "facets": found.facets,
        "next": encode_cursor(kind, found.next) if found.next else None,
    }


@catalog.route(_ONE, methods=["GET"])
@requires(public)
@cacheable(seconds=PRODUCT_SECONDS)
@catalog.response(200, ProductSchema)
@catalog.alt_response(404, "NOT_FOUND")
def show_product(product_id: UUID) -> Response:
    """A product for sale, with the SKUs it is sold by. Drafts and archived ones are not found.

    Its ETag serves If-Match too.
    """
    kept = providers().products.get(product_id, _render)
    if kept is None:
        raise ProductNotFound("There is no such product.")
    tag, body = kept.split("\n", 1)
    return Response(body, mimetype="application/json", headers={"ETag": tag})


@catalog.route("/categories", methods=["GET"])
@requires(public)
@cacheable(seconds=TREE_SECONDS)
@catalog.response(200, CategoriesSchema)
def list_categories() -> dict[str, Any]:
    """The whole tree."""
    with reading() as session:
        return {"data": queries.categories(session)}


@catalog.route("/products", methods=["POST"])
@requires(Scope.CATALOG_WRITE)
@idempotent
@catalog.arguments(NewProductSchema)
@catalog.response(201, OwnProductSchema)
@catalog.alt_response(409, "CONFLICT")
def create_product(product: dict[str, Any]) -> tuple[ProductView, int, dict[str, str]]:
    """Put a product with its SKUs into the merchant's catalog.

    Refused as `sku_code_taken`, `slug_taken`, `unknown_category`, `currency_mismatch` or
    `no_warehouse`.
    """
    skus = tuple(SkuDraft(**sku) for sku in product.pop("skus"))
    with transaction() as session:
        made = service.create(
            session, merchant_id=merchant_id(), draft=ProductDraft(**product, skus=skus)
        )
        shown = _written(session, made.id)
    mine = "" if shown.status is ProductStatus.ACTIVE else "merchant/"
    location = {"Location": f"/v1/{mine}products/{encode('prd', shown.id)}"}
    return shown, 201, version_tag(shown.version) | location


@catalog.route(_ONE, methods=["PATCH"])
@requires(Scope.CATALOG_WRITE)
@idempotent
@catalog.arguments(ProductChangeSchema)
@catalog.response(200, OwnProductSchema)
@catalog.alt_response(404, "NOT_FOUND")
@catalog.alt_response(409, "CONFLICT")
@catalog.alt_response(412, "PRECONDITION_FAILED")
def change_product(
    changes: dict[str, Any], product_id: UUID
) -> tuple[ProductView, int, dict[str, str]]:
    """Change what is named; SKUs are named by `id` or `code`, unknown codes are added.

    Refused as `product_not_found`, `sku_not_found`, `sku_incomplete`, `stock_not_writable`,
    `version_conflict` (If-Match), or as creating is.
    """
    with transaction() as session:
        service.update(
            session,
            product_id,
            merchant_id=merchant_id(),
            changes=changes,
            version=expected_version(),
        )
        shown = _written(session, product_id)
    return shown, 200, version_tag(shown.version)


@catalog.route(_ONE, methods=["DELETE"])
@requires(Scope.CATALOG_WRITE)
@idempotent
@catalog.response(204)
@catalog.alt_response(404, "NOT_FOUND")
@catalog.alt_response(412, "PRECONDITION_FAILED")
def archive_product(product_id: UUID) -> None:
    """Take a product out of the shop. Orders keep what they bought; PATCH brings it back."""
    with transaction() as session:
        service.archive(session, product_id, merchant_id=merchant_id(), version=expected_version())
        _written(session, product_id)


def _written(session: ShopSession, product_id: UUID) -> ProductView:
    """The product as its merchant sees it now; after the commit shoppers' copies are forgotten."""
    session.afterwards(partial(providers().products.forget, [product_id]))
    session.flush()  # times set by the database are read back below
    shown = queries.owned(session, product_id, merchant_id=None)
    if shown is None:
        raise ProductNotFound("There is no such product.")
    return shown


def _render(product: ProductView) -> str:
    """A product as it is kept: its tag, then its body. Stock is no write, so the tag has a digest
    beside the version."""
    document: Mapping[str, Any] = ProductSchema().dump(product)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
    return f'"{product.version}-{digest}"\n{body}'
