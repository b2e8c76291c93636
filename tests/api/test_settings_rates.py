"""A merchant's taxes, zones and shipping rates, through the door and into the quote."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.models import Merchant, Role
from app.platform.db import Database
from app.platform.ids import encode, new_id
from app.pricing.models import TaxRate
from app.pricing.queries import tax_table
from app.shipping.models import ShippingRate, ShippingZone
from app.shipping.queries import table_rates
from app.wiring import Providers
from tests.conftest import Clock
from tests.factories import ADDRESS, make_merchant, make_sku, make_user
from tests.statements import statements

Headers = dict[str, str]
TAX = {"country": "DE", "name": "VAT 19 %", "rate_ppm": 190_000, "included": True}
ZONE = {"name": "Europe", "countries": ["DE", "FR"]}
RATE = {"service": "standard", "carrier": "DHL", "name": "Parcel", "days_min": 1, "days_max": 3}
RATE |= {"price": 490}
LATER, LATEST = "2090-01-01T00:00:00+00:00", "2091-01-01T00:00:00+00:00"


@pytest.fixture
def merchant(db: Database) -> Merchant:
    with db.transaction() as session:
        return make_merchant(session)


def sign_in(db: Database, providers: Providers, merchant: Merchant) -> Headers:
    with db.transaction() as session:
        user = make_user(session, role=Role.MERCHANT, merchant_id=merchant.id)
    return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}


@pytest.fixture
def seller(db: Database, providers: Providers, merchant: Merchant) -> Headers:
    return sign_in(db, providers, merchant)


@pytest.fixture
def stranger(db: Database, providers: Providers) -> Headers:
    with db.transaction() as session:
        other = make_merchant(session)
    return sign_in(db, providers, other)


def post(client: FlaskClient, headers: Headers, path: str, body: Any = None) -> Any:
    return client.post(f"/v1/merchant/{path}", json=body or {}, headers=headers)


def get(client: FlaskClient, headers: Headers, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/merchant/{path}", headers=headers)
    assert answer.status_code == 200, answer.json
    return list(answer.json["data"])


def new_zone(client: FlaskClient, headers: Headers, **given: Any) -> str:
    return str(post(client, headers, "shipping-zones", ZONE | given).json["id"])


def new_rate(client: FlaskClient, headers: Headers, zone_id: str, **given: Any) -> Any:
    return post(client, headers, "shipping-rates", {"zone_id": zone_id} | RATE | given)


def test_a_quote_follows_the_rates_a_merchant_sets(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    with db.transaction() as session:
        sku = make_sku(session, merchant=session.get_one(Merchant, merchant.id), price=11_900)
    post(client, seller, "tax-rates", TAX)
    new_rate(client, seller, new_zone(client, seller))
    body = {"sku_id": encode("sku", sku.id), "qty": 1}
    cart = client.post("/v1/cart", json=body).json

    quote = client.post(
        f"/v1/cart/{cart['id']}/quote",
        json={"shipping_address": ADDRESS},
        headers={"X-Cart-Token": cart["token"]},
    ).json

    totals = quote["totals"]
    assert (totals["total"], totals["tax_included"], totals["shipping"]) == (12_390, 1_978, 490)


def test_a_tax_rate_is_shown_as_it_was_said(client: FlaskClient, seller: Headers) -> None:
    given = TAX | {"region": "BE", "tax_code": "books", "valid_from": LATER, "valid_until": LATEST}

    answer = post(client, seller, "tax-rates", given)

    assert answer.status_code == 201
    assert answer.json == given | {"id": answer.json["id"], "in_force": False}
    assert get(client, seller, "tax-rates") == [answer.json]


def test_the_rate_that_came_last_counts_until_it_ends(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    post(client, seller, "tax-rates", TAX | {"name": "old"})
    new = post(client, seller, "tax-rates", TAX | {"name": "new", "rate_ppm": 160_000}).json
    before = _tax(db, merchant)

    ended = post(client, seller, f"tax-rates/{new['id']}/end")

    assert (before, _tax(db, merchant)) == ("new", "old")
    assert (ended.status_code, ended.json["in_force"]) == (200, False)
    assert [row["in_force"] for row in get(client, seller, "tax-rates")] == [False, True]


def test_a_rate_can_end_later_and_never_lasts_longer_by_it(
    client: FlaskClient, seller: Headers
) -> None:
    path = f"tax-rates/{post(client, seller, 'tax-rates', TAX).json['id']}/end"

    first = post(client, seller, path, {"at": LATER})
    longer = post(client, seller, path, {"at": LATEST})

    assert (first.json["valid_until"], first.json["in_force"]) == (LATER, True)
    assert longer.json["valid_until"] == LATER


def test_a_rate_to_come_that_is_ended_never_counts(
    client: FlaskClient, seller: Headers, clock: Clock
) -> None:
    planned = post(client, seller, "tax-rates", TAX | {"valid_from": LATER}).json

    ended = post(client, seller, f"tax-rates/{planned['id']}/end").json

    assert (ended["valid_from"], ended["valid_until"], ended["in_force"]) == (LATER, LATER, False)


def test_a_zone_and_its_rates_are_shown_as_they_were_said(
    client: FlaskClient, seller: Headers
) -> None:
    zone = post(client, seller, "shipping-zones", ZONE | {"priority": 5})
    given = RATE | {"weight_from_g": 100, "weight_until_g": 5_000, "valid_from": LATER}

    rate = new_rate(client, seller, zone.json["id"], **given)

    assert zone.json == ZONE | {"id": zone.json["id"], "priority": 5}
    assert rate.status_code == 201
    assert rate.json.items() >= (given | {"currency": "EUR", "in_force": False}).items()
    assert get(client, seller, "shipping-zones") == [zone.json]
    assert get(client, seller, "shipping-rates") == [rate.json]
    assert get(client, seller, f"shipping-rates?zone_id={zone.json['id']}") == [rate.json]
    assert get(client, seller, f"shipping-rates?zone_id={encode('zon', new_id())}") == []


def test_a_dearer_rate_replaces_the_old_one_when_that_ends(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    zone = new_zone(client, seller)
    old = new_rate(client, seller, zone).json
    new_rate(client, seller, zone, price=590)
    both = _prices(db, merchant)

    post(client, seller, f"shipping-rates/{old['id']}/end")

    assert (both, _prices(db, merchant)) == ([590], [590])
    shown = get(client, seller, "shipping-rates")
    assert [(row["price"], row["in_force"]) for row in shown] == [(590, True), (490, False)]


def test_an_ended_zone_leaves_its_countries_to_another(
    client: FlaskClient, db: Database, merchant: Merchant, seller: Headers
) -> None:
    near = new_zone(client, seller, countries=["DE"], priority=1)
    world = new_zone(client, seller, countries=["*"], priority=9)
    new_rate(client, seller, near, price=490)
    new_rate(client, seller, world, price=1_990)
    before = _prices(db, merchant)

    ended = post(client, seller, f"shipping-zones/{near}/end")

    assert (before, _prices(db, merchant)) == ([490], [1_990])
    assert (ended.status_code, ended.json["countries"]) == (200, [])
    [rate] = get(client, seller, f"shipping-rates?zone_id={near}")
    assert rate["in_force"] is False
    late = new_rate(client, seller, near)
    assert (late.status_code, late.json["code"]) == (409, "shipping_zone_ended")


def test_what_is_another_merchants_is_not_found(
    client: FlaskClient, seller: Headers, stranger: Headers
) -> None:
    tax = post(client, seller, "tax-rates", TAX).json["id"]
    zone = new_zone(client, seller)
    rate = new_rate(client, seller, zone).json["id"]

    answers = [
        (post(client, stranger, f"tax-rates/{tax}/end"), "tax_rate_not_found"),
        (post(client, stranger, f"shipping-zones/{zone}/end"), "shipping_zone_not_found"),
        (post(client, stranger, f"shipping-rates/{rate}/end"), "shipping_rate_not_found"),
        (new_rate(client, stranger, zone), "shipping_zone_not_found"),
    ]

    for answer, code in answers:
        assert (answer.status_code, answer.json["code"]) == (404, code)
    for path in ("tax-rates", "shipping-zones", "shipping-rates"):
        assert get(client, stranger, path) == []
        assert len(get(client, seller, path)) == 1
    assert get(client, seller, "shipping-rates")[0]["in_force"] is True


def test_a_general_rate_is_nobodys_to_end(
    client: FlaskClient, db: Database, seller: Headers
) -> None:
    with db.transaction() as session:
        general = TaxRate(**TAX, tax_code="standard")
        session.add(general)

    answer = post(client, seller, f"tax-rates/{encode('tax', general.id)}/end")

    assert answer.status_code == 404


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("tax-rates", {"country": "Germany"}, "validation_failed"),
    ("tax-rates", {"rate_ppm": -1}, "validation_failed"),
    ("tax-rates", {"rate_ppm": 1_000_000}, "validation_failed"),
    ("tax-rates", {"included": "yes"}, "validation_failed"),
    ("tax-rates", {"included": 1}, "validation_failed"),
    ("tax-rates", {"valid_until": "2001-01-01T00:00:00Z"}, "window_backwards"),
    ("tax-rates", {"valid_until": "2001-01-01"}, "validation_failed"),
    ("shipping-zones", {"countries": []}, "validation_failed"),
    ("shipping-zones", {"countries": ["de"]}, "validation_failed"),
    ("shipping-zones", {"countries": ["**"]}, "validation_failed"),
    ("shipping-zones", {"priority": -1}, "validation_failed"),
    ("shipping-rates", {"service": "By Air"}, "validation_failed"),
    ("shipping-rates", {"price": -1}, "validation_failed"),
    ("shipping-rates", {"days_max": 0}, "validation_failed"),
    ("shipping-rates", {"currency": "USD"}, "currency_mismatch"),
    ("shipping-rates", {"weight_from_g": 9, "weight_until_g": 9}, "weights_backwards"),
    ("shipping-rates", {"valid_from": LATEST, "valid_until": LATER}, "window_backwards"),
]


@pytest.mark.parametrize(("path", "change", "code"), BAD)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    client: FlaskClient, db: Database, seller: Headers, path: str, change: Any, code: str
) -> None:
    zone = new_zone(client, seller)
    good = {"tax-rates": TAX, "shipping-zones": ZONE, "shipping-rates": RATE | {"zone_id": zone}}

    answer = post(client, seller, path, good[path] | change)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    with db.reading() as session:
        counted = [
            session.scalar(select(func.count()).select_from(table))
            for table in (TaxRate, ShippingZone, ShippingRate)
        ]
    assert counted == [0, 1, 0]


def test_a_key_adds_one_rate(client: FlaskClient, seller: Headers) -> None:
    with_key = seller | {"Idempotency-Key": "k"}

    first = post(client, with_key, "tax-rates", TAX)
    again = post(client, with_key, "tax-rates", TAX)

    assert (again.status_code, again.json) == (201, first.json)
    assert len(get(client, seller, "tax-rates")) == 1


def test_rates_are_listed_newest_first_by_cursor(client: FlaskClient, seller: Headers) -> None:
    for number in range(3):
        post(client, seller, "tax-rates", TAX | {"name": f"VAT {number}"})

    first = client.get("/v1/merchant/tax-rates?limit=2", headers=seller).json
    rest = get(client, seller, f"tax-rates?after={first['next']}")

    names = [row["name"] for row in [*first["data"], *rest]]
    assert names == ["VAT 2", "VAT 1", "VAT 0"]


@pytest.mark.parametrize("path", ["tax-rates", "shipping-zones", "shipping-rates"])
def test_only_a_merchants_own_people_enter(
    client: FlaskClient, db: Database, providers: Providers, path: str
) -> None:
    with db.transaction() as session:
        people = [make_user(session, role=role) for role in (Role.CUSTOMER, Role.OPS)]

    assert client.get(f"/v1/merchant/{path}").status_code == 401
    assert client.post(f"/v1/merchant/{path}").status_code == 401
    for person in people:
        headers = {"Authorization": f"Bearer {providers.tokens.issue(person)}"}
        assert client.get(f"/v1/merchant/{path}", headers=headers).status_code == 403


def test_what_rates_cost(client: FlaskClient, db: Database, seller: Headers) -> None:
    zone = new_zone(client, seller)
    with statements(db) as added:
        rate = new_rate(client, seller, zone).json
    with statements(db) as listed:
        get(client, seller, "shipping-rates")
    with statements(db) as ended:
        post(client, seller, f"shipping-rates/{rate['id']}/end")

    # the zone, locked; whose currency; the rate; its times; whether it counts
    assert (len(added), len(listed), len(ended)) == (5, 1, 2)


def _tax(db: Database, merchant: Merchant) -> str:
    with db.reading() as session:
        table = tax_table(session, "DE", None, [merchant.id])
    return table.rate(merchant.id, "standard").name


def _prices(db: Database, merchant: Merchant) -> list[int]:
    with db.reading() as session:
        return [rate.price for rate in table_rates(session, {merchant.id: 500}, "DE")]
