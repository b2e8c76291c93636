"""Coupons as merchants and ops make them, through the door."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.models import Merchant, Role
from app.platform.db import Database
from app.platform.ids import encode
from app.pricing import service
from app.pricing.models import Coupon, Promotion
from app.pricing.service import Take
from app.wiring import Providers
from tests.factories import make_checkout, make_coupon, make_merchant, make_user
from tests.statements import statements

Headers = dict[str, str]
TENTH = {"code": "SPRING10", "kind": "percent", "rate_ppm": 100_000}


@pytest.fixture
def merchant(db: Database) -> Merchant:
    with db.transaction() as session:
        return make_merchant(session)


def signed_in(db: Database, providers: Providers, role: Role, merchant: Any = None) -> Headers:
    owner = {"merchant_id": merchant.id} if merchant else {}
    with db.transaction() as session:
        user = make_user(session, role=role, **owner)
    return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}


@pytest.fixture
def seller(db: Database, providers: Providers, merchant: Merchant) -> Headers:
    return signed_in(db, providers, Role.MERCHANT, merchant)


@pytest.fixture
def stranger(db: Database, providers: Providers) -> Headers:
    with db.transaction() as session:
        other = make_merchant(session)
    return signed_in(db, providers, Role.MERCHANT, other)


@pytest.fixture
def ops(db: Database, providers: Providers) -> Headers:
    return signed_in(db, providers, Role.OPS)


def create(client: FlaskClient, headers: Headers, of: str = "merchant", **given: Any) -> Any:
    return client.post(f"/v1/{of}/coupons", json=TENTH | given, headers=headers)


def count(db: Database) -> tuple[int, int]:
    with db.reading() as session:
        coupons = session.scalar(select(func.count()).select_from(Coupon))
        promotions = session.scalar(select(func.count()).select_from(Promotion))
    return int(coupons or 0), int(promotions or 0)


def test_a_coupon_is_made_of_what_was_said(
    client: FlaskClient, merchant: Merchant, seller: Headers
) -> None:
    given = {"amount_max": 900, "minimum": 2_000, "uses_max": 9, "uses_per_customer": 1}
    given |= {"valid_from": "2027-01-01T00:00:00+01:00", "valid_until": "2027-02-01T00:00:00Z"}

    answer = create(client, seller, name="Spring", **given)

    assert answer.status_code == 201
    made = dict(answer.json)
    assert made.pop("id").startswith("cpn_")
    assert made.pop("created_at")
    assert made == TENTH | given | {
        "name": "Spring",
        "merchant_id": encode("mer", merchant.id),
        "status": "active",
        "currency": "EUR",
        "amount": None,
        "used": 0,
        "valid_from": "2026-12-31T23:00:00+00:00",
        "valid_until": "2027-02-01T00:00:00+00:00",
    }


def test_an_amount_and_free_shipping_are_coupons_too(client: FlaskClient, seller: Headers) -> None:
    amount = create(client, seller, code="FIVER", kind="amount", rate_ppm=None, amount=500)
    free = create(client, seller, code="FREE", kind="free_shipping", rate_ppm=None)

    assert (amount.status_code, amount.json["amount"], amount.json["name"]) == (201, 500, "FIVER")
    assert (free.status_code, free.json["kind"]) == (201, "free_shipping")


def test_a_code_names_one_coupon_in_whatever_case(
    client: FlaskClient, db: Database, seller: Headers, stranger: Headers
) -> None:
    create(client, seller, code="Spring10")

    for headers in (seller, stranger):
        answer = create(client, headers, code="sPRING10")
        assert (answer.status_code, answer.json["code"]) == (409, "coupon_code_taken")
    assert count(db) == (1, 1)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"code": "no"}, "validation_failed"),
        ({"code": "with blank"}, "validation_failed"),
        ({"code": "é-spring"}, "validation_failed"),
        ({"kind": "gift"}, "validation_failed"),
        ({"rate_ppm": None}, "validation_failed"),
        ({"rate_ppm": 0}, "validation_failed"),
        ({"rate_ppm": 1_000_001}, "validation_failed"),
        ({"amount": 500}, "validation_failed"),
        ({"kind": "amount", "rate_ppm": None}, "validation_failed"),
        ({"kind": "amount", "amount": 500}, "validation_failed"),
        ({"kind": "free_shipping"}, "validation_failed"),
        ({"uses_max": 0}, "validation_failed"),
        ({"uses_per_customer": 1.5}, "validation_failed"),
        ({"minimum": -1}, "validation_failed"),
        ({"valid_from": "tomorrow"}, "validation_failed"),
        ({"valid_from": "2027-01-01T00:00:00"}, "validation_failed"),
        ({"valid_until": "0001-01-01T00:00:00+14:00"}, "validation_failed"),
        ({"valid_until": "2001-01-01T00:00:00Z"}, "window_backwards"),
        (
            {"valid_from": "2030-01-01T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"},
            "window_backwards",
        ),
        ({"currency": "USD"}, "currency_mismatch"),
        ({"merchant_id": "mer_01h455vb4pex5vsknk084sn02q"}, "validation_failed"),
    ],
)
def test_a_coupon_that_cannot_be_is_refused_and_nothing_is_written(
    client: FlaskClient, db: Database, seller: Headers, given: dict[str, Any], code: str
) -> None:
    answer = create(client, seller, **given)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.mimetype == "application/problem+json"
    assert count(db) == (0, 0)


@pytest.mark.unaudited("redemption_unlike_checkout", "saga_unlike_journal")
def test_a_coupon_is_shown_with_its_uses(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    with db.transaction() as session:
        coupon = make_coupon(session, merchant_id=merchant.id)
        checkouts = [make_checkout(session).id for _ in range(4)]
        service.take(session, [Take(one, coupon.id, "ada@example.com", 300) for one in checkouts])
        service.use(session, checkouts[:2])
        service.give_back(session, checkouts[2:3])

    shown = client.get(f"/v1/merchant/coupons/{encode('cpn', coupon.id)}", headers=seller)

    assert shown.status_code == 200
    assert shown.json["redemptions"] == {"held": 1, "used": 2, "released": 1}
    assert (shown.json["used"], shown.json["given"]) == (3, 600)


def test_a_disabled_coupon_stays_and_is_used_no_more(client: FlaskClient, seller: Headers) -> None:
    path = f"/v1/merchant/coupons/{create(client, seller).json['id']}"

    first = client.post(f"{path}/disable", headers=seller)
    again = client.post(f"{path}/disable", headers=seller)

    assert (first.status_code, first.json["status"]) == (200, "disabled")
    assert (again.status_code, again.json) == (200, first.json)
    assert client.get(path, headers=seller).json["status"] == "disabled"


def test_a_key_makes_one_coupon(client: FlaskClient, db: Database, seller: Headers) -> None:
    with_key = seller | {"Idempotency-Key": "k"}

    first, again = create(client, with_key), create(client, with_key)

    assert (again.status_code, again.json) == (201, first.json)
    assert count(db) == (1, 1)


def test_another_merchants_coupon_is_not_found(
    client: FlaskClient, seller: Headers, stranger: Headers
) -> None:
    path = f"/v1/merchant/coupons/{create(client, seller).json['id']}"

    for answer in (
        client.get(path, headers=stranger),
        client.post(f"{path}/disable", headers=stranger),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "coupon_not_found")
    assert client.get("/v1/merchant/coupons", headers=stranger).json["data"] == []
    assert client.get(path, headers=seller).json["status"] == "active"


def test_a_merchant_does_not_see_the_shops_coupons(
    client: FlaskClient, seller: Headers, ops: Headers
) -> None:
    made = create(client, ops, "ops", currency="EUR").json

    answer = client.get(f"/v1/merchant/coupons/{made['id']}", headers=seller)

    assert answer.status_code == 404


def test_own_coupons_are_listed_newest_first_by_cursor(
    client: FlaskClient, seller: Headers
) -> None:
    for number in range(3):
        create(client, seller, code=f"SALE{number}")

    first = client.get("/v1/merchant/coupons?limit=2", headers=seller).json
    rest = client.get(f"/v1/merchant/coupons?limit=2&after={first['next']}", headers=seller).json

    assert [row["code"] for row in first["data"] + rest["data"]] == ["SALE2", "SALE1", "SALE0"]
    assert rest["next"] is None


def test_ops_make_coupons_of_the_whole_shop_and_see_and_disable_all(
    client: FlaskClient, seller: Headers, ops: Headers
) -> None:
    of_merchant = create(client, seller, code="THEIRS").json

    made = create(client, ops, "ops", currency="USD")
    disabled = client.post(f"/v1/ops/coupons/{of_merchant['id']}/disable", headers=ops)

    assert (made.status_code, made.json["merchant_id"], made.json["currency"]) == (201, None, "USD")
    listed = client.get("/v1/ops/coupons", headers=ops).json["data"]
    assert [(row["code"], row["status"]) for row in listed] == [
        ("SPRING10", "active"),
        ("THEIRS", "disabled"),
    ]
    assert disabled.json["status"] == "disabled"
    shown = client.get(f"/v1/ops/coupons/{made.json['id']}", headers=ops)
    assert shown.json["redemptions"] == {"held": 0, "used": 0, "released": 0}


def test_a_coupon_of_the_whole_shop_says_its_currency(client: FlaskClient, ops: Headers) -> None:
    answer = create(client, ops, "ops")

    assert (answer.status_code, answer.json["code"]) == (422, "currency_mismatch")


SOME = encode("cpn", UUID(int=7))


@pytest.mark.parametrize("of", ["merchant", "ops"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", f"/{SOME}"), ("POST", f"/{SOME}/disable")],
)
def test_who_may_not_does_not_enter(
    client: FlaskClient, db: Database, providers: Providers, seller: Headers,
    ops: Headers, of: str, method: str, path: str,
) -> None:  # fmt: skip
    customer = signed_in(db, providers, Role.CUSTOMER)
    wrong_side = seller if of == "ops" else ops
    sent = {"json": TENTH} if method == "POST" and not path else {}

    for headers, status in (({}, 401), (customer, 403), (wrong_side, 403)):
        answer = client.open(f"/v1/{of}/coupons{path}", method=method, headers=headers, **sent)
        assert answer.status_code == status


def test_what_looking_at_coupons_and_making_one_costs(
    client: FlaskClient, db: Database, seller: Headers
) -> None:
    with statements(db) as made:
        coupon = create(client, seller).json
    with statements(db) as listed:
        client.get("/v1/merchant/coupons", headers=seller)
    with statements(db) as shown:
        client.get(f"/v1/merchant/coupons/{coupon['id']}", headers=seller)

    # whose currency; promotion; coupon; what is answered
    assert (len(made), len(listed), len(shown)) == (5, 1, 2)
