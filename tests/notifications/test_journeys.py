"""An order goes its road through the doors, and its buyer reads of every step once."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import User
from app.adapters.mail.smtp import SmtpMail
from app.adapters.queue.inline import InlineQueue
from app.catalog.models import Sku
from app.config import Settings
from app.events.consumer import Consumer
from app.events.registry import consumers
from app.events.relay import Relay
from app.inventory.models import Inventory
from app.notifications import service
from app.platform.ids import decode
from app.saga import incidents
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.notifications.conftest import Read

CUSTOMER = "ada@example.com"  # as every purchase on the street is told


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose customer has bought one boot."""
    return street(providers, queue, client)


@pytest.fixture
def work(
    shop: Street, mail: SmtpMail, arrived: Callable[[], list[Read]]
) -> Callable[[], list[Read]]:
    """Let sagas, relay, consumers and the postman do what there is to do; gives what arrived."""

    def work() -> list[Read]:
        before, wired = len(arrived()), shop.wired
        for _ in range(3):
            shop.queue.drain()
            Relay(wired.db, wired.bus).publish_all()
            options = {"db": wired.db, "bus": wired.bus, "queue": wired.queue}
            for name in consumers():
                Consumer(name, incidents=incidents, **options).catch_up()
        service.deliver_due(wired.db, mail, wired.links)
        return arrived()[before:]

    return work


def test_who_bought_reads_of_the_parcel_the_delivery_and_the_refund(
    shop: Street, work: Callable[[], list[Read]]
) -> None:
    customer, merchant = shop.people["customer"], shop.people["merchant"]
    with shop.wired.db.transaction() as session:
        session.get_one(User, decode("usr", customer.ids["user_id"])).locale = "de"
    work()
    road = f"/v1/orders/{shop.buyer(customer).ids['order_id']}"

    confirmed = work()
    shipment = merchant.post(f"{road}/shipments", {})
    shipped = work()
    merchant.post(f"/v1/shipments/{(shipment.json or {})['id']}/delivered", {})
    delivered = work()
    refund = merchant.post(f"{road}/refunds", {"amount": 500, "reason": "scratched"})
    refunded = work()

    assert (shipment.status_code, refund.status_code) == (202, 202)
    steps = (confirmed, shipped, delivered, refunded)
    for letters, word in zip(
        steps, ("bestätigt", "unterwegs", "zugestellt", "5,00\xa0€"), strict=True
    ):
        (letter,) = letters
        assert word in letter.text + letter.message["Subject"]


def test_who_cancels_reads_that_nothing_was_taken(
    shop: Street, work: Callable[[], list[Read]]
) -> None:
    customer = shop.people["customer"]
    work()

    answer = customer.post(
        f"/v1/orders/{customer.ids['order_id']}/cancel", {"reason": "changed my mind"}
    )
    (letter,) = work()

    assert answer.status_code == 202, answer.json
    assert "is canceled" in letter.message["Subject"]
    assert "Nothing was collected" in letter.text


def test_who_sends_goods_back_reads_of_each_step_and_so_does_who_takes_them(
    shop: Street, work: Callable[[], list[Read]]
) -> None:
    customer, merchant = shop.people["customer"], shop.people["merchant"]
    mailbox, sellers = CUSTOMER, _mailbox(shop, merchant)
    road = f"/v1/orders/{customer.ids['order_id']}"
    merchant.post(f"{road}/shipments", {})
    work()

    asked = customer.post(f"{road}/returns", {"lines": [{"line": 1, "qty": 1, "reason": "small"}]})
    requested = work()
    path = asked.headers["Location"]
    merchant.post(f"{path}/approve")
    approved = work()
    merchant.post(f"{path}/receive", {"lines": [{"line": 1, "received": 1}]})
    home = work()

    assert {(read.message["To"], read.message["Subject"]) for read in requested} == {
        (mailbox, f"Your request to return goods of order {_number(shop, customer)}"),
        (sellers, f"A return for order {_number(shop, customer)} waits for your decision"),
    }
    assert [(read.message["To"], "is approved" in read.text) for read in approved] == [
        (mailbox, True)
    ]
    assert [read.message["To"] for read in home] == [mailbox, mailbox]
    received, refunded = sorted(home, key=lambda read: "€50.00" in read.text)
    assert "Your return has arrived" in received.text
    assert "€50.00" in refunded.text
    assert (customer.get(path).json or {})["state"] == "refunded"


@pytest.mark.parametrize(
    ("act", "words"), [("cancel", "You keep these goods"), ("refuse", "was not approved")]
)
def test_who_keeps_the_goods_after_all_reads_why_no_money_comes(
    shop: Street, work: Callable[[], list[Read]], act: str, words: str
) -> None:
    customer, merchant = shop.people["customer"], shop.people["merchant"]
    road = f"/v1/orders/{customer.ids['order_id']}"
    merchant.post(f"{road}/shipments", {})
    work()
    asked = customer.post(f"{road}/returns", {"lines": [{"line": 1, "qty": 1}]})
    work()

    who, body = (customer, None) if act == "cancel" else (merchant, {"reason": "worn"})
    answer = who.post(f"{asked.headers['Location']}/{act}", body)
    (letter,) = work()

    assert answer.status_code == 202, answer.json
    assert letter.message["To"] == CUSTOMER
    assert words in letter.text


def test_a_purchase_that_leaves_few_units_is_told_to_the_merchant_once(
    shop: Street, work: Callable[[], list[Read]]
) -> None:
    merchant, customer = shop.people["merchant"], shop.people["customer"]
    with shop.wired.db.transaction() as session:
        session.get_one(Sku, shop.sku.id).low_stock_at = _left(shop) - 1
    work()

    shop.buyer(customer)
    first, left = work(), _left(shop)
    shop.buyer(customer)
    second = work()

    to_the_merchant = [
        [read for read in letters if read.message["To"] == _mailbox(shop, merchant)]
        for letters in (first, second)
    ]
    ((low,), none) = to_the_merchant
    assert "runs low" in low.message["Subject"]
    assert f"{left} units" in low.text
    assert none == []


def _left(shop: Street) -> int:
    """Units of the boot that can still be sold."""
    units = select(Inventory.stock_available).where(Inventory.sku_id == shop.sku.id)
    with shop.wired.db.reading() as session:
        return session.scalars(units).one()


def _mailbox(shop: Street, person: Person) -> str:
    """Where letters to this person go."""
    with shop.wired.db.reading() as session:
        return session.get_one(User, decode("usr", person.ids["user_id"])).email


def _number(shop: Street, customer: Person) -> str:
    """What the customer calls the order."""
    order = customer.get(f"/v1/orders/{customer.ids['order_id']}").json or {}
    return str(order["number"])
