"""Coupons from the quote to the confirmed order, through the door."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.catalog.models import Sku
from app.inventory.models import Inventory
from app.orders.models import Order
from app.platform.db import Database
from app.platform.ids import encode
from app.pricing.models import Coupon, CouponCustomer, CouponRedemption
from app.pricing.states import CouponStatus, PromotionKind
from tests.factories import ADDRESS, make_coupon, make_merchant, make_shipping_rate, make_sku
from tests.journeys.conftest import Shop
from tests.statements import statements

DECLINED = "pm_card_chargeDeclined"


def offer(shop: Shop, **given: Any) -> Coupon:
    with shop.db.transaction() as session:
        return make_coupon(session, **{"code": "SPRING"} | given)


def quote(shop: Shop, cart: dict[str, Any], coupon: str = "SPRING") -> Any:
    body = {"shipping_address": ADDRESS, "coupon": coupon}
    headers = {"X-Cart-Token": cart["token"]}
    return shop.client.post(f"/v1/cart/{cart['id']}/quote", json=body, headers=headers)


def buy(shop: Shop, cart: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = shop.buy(cart, **{"coupon": "SPRING"} | given)
    assert answer.status_code == 202, answer.json
    shop.work()
    return shop.look(cart, answer)


def uses(db: Database) -> tuple[int, list[int], list[str]]:
    """Of the only coupon: uses, uses of each customer, where its redemptions stand."""
    with db.reading() as session:
        return (
            session.scalars(select(Coupon.used)).one(),
            list(session.scalars(select(CouponCustomer.used))),
            list(session.scalars(select(CouponRedemption.status).order_by(CouponRedemption.id))),
        )


def other_sku(shop: Shop, **given: Any) -> Sku:
    """Something of another merchant, who ships too."""
    with shop.db.transaction() as session:
        merchant = make_merchant(session)
        make_shipping_rate(session, merchant=merchant, price=590)
        return make_sku(session, merchant=merchant, stock=5, **{"price": 2_000} | given)


def add(shop: Shop, cart: dict[str, Any], sku: Sku) -> None:
    body = {"cart_id": cart["id"], "sku_id": encode("sku", sku.id), "qty": 1}
    headers = {"X-Cart-Token": cart["token"]}
    assert shop.client.post("/v1/cart", json=body, headers=headers).status_code == 200


def test_the_quote_shows_what_the_order_costs_and_takes_nothing(shop: Shop, db: Database) -> None:
    offer(shop)
    cart = shop.cart(qty=2)

    shown = quote(shop, cart)

    assert shown.status_code == 200
    assert uses(db) == (0, [], [])
    bought = buy(shop, cart, expected_total=shown.json["totals"]["total"])
    assert bought["state"] == "confirmed"
    assert bought["totals"] == shown.json["totals"]
    assert bought["totals"]["coupon"] == {"code": "SPRING", "kind": "percent", "amount": 1_000}
    assert bought["totals"]["discount"] == 1_000
    assert bought["order"]["total"] == 10_000 - 1_000 + 490


def test_a_coupon_is_used_once_the_order_is_confirmed(shop: Shop, db: Database) -> None:
    offer(shop, uses_max=1)

    buy(shop, shop.cart())

    assert uses(db) == (1, [1], ["used"])
    assert quote(shop, shop.cart()).json["code"] == "coupon_used_up"


def test_a_coupon_is_held_while_the_purchase_is_under_way(shop: Shop, db: Database) -> None:
    offer(shop, uses_max=1)
    buy(shop, shop.cart(), token="pm_card_authenticationRequired")

    refused = buy(shop, shop.cart(), email="bea@example.com")

    assert uses(db) == (1, [1], ["held"])
    assert (refused["state"], refused["failure"]["code"]) == ("failed", "coupon_used_up")


def test_a_declined_card_gives_the_coupon_back(shop: Shop, db: Database) -> None:
    offer(shop, uses_max=1, uses_per_customer=1)
    cart = shop.cart()

    declined = buy(shop, cart, token=DECLINED)

    assert declined["failure"]["code"] == "payment_declined"
    assert uses(db) == (0, [0], ["released"])
    assert buy(shop, cart)["state"] == "confirmed"
    assert uses(db) == (1, [1], ["released", "used"])


def test_a_canceled_purchase_gives_the_coupon_back(shop: Shop, db: Database) -> None:
    offer(shop, uses_max=1)
    cart = shop.cart()
    under_way = buy(shop, cart, token="pm_card_authenticationRequired")

    path = f"/v1/checkout/{under_way['id']}/cancel"
    shop.client.post(path, headers={"X-Cart-Token": cart["token"]})
    shop.work()

    assert uses(db) == (0, [0], ["released"])


def test_a_coupon_in_whatever_case_is_the_same(shop: Shop, db: Database) -> None:
    offer(shop, code="Spring")

    assert buy(shop, shop.cart(), coupon="sPRING")["totals"]["coupon"]["code"] == "Spring"
    assert uses(db) == (1, [1], ["used"])


def test_a_guest_is_the_same_customer_in_whatever_case_the_address_is(shop: Shop) -> None:
    offer(shop, uses_per_customer=1)
    buy(shop, shop.cart(), email="ada@example.com")

    again = buy(shop, shop.cart(), email="Ada@Example.com")
    another = buy(shop, shop.cart(), email="bea@example.com")

    assert again["failure"]["code"] == "coupon_used_by_customer"
    assert another["state"] == "confirmed"


def test_a_merchants_coupon_is_taken_off_its_own_lines_of_the_order(shop: Shop) -> None:
    other = other_sku(shop)
    offer(shop, merchant_id=other.merchant_id, kind=PromotionKind.AMOUNT, rule={"amount": 500})
    cart = shop.cart()
    add(shop, cart, other)

    bought = buy(shop, cart)

    by_merchant = {line["merchant_id"]: line["discount"] for line in bought["totals"]["lines"]}
    assert by_merchant == {
        encode("mer", shop.sku.merchant_id): 0,
        encode("mer", other.merchant_id): 500,
    }
    assert bought["order"]["total"] == 5_000 + 2_000 - 500 + 490 + 590


def test_a_merchants_free_shipping_is_of_its_own_parcel(shop: Shop, db: Database) -> None:
    other = other_sku(shop)
    kind = {"kind": PromotionKind.FREE_SHIPPING, "rule": {}}
    offer(shop, merchant_id=other.merchant_id, **kind)
    cart = shop.cart()
    add(shop, cart, other)

    bought = buy(shop, cart)

    assert bought["totals"]["coupon"]["amount"] == 590
    assert bought["order"]["total"] == 5_000 + 2_000 + 490
    with db.reading() as session:
        order = session.scalars(select(Order)).one()
    assert sorted(part["total"] for part in order.shipping_lines) == [0, 490]


def test_an_order_that_costs_nothing_by_its_coupon_asks_nobody_for_money(
    shop: Shop, db: Database
) -> None:
    with db.transaction() as session:
        session.execute(text("UPDATE shipping_rates SET price = 0"))
    offer(shop, rule={"rate_ppm": 1_000_000})

    bought = buy(shop, shop.cart(), token=DECLINED)

    assert (bought["state"], bought["order"]["total"]) == ("confirmed", 0)
    assert uses(db) == (1, [1], ["used"])


DAY = timedelta(days=1)
REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "coupon_unknown": ({"code": "OTHER"}, {}),
    "coupon_unknown-disabled": ({"status": CouponStatus.DISABLED}, {}),
    "coupon_expired": (
        {"valid_from": func.shop_now() - 2 * DAY, "valid_until": func.shop_now() - DAY},
        {},
    ),
    "coupon_not_yet_valid": ({"valid_from": func.shop_now() + DAY}, {}),
    "coupon_currency": ({"currency": "USD"}, {"currency": "USD"}),
    "coupon_minimum": (
        {"rule": {"rate_ppm": 1, "minimum": 5_001}},
        {"minimum": 5_001, "worth": 5_000},
    ),
    "coupon_used_up": ({"uses_max": 1}, {}),
}


@pytest.mark.parametrize(("given", "facts"), REFUSALS.values(), ids=REFUSALS)
def test_quote_and_purchase_refuse_alike_and_everything_is_given_back(
    shop: Shop, db: Database, request: pytest.FixtureRequest, given: Any, facts: dict[str, Any]
) -> None:
    code = request.node.callspec.id.split("-")[0]
    offer(shop, **given)
    if code == "coupon_used_up":
        buy(shop, shop.cart(), email="bea@example.com")
    cart = shop.cart()

    shown = quote(shop, cart)
    bought = buy(shop, cart)

    assert (shown.status_code, shown.json["code"]) in {(409, code), (422, code)}
    assert shown.json.items() >= facts.items()
    assert bought["state"] == "failed"
    assert bought["failure"].items() >= ({"code": code} | facts).items()
    with db.reading() as session:
        reserved = session.scalar(select(func.sum(Inventory.stock_reserved)))
        held = session.scalar(select(func.count()).where(CouponRedemption.status == "held"))
    assert (reserved, held) == (1 if code == "coupon_used_up" else 0, 0)


def test_a_coupon_of_a_merchant_who_sells_nothing_here_is_unknown(shop: Shop) -> None:
    offer(shop, merchant_id=other_sku(shop).merchant_id)
    cart = shop.cart()

    shown = quote(shop, cart)

    assert (shown.status_code, shown.json["code"]) == (422, "coupon_unknown")
    assert buy(shop, cart)["failure"]["code"] == "coupon_unknown"


def test_a_total_that_was_not_agreed_to_takes_no_coupon(shop: Shop, db: Database) -> None:
    offer(shop)

    refused = buy(shop, shop.cart(), expected_total=1)

    assert refused["failure"]["code"] == "price_changed"
    assert uses(db) == (0, [], [])


def test_a_purchase_with_a_coupon_is_three_commits_too_and_seven_statements_more(
    shop: Shop, db: Database
) -> None:
    offer(shop, uses_max=5, uses_per_customer=5)
    cost = []
    for given in ({"coupon": None}, {"coupon": "SPRING"}):
        shop.buy(shop.cart(), **given)
        with statements(db) as sql:
            shop.work()
        cost.append(len(sql))

    # look it up; lock it; its customers; count; count by customer; write it down; use it
    assert cost[1] - cost[0] <= 7
