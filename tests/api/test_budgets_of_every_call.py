"""What each operation of the API may cost PostgreSQL, asked once with all it needs at hand.

The ceilings are what was measured when they were written: a call that needs more has to say why,
here. What guests, keys of repetition and caches change is held beside this, in `test_budgets`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.accounts.models import TokenPurpose
from app.platform.ids import encode
from app.saga.models import Incident
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from tests.api.asking import (
    ARRIVED,
    SENT_BACK,
    Asker,
    Body,
    Ids,
    ask,
    by,
    carried,
    changing_sides,
    critic,
    letter,
    member,
    new,
    operations,
    ordered,
    paid_back_elsewhere,
    paid_for,
    reader,
    sending,
    sent,
    shopper,
    stuck,
    waiting,
    with_token,
    word,
)
from tests.api.people import PASSWORD, Street
from tests.factories import ADDRESS
from tests.statements import statements


@dataclass(frozen=True)
class Call:
    """So many statements at most, when such a person asks so."""

    most: int
    asker: Asker
    body: Body = None
    query: str = ""


NOBODY, CUSTOMER, MERCHANT, OPS = by("nobody"), by("customer"), by("merchant"), by("ops")
TENTH = {"kind": "percent", "rate_ppm": 100_000}
TAX = {"country": "IS", "name": "VSK", "rate_ppm": 240_000, "included": True}
PLACE = {"name": "Hamburg", "country": "DE"}
ZONE = {"name": "Iceland", "countries": ["IS"]}
RATE = {"service": "slow", "carrier": "DHL", "name": "Ship", "days_min": 3, "days_max": 9}
ENTRY = {"address": ADDRESS}


def _coupon(_ids: Ids) -> dict[str, Any]:
    return TENTH | {"code": f"C-{word()}"}


def _product(_ids: Ids) -> dict[str, Any]:
    sku = {"code": word(), "price": 100, "currency": "EUR", "weight_g": 1, "stock": 3}
    return {"name": "Boot", "description": "", "skus": [sku]}


def _merchant(_ids: Ids) -> dict[str, Any]:
    barn = {"name": "Red Barn", "slug": word(), "currency": "EUR", "country": "DE"}
    return barn | {"owner_email": f"{word()}@example.com"}


def _purchase(ids: Ids) -> dict[str, Any]:
    paid = {"payment_method_token": "pm_card_visa", "email": "ada@example.com"}
    return paid | {"cart_id": ids["cart_id"], "shipping_address": ADDRESS}


address = new("add_address", "address_id", MERCHANT, ENTRY)
api_key = new("make_api_key", "key_id", MERCHANT, {"name": "Robot", "scopes": ["stock:read"]})
colleague = new("invite_person", "user_id", MERCHANT, lambda _: {"email": f"{word()}@example.com"})
coupon = new("create_coupon", "coupon_id", MERCHANT, _coupon)
tax_rate = new("add_tax_rate", "tax_rate_id", MERCHANT, TAX)
zone = new("add_shipping_zone", "zone_id", MERCHANT, ZONE)
rate = new(
    "add_shipping_rate",
    "shipping_rate_id",
    by("merchant", zone),
    lambda ids: RATE | {"zone_id": ids["zone_id"], "price": 100},
)
place = new("open_warehouse", "warehouse_id", MERCHANT, PLACE)
product = new("create_product", "product_id", MERCHANT, _product)
rival_shop = new("open_merchant", "merchant_id", OPS, _merchant)
invoice = new("issue_invoice", "invoice_id", by("merchant", sent))
refunded = new("refund_order", "refund_id", by("merchant", sent), {"amount": 100})
asked = new("request_return", "return_id", by("customer", sent), SENT_BACK)


def approved(shop: Street) -> dict[str, str]:
    """A return whose goods may be sent."""
    ids = asked(shop)
    shop.people["merchant"].post(f"/v1/returns/{ids['return_id']}/approve")
    shop.queue.drain()
    return ids


def unpaid(shop: Street) -> dict[str, str]:
    """A return whose goods are here and whose money could not be given back."""
    ids = approved(shop)
    paid_back_elsewhere(shop, ids["order_id"])
    shop.people["merchant"].post(f"/v1/returns/{ids['return_id']}/receive", ARRIVED)
    shop.queue.drain()
    return ids


def stuck_saga(shop: Street) -> dict[str, str]:
    """A saga that waits for a person: the parcel nobody would carry."""
    ids = stuck(shop)
    return ids | {"saga_id": ids["shipment_id"]}


def incident(shop: Street) -> dict[str, str]:
    """Something a person must look at."""
    with shop.wired.db.transaction() as session:
        row = Incident(kind="event_parked", subject=word())
        session.add(row)
        session.flush()
        return {"incident_id": encode("inc", row.id)}


def review(shop: Street) -> dict[str, str]:
    """A review of somebody."""
    return critic(shop).ids


CALLS: dict[str, Call] = {
    "livez": Call(0, NOBODY),
    "readyz": Call(2, NOBODY),
    "show_metrics": Call(7, NOBODY),
    # Accounts and sessions
    "register": Call(7, NOBODY, lambda _: {"email": f"{word()}@example.com", "password": PASSWORD}),
    "login": Call(3, member, lambda ids: {"email": ids["email"], "password": PASSWORD}),
    "refresh": Call(3, member, lambda ids: {"refresh_token": ids["refresh_token"]}),
    "logout": Call(2, member, lambda ids: {"refresh_token": ids["refresh_token"]}),
    "forgot_password": Call(3, member, lambda ids: {"email": ids["email"]}),
    "reset_password": Call(
        12,
        with_token(TokenPurpose.RESET),
        lambda ids: {"token": ids["token"], "password": "another horse battery"},
    ),
    "change_password": Call(9, member, {"current": PASSWORD, "new": "another horse battery"}),
    "verify_email": Call(6, with_token(TokenPurpose.VERIFY), lambda ids: {"token": ids["token"]}),
    "resend_verification": Call(4, member),
    "get_account": Call(1, CUSTOMER),
    "change_account": Call(2, CUSTOMER, {"name": "Ada"}),
    "export_account": Call(21, CUSTOMER),
    "erase_account": Call(30, member, {"password": PASSWORD}),
    "list_addresses": Call(2, MERCHANT),
    "add_address": Call(3, member, ENTRY),
    "change_address": Call(4, by("merchant", address), {"label": "Barn", "default": True}),
    "remove_address": Call(3, by("merchant", address)),
    "get_preferences": Call(2, CUSTOMER),
    "set_preferences": Call(3, CUSTOMER, {"low_stock": False}),
    "show_unsubscribe_page": Call(2, by("nobody", letter), query="?token={token}"),
    "unsubscribe": Call(3, by("nobody", letter), query="?token={token}"),
    # The catalog
    "list_products": Call(2, NOBODY),
    "list_categories": Call(1, NOBODY),
    "show_product": Call(3, by("nobody", product)),
    "list_reviews": Call(3, NOBODY),
    "create_product": Call(17, MERCHANT, _product),
    "change_product": Call(14, by("merchant", product), {"name": "Boot of leather"}),
    "archive_product": Call(7, by("merchant", product)),
    "list_own_products": Call(3, MERCHANT),
    "show_own_product": Call(3, MERCHANT),
    "list_stock": Call(1, MERCHANT),
    "receive_stock": Call(11, MERCHANT, lambda ids: {"sku_id": ids["sku_id"], "qty": 2}),
    "adjust_stock": Call(
        11, MERCHANT, lambda ids: {"sku_id": ids["sku_id"], "delta": -1, "note": "broken"}
    ),
    # Carts and purchases
    "show_own_cart": Call(1, shopper),
    "show_cart": Call(1, shopper),
    # Of a new cart it is asked once whether its person was erased meanwhile.
    "add_to_cart": Call(4, CUSTOMER, lambda ids: {"sku_id": ids["sku_id"], "qty": 1}),
    "change_cart_line": Call(1, shopper, {"qty": 2}),
    "remove_cart_line": Call(0, shopper),
    "merge_cart": Call(9, changing_sides),
    "quote_cart": Call(3, shopper, {"shipping_address": ADDRESS}),
    "start_checkout": Call(4, shopper, _purchase),
    "get_checkout": Call(6, by("customer", ordered)),
    "cancel_checkout": Call(3, waiting),
    "resume_checkout": Call(4, waiting),
    "receive_psp_event": Call(1, by("nobody", lambda _: {"provider": "stripe"}), paid_for),
    # Orders and their parcels
    "list_orders": Call(2, CUSTOMER),
    "get_order": Call(7, by("customer", sent)),
    "list_sold_orders": Call(2, MERCHANT),
    "show_sold_order": Call(6, by("merchant", sent)),
    "list_shipments": Call(4, by("customer", sent)),
    "send_shipment": Call(13, by("merchant", ordered), {}),
    "get_shipment": Call(4, by("customer", sent)),
    "show_label": Call(2, by("merchant", sent)),
    "retry_shipment": Call(9, by("merchant", stuck), {"service": "standard"}),
    "cancel_shipment": Call(19, by("merchant", stuck), {}),
    "deliver_shipment": Call(14, by("merchant", sent)),
    "track_parcel": Call(2, by("nobody", sent)),
    "receive_carrier_event": Call(12, by("nobody", sent), carried("delivered")),
    # What goes back
    "cancel_order": Call(5, by("customer", ordered), {}),
    "refund_order": Call(
        15, by("merchant", sent), {"lines": [{"line": 1, "qty": 1}], "restock": True}
    ),
    "list_refunds": Call(4, by("merchant", refunded)),
    "show_refund": Call(3, by("customer", refunded)),
    "request_return": Call(16, by("customer", sent), SENT_BACK),
    "list_returns": Call(3, by("customer", asked)),
    "show_return": Call(3, by("customer", asked)),
    "cancel_return": Call(9, by("customer", asked)),
    "approve_return": Call(13, by("merchant", asked)),
    "refuse_return": Call(13, by("merchant", asked), {"reason": "worn"}),
    "receive_return": Call(15, by("merchant", approved), ARRIVED),
    "retry_return": Call(31, by("merchant", unpaid)),
    "list_merchant_returns": Call(2, by("merchant", asked)),
    # Papers and reviews
    "issue_invoice": Call(13, by("merchant", sent)),
    "list_invoices": Call(2, by("customer", invoice)),
    "show_invoice": Call(2, by("customer", invoice)),
    "show_receipt": Call(7, by("customer", sent)),
    "write_review": Call(4, reader, {"rating": 4}),
    "change_review": Call(5, critic, {"rating": 2}),
    "withdraw_review": Call(5, critic),
    "list_own_reviews": Call(1, critic),
    "list_reviews_to_moderate": Call(1, by("ops", review)),
    "publish_review": Call(10, by("ops", review)),
    "reject_review": Call(5, by("ops", review), {"reason": "rude"}),
    # A merchant's own shop; who lets people or machines in or out must still be one of its people
    "show_settings": Call(1, MERCHANT),
    "write_settings": Call(1, MERCHANT, {"support_email": "barn@example.com"}),
    "list_api_keys": Call(1, MERCHANT),
    "make_api_key": Call(5, MERCHANT, {"name": "Robot", "scopes": ["stock:read"]}),
    "revoke_api_key": Call(3, by("merchant", api_key)),
    "list_people": Call(1, MERCHANT),
    "invite_person": Call(7, MERCHANT, lambda _: {"email": f"{word()}@example.com"}),
    "remove_person": Call(7, by("merchant", colleague)),
    "list_warehouses": Call(2, MERCHANT),
    "open_warehouse": Call(3, MERCHANT, PLACE),
    "change_warehouse": Call(3, by("merchant", place), {"priority": 70}),
    "list_tax_rates": Call(1, MERCHANT),
    "add_tax_rate": Call(3, MERCHANT, TAX),
    "end_tax_rate": Call(2, by("merchant", tax_rate), {}),
    "list_shipping_zones": Call(1, MERCHANT),
    "add_shipping_zone": Call(1, MERCHANT, ZONE),
    "end_shipping_zone": Call(3, by("merchant", rate), {}),
    "list_shipping_rates": Call(1, MERCHANT),
    "add_shipping_rate": Call(
        5, MERCHANT, lambda ids: RATE | {"zone_id": ids["zone_id"], "price": 100}
    ),
    "end_shipping_rate": Call(2, by("merchant", rate), {}),
    "list_coupons": Call(1, MERCHANT),
    "create_coupon": Call(5, MERCHANT, _coupon),
    "show_coupon": Call(2, MERCHANT),
    "disable_coupon": Call(3, by("merchant", coupon)),
    # Operations
    "list_all_coupons": Call(1, OPS),
    "create_shop_coupon": Call(4, OPS, lambda ids: {**_coupon(ids), "currency": "EUR"}),
    "show_any_coupon": Call(2, OPS),
    "disable_any_coupon": Call(3, by("ops", coupon)),
    "list_merchants": Call(1, OPS),
    "open_merchant": Call(9, OPS, _merchant),
    "get_merchant": Call(1, OPS),
    "suspend_merchant": Call(2, by("ops", rival_shop)),
    "activate_merchant": Call(1, by("ops", rival_shop)),
    "list_incidents": Call(1, by("ops", stuck)),
    "list_sagas": Call(6, by("ops", stuck)),
    "close_incident": Call(3, by("ops", incident), {"note": "Paid back by hand."}),
    "resume_saga": Call(5, by("ops", stuck_saga)),
    "list_letter_templates": Call(0, OPS),
    "preview_letter": Call(0, OPS, query="?template=order_confirmed"),
}


@pytest.fixture(scope="module")
def shop(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    """One shop for all of them; it must add up at the end."""
    with sending(postgres, valkey, tmp_path_factory.mktemp("files")) as street:
        yield street


@pytest.mark.parametrize("name", CALLS)
def test_a_call_stays_within_its_budget(shop: Street, name: str) -> None:
    call = CALLS[name]
    person = call.asker(shop)

    with statements(shop.wired.db) as sql:
        answer = ask(name, person, call.body, query=call.query)
    shop.queue.drain()

    assert answer.status_code < 300, answer.json
    assert len(sql) <= call.most, "\n".join(sql)


def test_every_operation_of_the_document_has_a_budget(shop: Street) -> None:
    assert set(CALLS) == set(operations(shop.client))
