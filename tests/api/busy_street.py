"""The street on a busy day: an order on every stretch of its road, and everybody's ids of it.

Whoever has something has it twice, at two stages: `ids` names what has gone far, `more` what has
not, or has gone wrong. `says` has what an act needs that no other may use up before it; with None,
what it leaves out.
"""

import time
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from app.accounts.models import Merchant, Role, TokenPurpose
from app.notifications import service as letters
from app.platform.ids import decode, encode, new_id
from app.saga import incidents
from app.web.auth import MACHINE
from devstack.stripe.webhooks import signature
from tests.api.mailed import mailed
from tests.api.people import BARN, PASSWORD, Person, Street
from tests.conftest import CARRIER_SECRET, WEBHOOK_SECRET
from tests.factories import ADDRESS, make_sku

ON_ITS_WAY = (
    "order_id", "shipment_id", "carrier", "number", "refund_id", "return_id", "invoice_id",
    "review_id", "product_id", "sku_id", "provider",
)  # fmt: skip
ONE_BACK = {"lines": [{"line": 1, "qty": 1, "reason": "too small"}], "reason": "size"}
ALWAYS = {"valid_from": None, "valid_until": None}
FREE_SHIPPING = {"kind": "free_shipping", "rate_ppm": None, "amount": None, "amount_max": None}
OTHERS_CARD = "pm_card_authenticationRequired"  # its checkout waits for its holder


def busy(shop: Street) -> Street:
    """The same street, where the customer's orders are shipped, stuck, refunded, sent back, billed
    and reviewed; with a machine of the merchant, and more that merchant and operations keep."""
    customer, merchant, ops = (shop.people[who] for who in ("customer", "merchant", "ops"))
    fresh = customer.ids["order_id"]
    _order_of_three_kinds(shop, customer)
    _sent(shop, customer, merchant)
    _gone_wrong(shop, customer, merchant)
    _arrived(shop, shop.people["guest"], merchant)
    _asked_back(shop, customer, merchant)
    _said(customer, ops)
    customer.more["order_id"] = fresh
    _waiting(shop, shop.people["visitor"])
    _kept(shop, customer, merchant)
    _known_to_others(shop, customer, merchant, ops)
    _said_once(shop, customer, merchant, ops)
    return shop


def signed(provider: str, body: bytes) -> dict[str, str]:
    """The headers by which a payment provider, or a carrier, proves that a body is its own."""
    if provider == "stripe":
        return {"Stripe-Signature": signature(body, WEBHOOK_SECRET, at=time.time())}
    at = datetime.now(UTC)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(CARRIER_SECRET).sign("evt_1", at, body.decode()),
    }


def _order_of_three_kinds(shop: Street, customer: Person) -> None:
    """Twenty boots and one each of two other kinds, paid."""
    with shop.wired.db.transaction() as session:
        merchant = session.get_one(Merchant, shop.sku.merchant_id)
        other, third = (make_sku(session, merchant=merchant, stock=50) for _ in range(2))
        customer.ids |= {"product_id": encode("prd", shop.sku.product_id), "sku_id": shop.sku_id}
        customer.more |= {
            "product_id": encode("prd", other.product_id), "sku_id": encode("sku", other.id),
        }  # fmt: skip
    customer.cart(shop.sku_id, 19)  # beside the one that lies there
    customer.cart(customer.more["sku_id"])
    customer.cart(encode("sku", third.id))
    customer.says["reviews"] = {"product_id": encode("prd", third.product_id)}
    shop.buyer(customer)


def _sent(shop: Street, customer: Person, merchant: Person) -> None:
    """Ten boots and the other kinds are sent, billed and delivered; some money is given back."""
    order = f"/v1/orders/{customer.ids['order_id']}"
    lines = [{"line": 1, "qty": 10}, {"line": 2, "qty": 1}, {"line": 3, "qty": 1}]
    parcel = _id(merchant.post(f"{order}/shipments", {"lines": lines}))
    shop.queue.drain()
    seen = _made(merchant.post(f"/v1/shipments/{parcel}/delivered"))
    refund = _id(merchant.post(f"{order}/refunds", {"amount": 300, "reason": "A scratch."}))
    invoice = f"/v1/merchant/orders/{customer.ids['order_id']}/invoice"
    customer.ids |= {
        "shipment_id": parcel,
        "carrier": seen["carrier"],
        "number": seen["tracking_number"],
        "refund_id": refund,
        "invoice_id": _id(merchant.post(invoice)),
        "provider": "stripe",
    }
    shop.queue.drain()


def _arrived(shop: Street, guest: Person, merchant: Person) -> None:
    """The guest's order is sent and delivered as a whole; nothing of it has come back."""
    order_id = guest.ids["order_id"]
    parcel = _id(merchant.post(f"/v1/orders/{order_id}/shipments", {}))
    shop.queue.drain()
    _made(merchant.post(f"/v1/shipments/{parcel}/delivered"))
    guest.ids["shipment_id"] = parcel
    merchant.says["refunds"] = {"order_id": order_id}


def _gone_wrong(shop: Street, customer: Person, merchant: Person) -> None:
    """Two parcels are to be sent by a service that is offered no more when the label is bought."""
    rate = {"service": "express", "carrier": "DHL", "name": "Air", "days_min": 1, "days_max": 1}
    zones = _made(merchant.get("/v1/merchant/shipping-zones"))["data"]
    rate |= {"zone_id": next(each["id"] for each in zones if "DE" in each["countries"])}
    rate_id = _id(merchant.post("/v1/merchant/shipping-rates", rate | {"price": 990}))
    body = {"lines": [{"line": 1, "qty": 1}], "service": "express"}
    path = f"/v1/orders/{customer.ids['order_id']}/shipments"
    parcel, other = (_id(merchant.post(path, body)) for _ in range(2))
    _made(merchant.post(f"/v1/merchant/shipping-rates/{rate_id}/end", {}))
    shop.queue.drain()
    seen = _made(merchant.get(f"/v1/shipments/{parcel}"))
    assert seen["state"] == "needs_attention", seen
    customer.more["shipment_id"] = parcel
    merchant.says["cancel"] = {"shipment_id": other}


def _asked_back(shop: Street, customer: Person, merchant: Person) -> None:
    """Three returns: one waits for its goods, two to be decided on."""
    merchant.says["refuse"] = {}
    for ids in (customer.more, customer.ids, merchant.says["refuse"]):
        asked = customer.post(f"/v1/orders/{customer.ids['order_id']}/returns", ONE_BACK)
        ids["return_id"] = _id(asked)
        shop.queue.drain()
    _made(merchant.post(f"/v1/returns/{customer.more['return_id']}/approve"))
    shop.queue.drain()


def _said(customer: Person, ops: Person) -> None:
    """Two reviews: one waits to be read, one is."""
    for ids in (customer.more, customer.ids):
        path = f"/v1/products/{ids['product_id']}/reviews"
        ids["review_id"] = _id(customer.post(path, {"rating": 5}))
    _made(ops.post(f"/v1/ops/reviews/{customer.more['review_id']}/publish"))


def _waiting(shop: Street, visitor: Person) -> None:
    """A cart is being paid for."""
    _made(visitor.buy(OTHERS_CARD))
    shop.queue.drain()


def _kept(shop: Street, customer: Person, merchant: Person) -> None:
    """A machine with all a machine may have; a colleague; an entry in the customer's book."""
    scopes = sorted(scope.value for scope in MACHINE)
    made = _made(merchant.post("/v1/merchant/api-keys", {"name": "Mill", "scopes": scopes}))
    proof = {"Authorization": f"Bearer {made['key']}"}
    shop.people["machine"] = Person(shop.client, proof, merchant.ids, merchant.more, merchant.says)
    colleague = shop.person(Role.MERCHANT, merchant_id=shop.sku.merchant_id)
    merchant.more["user_id"] = colleague.ids["user_id"]
    entry = customer.post("/v1/account/addresses", {"address": ADDRESS | BARN})
    customer.ids["address_id"] = _id(entry)


def _known_to_others(shop: Street, customer: Person, merchant: Person, ops: Person) -> None:
    """Who sells knows what is on its way; operations know all of it and what needs a person, and
    have a coupon of their own and the merchant next door."""
    for name in ON_ITS_WAY:
        merchant.ids |= {name: customer.ids[name]}
        merchant.more |= {name: customer.more[name]} if name in customer.more else {}
    ops.ids |= merchant.ids | {"saga_id": customer.more["shipment_id"]}
    ops.more |= merchant.more | {"merchant_id": shop.people["rival"].ids["merchant_id"]}
    tenth = {"code": "ALL-OVER", "kind": "percent", "rate_ppm": 100_000, "currency": "EUR"}
    ops.ids["coupon_id"] = _id(ops.post("/v1/ops/coupons", tenth))
    ops.more["incident_id"] = _made(ops.get("/v1/ops/incidents"))["data"][0]["id"]
    with shop.wired.db.transaction() as session:
        incidents.open_incident(session, kind="unknown_money", subject="pi_of_nobody", detail={})
    ops.ids["incident_id"] = _made(ops.get("/v1/ops/incidents"))["data"][0]["id"]


def _said_once(shop: Street, customer: Person, merchant: Person, ops: Person) -> None:
    """Passwords, the tokens of letters and of carts, and what is told by others."""
    for person in (customer, merchant, ops):
        email = _made(person.get("/v1/account"))["email"]
        person.says["erase"] = {"password": PASSWORD}
        person.says["login"] = {"email": email, "password": PASSWORD}
        person.says["coupons"] = FREE_SHIPPING | ALWAYS
        person.says["password"] = {"current": PASSWORD, "new": PASSWORD}
    login = _made(shop.client.post("/v1/auth/login", json=customer.says["login"]))
    customer.says["refresh"] = {"refresh_token": login["refresh_token"]}
    email = {"email": customer.says["login"]["email"]}
    _made(customer.post("/v1/auth/verify/resend"))
    _made(customer.post("/v1/auth/forgot", email))
    for word, purpose in (("verify", TokenPurpose.VERIFY), ("reset", TokenPurpose.RESET)):
        token = mailed(shop.wired, purpose, email["email"])
        customer.says[word] = {"token": token, "password": PASSWORD}
    customer.says["merge"] = shop.visitor().headers
    customer.says["unsubscribe"] = {"token": _invitation(shop, customer)}


def _invitation(shop: Street, customer: Person) -> str:
    """The token in an invitation to review, by which whoever reads it may have no more of them."""
    with shop.wired.db.transaction() as session:
        letter = letters.queue_letter(
            session,
            "review_invitation",
            event_id=new_id(),
            subject_id=decode("ord", customer.ids["order_id"]),
            recipient=customer.says["login"]["email"],
        )
    assert letter is not None
    return shop.wired.links.token(letter)


def _id(answer: TestResponse) -> str:
    return str(_made(answer)["id"])


def _made(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code in (200, 201, 202), answer.json or answer.request.path
    return dict(answer.json or {})
