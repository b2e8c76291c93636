"""The catalog through the door: found and read by anyone, written by its merchant."""

import pytest
from sqlalchemy import select, update

from app import wiring
from app.accounts.models import Merchant, MerchantStatus, Role
from app.api.schemas.catalog import ProductSchema
from app.catalog.models import Category, Product
from app.events.models import OutboxEvent
from app.platform.ids import encode, new_id
from app.platform.redis import connect
from tests.factories import make_merchant, make_sku, make_user
from tests.statements import statements

BOOT = {
    "name": "Walking boot",
    "description": "Welted soles.",
    "category": "boots",
    "skus": [
        {"code": "B-42", "price": 12_900, "currency": "EUR", "weight_g": 900, "stock": 3,
         "options": {"size": "42"}},
        {"code": "B-43", "price": 11_900, "options": {"size": "43"}},
    ],
}  # fmt: skip


def sign_in(db, providers, **given):
    with db.transaction() as session:
        user = make_user(session, **given)
    return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}


@pytest.fixture
def merchant(db):
    with db.transaction() as session:
        session.add(Category(slug="boots", name="Boots", path="shoes/boots"))
        return make_merchant(session)


@pytest.fixture
def seller(db, providers, merchant):
    return sign_in(db, providers, role=Role.MERCHANT, merchant_id=merchant.id)


@pytest.fixture
def stranger(db, providers):
    with db.transaction() as session:
        other = make_merchant(session)
    return sign_in(db, providers, role=Role.MERCHANT, merchant_id=other.id)


@pytest.fixture
def boot(client, seller):
    return client.post("/v1/products", json=BOOT, headers=seller).json


def test_a_new_product_is_answered_whole_and_can_be_read(client, seller, merchant):
    answer = client.post("/v1/products", json=BOOT, headers=seller)

    made = answer.json
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/products/{made['id']}"
    assert (made["price"], made["category"], made["status"]) == (11_900, "boots", "active")
    assert [(sku["code"], sku["available"]) for sku in made["skus"]] == [("B-42", 3), ("B-43", 0)]
    shown = client.get(answer.headers["Location"])
    assert shown.status_code == 200
    assert shown.json["merchant_id"] == encode("mer", merchant.id)
    assert [sku["in_stock"] for sku in shown.json["skus"]] == [True, False]
    assert ProductSchema().validate(shown.json) == {}


def test_a_product_has_a_tag_and_is_not_sent_twice(client, boot):
    first = client.get(f"/v1/products/{boot['id']}")

    again = client.get(
        f"/v1/products/{boot['id']}", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert first.headers["Cache-Control"].startswith("public, max-age=")
    assert (again.status_code, again.data) == (304, b"")


def test_a_hot_product_costs_no_statement(client, db, boot):
    client.get(f"/v1/products/{boot['id']}")

    with statements(db) as seen:
        answer = client.get(f"/v1/products/{boot['id']}")

    assert answer.status_code == 200
    assert seen == []


def test_a_change_is_seen_at_once_and_its_tag_is_another(client, seller, boot):
    path = f"/v1/products/{boot['id']}"
    before = client.get(path)

    changed = client.patch(
        path,
        json={"name": "Winter boot", "skus": [{"code": "B-43", "price": 9_900}]},
        headers=seller | {"If-Match": before.headers["ETag"]},
    )

    after = client.get(path)
    assert changed.status_code == 200
    assert (after.json["name"], after.json["price"]) == ("Winter boot", 9_900)
    assert after.json["version"] == 2
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.json["updated_at"] == changed.json["updated_at"]


def test_who_changes_what_was_changed_meanwhile_is_told_412(client, seller, boot):
    path = f"/v1/products/{boot['id']}"
    tag = client.get(path).headers["ETag"]
    client.patch(path, json={"name": "First"}, headers=seller)

    answer = client.patch(path, json={"name": "Second"}, headers=seller | {"If-Match": tag})

    assert (answer.status_code, answer.json["code"]) == (412, "version_conflict")
    assert client.get(path).json["name"] == "First"


def test_an_archived_product_is_gone_for_shoppers_and_kept_for_its_merchant(client, seller, boot):
    path = f"/v1/products/{boot['id']}"
    client.get(path)

    gone = client.delete(path, headers=seller)

    assert gone.status_code == 204
    assert client.get(path).json["code"] == "product_not_found"
    assert client.get("/v1/products").json["data"] == []
    own = client.get(f"/v1/merchant/products/{boot['id']}", headers=seller)
    assert own.json["status"] == "archived"


def test_a_draft_is_not_found_until_it_is_made_active(client, seller):
    draft = client.post("/v1/products", json=BOOT | {"status": "draft"}, headers=seller)
    path = f"/v1/products/{draft.json['id']}"
    assert client.get(path).status_code == 404

    client.patch(path, json={"status": "active"}, headers=seller)

    assert client.get(path).status_code == 200
    assert draft.headers["Location"].startswith("/v1/merchant/products/")


def test_products_of_a_suspended_merchant_are_not_found(client, db, merchant, boot):
    with db.transaction() as session:
        session.execute(update(Merchant).values(status=MerchantStatus.SUSPENDED))

    assert client.get(f"/v1/products/{boot['id']}").status_code == 404


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_another_merchants_product_is_not_found(client, db, stranger, boot, method):
    json = {"name": "Mine now"} if method == "patch" else None

    answer = getattr(client, method)(f"/v1/products/{boot['id']}", json=json, headers=stranger)

    assert (answer.status_code, answer.json["code"]) == (404, "product_not_found")
    with db.reading() as session:
        assert session.scalar(select(Product.name)) == "Walking boot"


def test_only_merchants_write(client, db, providers):
    customer = sign_in(db, providers)
    ops = sign_in(db, providers, role=Role.OPS)

    codes = [
        client.post("/v1/products", json=BOOT, headers=headers).status_code
        for headers in ({}, customer, ops)
    ]

    assert codes == [401, 403, 403]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"skus": [{"code": "A", "price": 1}, {"code": "A", "price": 2}]}, 409, "sku_code_taken"),
        ({"skus": [{"code": "A", "price": 1, "currency": "USD"}]}, 422, "currency_mismatch"),
        ({"category": "nowhere"}, 422, "unknown_category"),
        ({"skus": []}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": -1}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": 1.5}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": "1"}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": 10**30}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": 1, "stock": -1}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": 1, "color": "x"}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A\0", "price": 1}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": 1, "options": {"a": {}}}]}, 422, "validation_failed"),
        ({"skus": [{"code": "A", "price": 1, "options": {"a": "\0"}}]}, 422, "validation_failed"),
        ({"name": ""}, 422, "validation_failed"),
        ({"name": "\ud800"}, 422, "validation_failed"),
        ({"name": None}, 422, "validation_failed"),
        ({"status": "archived"}, 422, "validation_failed"),
        ({"slug": "Not A Slug"}, 422, "validation_failed"),
        ({"id": "prd_01h455vb4pex5vsknk084sn02q"}, 422, "validation_failed"),
    ],
)  # fmt: skip
def test_a_product_that_cannot_be_is_refused_and_leaves_nothing(
    client, db, seller, change, status, code
):
    answer = client.post("/v1/products", json=BOOT | change, headers=seller)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    with db.reading() as session:
        assert session.scalars(select(Product.id)).all() == []
        assert session.scalars(select(OutboxEvent.id)).all() == []


@pytest.mark.parametrize(
    ("skus", "code"),
    [
        ([{"code": "NEW"}], "sku_incomplete"),
        ([{"code": "B-42", "stock": 5}], "stock_not_writable"),
        ([{"id": encode("sku", new_id()), "price": 5}], "sku_not_found"),
        ([{"code": "B-42", "currency": "USD"}], "currency_mismatch"),
        ([{"code": "OTHER", "price": 5}], "sku_code_taken"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    client, db, seller, merchant, boot, skus, code
):
    with db.transaction() as session:
        make_sku(session, merchant=session.get_one(Merchant, merchant.id), code="OTHER")

    answer = client.patch(
        f"/v1/products/{boot['id']}", json={"name": "Changed", "skus": skus}, headers=seller
    )

    assert answer.json["code"] == code
    shown = client.get(f"/v1/merchant/products/{boot['id']}", headers=seller).json
    assert (shown["name"], shown["version"], len(shown["skus"])) == ("Walking boot", 1, 2)


def test_the_same_key_makes_one_product(client, seller):
    headers = seller | {"Idempotency-Key": "k1"}

    first, second = (client.post("/v1/products", json=BOOT, headers=headers) for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.json["id"] == second.json["id"]


def test_products_are_found_with_facets_and_walked_by_cursor(client, db, merchant):
    with db.transaction() as session:
        mine = session.get_one(Merchant, merchant.id)
        for price in range(5):
            make_sku(session, merchant=mine, price=1_000 + price, stock=1)
    query = {"q": "walking boot", "sort": "-price", "limit": "2"}

    prices, after = [], None
    while True:
        page = client.get("/v1/products", query_string=query | ({"after": after} if after else {}))
        assert page.status_code == 200
        assert page.json["facets"]["price"] == [{"value": "1000..2499", "name": None, "count": 5}]
        prices += [hit["price"] for hit in page.json["data"]]
        after = page.json["next"]
        if after is None:
            break

    assert prices == [1004, 1003, 1002, 1001, 1000]


def test_a_list_with_facets_takes_four_statements_at_most(client, db, boot):
    client.get("/v1/products")

    with statements(db) as seen:
        answer = client.get("/v1/products?q=boot&filters=category:boots")

    assert answer.json["data"][0]["name"] == "Walking boot"
    assert len(seen) <= 4


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("filters=colour:red", "unknown_filter"),
        ("filters=price:9..1", "bad_filter"),
        ("sort=name", "unknown_sort"),
        ("after=nonsense", "broken_cursor"),
        ("limit=0", "validation_failed"),
        ("limit=101", "validation_failed"),
        ("page=2", "validation_failed"),
        ("q=%00", "validation_failed"),
        ("q=" + "x" * 201, "validation_failed"),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(client, query, code):
    answer = client.get(f"/v1/products?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, code)


@pytest.mark.parametrize("other", ["sort=price", "q=boot", "filters=in_stock:true"])
def test_a_cursor_serves_the_search_it_was_given_for_alone(client, db, merchant, other):
    with db.transaction() as session:
        for _ in range(2):
            make_sku(session, merchant=session.get_one(Merchant, merchant.id))
    cursor = client.get("/v1/products?limit=1").json["next"]

    answer = client.get(f"/v1/products?limit=1&after={cursor}&{other}")

    assert answer.json["code"] == "broken_cursor"


def test_the_tree_is_told_parents_first(client, db):
    with db.transaction() as session:
        shoes = Category(slug="shoes", name="Shoes", path="shoes")
        session.add(shoes)
        session.flush()
        session.add(Category(slug="boots", name="Boots", path="shoes/boots", parent_id=shoes.id))

    tree = client.get("/v1/categories").json["data"]

    assert [branch["path"] for branch in tree] == ["shoes", "shoes/boots"]
    assert tree[1]["parent_id"] == tree[0]["id"]


def test_reads_go_on_while_redis_is_away(app, client, boot, providers, settings, db, queue):
    away = connect("redis://127.0.0.1:1/0")
    wiring.use(wiring.build(settings, queue=queue, db=db, redis=away))

    assert client.get(f"/v1/products/{boot['id']}").status_code == 200
    assert client.get("/v1/products").status_code == 200
