"""An order goes its road through the doors, and its buyer reads of every step once."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.accounts.models import User
from app.adapters.mail.smtp import SmtpMail
from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.events.consumer import Consumer
from app.events.registry import consumers
from app.events.relay import Relay
from app.notifications import service
from app.platform.ids import decode
from app.saga import incidents
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Street, paying, street
from tests.notifications.conftest import Read


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
