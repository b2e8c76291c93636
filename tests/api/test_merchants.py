"""A merchant's own side through the door."""

from uuid import uuid4

import pytest

from app.accounts.models import Merchant, Role
from app.inventory import queries as inventory
from app.platform.ids import encode, new_id
from tests.factories import make_merchant, make_sku, make_user, make_warehouse


def sign_in(db, providers, merchant):
    with db.transaction() as session:
        user = make_user(session, role=Role.MERCHANT, merchant_id=merchant.id)
    return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}


@pytest.fixture
def merchant(db):
    with db.transaction() as session:
        return make_merchant(session)


@pytest.fixture
def seller(db, providers, merchant):
    return sign_in(db, providers, merchant)


@pytest.fixture
def stranger(db, providers):
    with db.transaction() as session:
        other = make_merchant(session)
    return sign_in(db, providers, other)


@pytest.fixture
def sku(db, merchant):
    with db.transaction() as session:
        return make_sku(session, merchant=session.get_one(Merchant, merchant.id), stock=5)


def book(client, headers, kind, sku, **given):
    body = {"sku_id": encode("sku", sku.id)} | given
    return client.post(f"/v1/merchant/stock/{kind}", json=body, headers=headers)


def available(db, sku):
    with db.reading() as session:
        assert inventory.imbalances(session) == []
        return inventory.available(session, [sku.id])[sku.id]


def test_a_receipt_is_booked_and_answers_the_balance(client, db, seller, sku):
    answer = book(client, seller, "receipts", sku, qty=7, note="delivery 12")

    assert answer.status_code == 201
    assert answer.json["stock"]["available"] == 12
    assert available(db, sku) == 12


def test_the_same_reference_books_once_and_another_quantity_is_refused(client, db, seller, sku):
    reference = str(uuid4())
    for _ in range(2):
        book(client, seller, "receipts", sku, qty=7, reference=reference)

    other = book(client, seller, "receipts", sku, qty=8, reference=reference)

    assert (other.status_code, other.json["code"]) == (409, "reference_reused")
    assert available(db, sku) == 12


def test_an_adjustment_never_takes_more_than_is_there(client, db, seller, sku):
    fewer = book(client, seller, "adjustments", sku, delta=-2)
    too_few = book(client, seller, "adjustments", sku, delta=-4)

    assert fewer.json["stock"]["available"] == 3
    assert (too_few.status_code, too_few.json["code"]) == (409, "stock_too_low")
    assert available(db, sku) == 3


def test_new_stock_reaches_the_gate(client, db, providers, seller, sku):
    providers.gate.load([sku.id])

    book(client, seller, "receipts", sku, qty=7)
    providers.gate.load_dirty(10)

    assert providers.gate.check([sku.id]) == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("receipts", {"qty": 0}),
        ("receipts", {"qty": -1}),
        ("receipts", {"qty": 10**12}),
        ("receipts", {"qty": 1.5}),
        ("receipts", {"qty": True}),
        ("receipts", {"qty": 1, "delta": 1}),
        ("receipts", {"qty": 1, "reference": "x"}),
        ("receipts", {}),
        ("adjustments", {"delta": 0}),
        ("adjustments", {"delta": 10**7}),
    ],
)
def test_a_movement_that_cannot_be_is_refused(client, db, seller, sku, kind, change):
    answer = book(client, seller, kind, sku, **change)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert available(db, sku) == 5


def test_stock_of_others_is_not_found(client, db, seller, stranger, sku):
    with db.transaction() as session:
        foreign = make_warehouse(session, merchant_id=make_merchant(session).id)

    theirs = book(client, stranger, "receipts", sku, qty=1)
    elsewhere = book(client, seller, "receipts", sku, qty=1, warehouse_id=encode("whs", foreign.id))

    assert (theirs.status_code, theirs.json["code"]) == (404, "sku_not_found")
    assert (elsewhere.status_code, elsewhere.json["code"]) == (404, "warehouse_not_found")
    assert available(db, sku) == 5


def test_own_stock_is_listed_by_cursor_and_nobody_elses(
    client, db, seller, stranger, merchant, sku
):
    with db.transaction() as session:
        for _ in range(2):
            make_sku(session, merchant=session.get_one(Merchant, merchant.id), stock=1)

    lines, after = [], ""
    while True:
        page = client.get(f"/v1/merchant/stock?limit=2{after}", headers=seller).json
        lines += [line["sku_id"] for line in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert len(lines) == len(set(lines)) == 3
    one = client.get(f"/v1/merchant/stock?sku_id={encode('sku', sku.id)}", headers=seller).json
    assert [line["available"] for line in one["data"]] == [5]
    assert client.get("/v1/merchant/stock", headers=stranger).json["data"] == []


def test_own_products_are_listed_whatever_their_state(client, seller, stranger):
    for number, status in enumerate(("active", "draft", "active")):
        body = {
            "name": f"Boot {number}",
            "status": status,
            "skus": [{"code": f"B{number}", "price": 5}],
        }
        made = client.post("/v1/products", json=body, headers=seller).json
    client.delete(f"/v1/products/{made['id']}", headers=seller)

    first = client.get("/v1/merchant/products?limit=2", headers=seller).json
    rest = client.get(f"/v1/merchant/products?after={first['next']}", headers=seller).json
    drafts = client.get("/v1/merchant/products?status=draft", headers=seller).json

    assert [product["status"] for product in first["data"]] == ["archived", "draft"]
    assert [product["name"] for product in rest["data"]] == ["Boot 0"]
    assert [product["name"] for product in drafts["data"]] == ["Boot 1"]
    assert client.get("/v1/merchant/products", headers=stranger).json["data"] == []
    foreign = client.get(f"/v1/merchant/products/{made['id']}", headers=stranger)
    assert foreign.status_code == 404


def test_warehouses_are_the_own_and_the_shared_ones(client, db, seller, merchant):
    with db.transaction() as session:
        make_warehouse(session, name="Shared", priority=50)
        make_warehouse(session, name="Foreign", merchant_id=make_merchant(session).id)

    places = client.get("/v1/merchant/warehouses", headers=seller).json["data"]

    assert [(place["name"], place["shared"], place["default"]) for place in places] == [
        ("Main", False, True),
        ("Shared", True, False),
    ]


def test_only_merchants_enter(client, db, providers):
    with db.transaction() as session:
        user = make_user(session)
    customer = {"Authorization": f"Bearer {providers.tokens.issue(user)}"}

    for path in ("products", "stock", "warehouses", f"products/{encode('prd', new_id())}"):
        assert client.get(f"/v1/merchant/{path}").status_code == 401
        assert client.get(f"/v1/merchant/{path}", headers=customer).status_code == 403
