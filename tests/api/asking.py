"""Asks any operation of the document by its name, once what it needs is there."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import delete, select
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from app.accounts.models import Merchant, Role, TokenPurpose
from app.notifications import service as letters
from app.payments.models import Payment
from app.platform.ids import decode, new_id
from app.shipping.models import ShippingRate, ShippingZone
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from devstack.stripe.webhooks import signature
from tests.api.mailed import mailed
from tests.api.people import PASSWORD, Person, Street, opened
from tests.conftest import CARRIER_SECRET, WEBHOOK_SECRET
from tests.factories import make_shipping_rate

Ids = Mapping[str, str]
Asker = Callable[[Street], Person]
Maker = Callable[[Street], dict[str, str]]
Body = Any  # or what makes one of the ids of whoever asks
SENT_BACK = {"lines": [{"line": 1, "qty": 1}], "reason": "size"}
ARRIVED = {"lines": [{"line": 1, "received": 1}]}


@contextmanager
def sending(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, folder: Path, *, is_audited: bool = True
) -> Iterator[Street]:
    """A street of its own for a whole module, with a place for labels and a carrier that is
    believed."""
    given: dict[str, Any] = {
        "files_url": folder.as_uri(),
        "carrier_webhook_secret": SecretStr(CARRIER_SECRET),
    }
    with opened(postgres, valkey, is_audited=is_audited, **given) as street:
        yield street


@dataclass(frozen=True)
class Signed:
    """A body that proves who sent it."""

    data: bytes
    headers: dict[str, str]


@lru_cache(maxsize=1)
def operations(client: FlaskClient) -> dict[str, tuple[str, str]]:
    """Method and path of every operation in the document that is served, by its name."""
    document = client.get("/openapi.json").json or {}
    return {
        operation["operationId"]: (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def ask(name: str, person: Person, body: Body = None, *, query: str = "") -> TestResponse:
    """Ask an operation; path, query and body take the ids of whoever asks."""
    method, path = operations(person.client)[name]
    sent = body(person.ids) if callable(body) else body
    given: dict[str, Any] = {} if sent is None else {"json": sent}
    headers = person.headers
    if isinstance(sent, Signed):
        given = {"data": sent.data, "content_type": "application/json"}
        headers = headers | sent.headers
    address = (path + query).format_map(person.ids)
    answer = person.client.open(address, method=method, headers=headers, **given)
    answer.get_data()  # what is streamed is asked for while it is read
    return answer


def by(who: str, *made: Maker) -> Asker:
    """Somebody on the street, who knows the ids of the merchant and of what is made for this."""

    def asker(shop: Street) -> Person:
        person = shop.people[who]
        ids = shop.people["merchant"].ids | person.ids
        for make in made:
            ids |= make(shop)
        return Person(person.client, dict(person.headers), ids)

    return asker


def new(name: str, kind: str, asker: Asker, body: Body = None) -> Maker:
    """One more of a kind, made by its own operation."""

    def make(shop: Street) -> dict[str, str]:
        person = asker(shop)
        answer = ask(name, person, body)
        assert answer.status_code in (200, 201, 202), answer.json
        shop.queue.drain()
        return person.ids | {kind: (answer.json or {})["id"]}

    return make


def word() -> str:
    """One that was not said before."""
    return new_id().hex[-10:]


def member(shop: Street) -> Person:
    """Somebody who has just signed up."""
    email = f"{word()}@example.com"
    answer = shop.client.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    session = dict(answer.json or {})
    proof = {"Authorization": f"Bearer {session['access_token']}"}
    ids = {"email": email, "refresh_token": session["refresh_token"]}
    return Person(shop.client, proof, ids)


def with_token(purpose: TokenPurpose) -> Asker:
    """The same, with the token of a letter."""

    def asker(shop: Street) -> Person:
        person = member(shop)
        if purpose is TokenPurpose.RESET:
            ask("forgot_password", person, {"email": person.ids["email"]})
        person.ids["token"] = mailed(shop.wired, purpose, person.ids["email"])
        return person

    return asker


def shopper(shop: Street) -> Person:
    """A guest with a boot in its cart."""
    guest = shop.visitor()
    guest.ids["sku_id"] = shop.sku_id
    return guest


def changing_sides(shop: Street) -> Person:
    """The same, who has signed in meanwhile."""
    guest, person = shopper(shop), member(shop)
    return Person(shop.client, person.headers | guest.headers, guest.ids)


def waiting(shop: Street) -> Person:
    """A guest whose checkout has begun."""
    guest = shopper(shop)
    guest.buy()
    return guest


def ordered(shop: Street) -> dict[str, str]:
    """An order of the street's customer, paid."""
    return _order(shop, shop.people["customer"])


def sent(shop: Street) -> dict[str, str]:
    """An order, and the parcel it left in."""
    return _parcel(shop, ordered(shop))


def reader(shop: Street) -> Person:
    """A customer who was sent a boot, and has not said yet what it is like."""
    person = shop.person(Role.CUSTOMER)
    person.ids |= _parcel(shop, _order(shop, person))
    person.ids["product_id"] = shop.people["merchant"].ids["product_id"]
    return person


def critic(shop: Street) -> Person:
    """The same, who has said it; nobody has read it."""
    person = reader(shop)
    answer = ask("write_review", person, {"rating": 4})
    person.ids["review_id"] = (answer.json or {})["id"]
    return person


def _order(shop: Street, customer: Person) -> dict[str, str]:
    buyer = Person(customer.client, customer.headers)
    buyer.cart(shop.sku_id)
    buyer.buy()
    shop.queue.drain()
    seen = buyer.get(f"/v1/checkout/{buyer.ids['checkout_id']}").json or {}
    assert seen["state"] == "confirmed", seen
    return {"order_id": seen["order_id"], "checkout_id": seen["id"]}


def _parcel(shop: Street, ids: Ids) -> dict[str, str]:
    told = _send(shop, ids).json or {}
    shop.queue.drain()
    parcel = shop.people["merchant"].get(f"/v1/shipments/{told['id']}").json or {}
    about = {"shipment_id": told["id"], "number": parcel["tracking_number"], "carrier": "table"}
    return {**ids, **about}


def stuck(shop: Street) -> dict[str, str]:
    """An order whose parcel nobody would carry after its money was taken."""
    ids = ordered(shop)
    with shop.wired.db.transaction() as session:
        merchant = session.get_one(Merchant, shop.sku.merchant_id)
        rate = make_shipping_rate(session, merchant=merchant, service="rocket", priority=1)
    answer = _send(shop, ids, service="rocket")
    with shop.wired.db.transaction() as session:
        session.execute(delete(ShippingRate).where(ShippingRate.id == rate.id))
        session.execute(delete(ShippingZone).where(ShippingZone.id == rate.zone_id))
    shop.queue.drain()
    return ids | {"shipment_id": (answer.json or {})["id"]}


def paid_back_elsewhere(shop: Street, order_id: str) -> None:
    """All the money of an order goes back without the shop: what it gives back itself fails."""
    with shop.wired.db.reading() as session:
        mine = select(Payment).where(Payment.order_id == decode("ord", order_id))
        payment = session.scalars(mine).one()
    assert shop.wired.payments is not None
    assert payment.psp_ref is not None
    shop.wired.payments.repay(
        payment.psp_ref, payment.captured, refund_id=new_id(), key=f"by-hand-{word()}"
    )


def carried(status: str) -> Callable[[Ids], Signed]:
    """What the carrier tells of a parcel."""

    def told(ids: Ids) -> Signed:
        at, event = datetime.now(UTC), word()
        about = {"tracking_number": ids["number"], "status": status}
        body = json.dumps(about | {"happened_at": at.isoformat()})
        headers = {
            "webhook-id": event,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(CARRIER_SECRET).sign(event, at, body),
        }
        return Signed(body.encode(), headers)

    return told


def paid_for(_ids: Ids) -> Signed:
    """What the payment provider tells of a payment."""
    thing = {"id": "pi_1", "object": "payment_intent"}
    event = {"id": f"evt_{word()}", "type": "payment_intent.succeeded", "data": {"object": thing}}
    body = json.dumps(event).encode()
    return Signed(body, {"Stripe-Signature": signature(body, WEBHOOK_SECRET, at=time.time())})


def letter(shop: Street) -> dict[str, str]:
    """The token of a letter that can be stopped."""
    about: dict[str, Any] = {
        "event_id": new_id(),
        "subject_id": new_id(),
        "recipient": "ada@example.com",
    }
    with shop.wired.db.transaction() as session:
        queued = letters.queue_letter(session, "review_invitation", **about)
    assert queued is not None
    return {"token": shop.wired.links.token(queued)}


def _send(shop: Street, ids: Ids, **body: Any) -> TestResponse:
    merchant = shop.people["merchant"]
    answer = merchant.post(f"/v1/orders/{ids['order_id']}/shipments", body)
    assert answer.status_code == 202, answer.json
    return answer
