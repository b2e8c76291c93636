"""No vendor is called while rows are locked: every outbound call refuses inside a transaction."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.adapters.carriers.table import TableCarrier
from app.adapters.carriers.table_rates import TableRates
from app.adapters.files.local import LocalFiles
from app.adapters.mail.smtp import SmtpMail
from app.adapters.payments.stripe import StripePayments
from app.adapters.streams.redis_streams import RedisStreams
from app.events.envelope import CloudEvent
from app.events.ports import Delivery, EventBus, Subscription
from app.notifications.ports import Letter, MailSender
from app.payments.ports import PaymentProvider, StoredRequest
from app.platform.db import Database
from app.platform.files import Files
from app.platform.ids import new_id
from app.platform.seams import CallInsideTransaction, transaction_open
from app.shipping.ports import CarrierLabels, CarrierRates, Parcel
from tests.architecture.source import modules

NOWHERE = "http://127.0.0.1:9"
THEN = datetime(2026, 1, 1, tzinfo=UTC)
STRIPE = StripePayments(api_key="sk_test", api_base=NOWHERE, seconds_max=1)
MAIL = SmtpMail("smtp://127.0.0.1:9", sender="Shop <shop@example.com>")
FILES = LocalFiles(Path("never-written"))
CARRIER = TableCarrier(Database("postgresql+psycopg://nobody@127.0.0.1:9/none"), public_url=NOWHERE)
PARCEL = Parcel(new_id(), "standard", "EUR", 1, {}, {}, "100001", [])
LETTER = Letter(
    id=new_id(), recipient="ada@example.com", subject="Hello", text="Hello", html="<p>Hello</p>"
)
EVENT = CloudEvent(
    id=new_id(),
    position=1,
    topic="orders",
    key="1",
    type="order.created",
    version=1,
    at=THEN,
    data={},
)
Call = Callable[[], Any]
CALLS_OUT: dict[str, Call] = {
    "PaymentProvider.authorize": lambda: STRIPE.authorize(StoredRequest({}), key="1"),
    "PaymentProvider.retrieve": lambda: STRIPE.retrieve("pi_1"),
    "PaymentProvider.find": lambda: STRIPE.find(new_id(), since=THEN, until=THEN),
    "PaymentProvider.holds": lambda: list(STRIPE.holds(since=THEN, until=THEN)),
    "PaymentProvider.void": lambda: STRIPE.void("pi_1", key="1"),
    "PaymentProvider.refund": lambda: STRIPE.refund("pi_1", key="1"),
    "PaymentProvider.capture": lambda: STRIPE.capture(
        "pi_1", 1, capture_id=new_id(), final=True, key="1"
    ),
    "PaymentProvider.repay": lambda: STRIPE.repay("pi_1", 1, refund_id=new_id(), key="1"),
    "PaymentProvider.repayments": lambda: STRIPE.repayments("pi_1"),
    "MailSender.send": lambda: MAIL.send(LETTER),
    "CarrierLabels.buy": lambda: CARRIER.buy(PARCEL, reference="shp_1"),
    "Files.put": lambda: FILES.put("labels/1.pdf", b"", media_type="application/pdf"),
    "Files.get": lambda: FILES.get("labels/1.pdf"),
    "Files.delete": lambda: FILES.delete("labels/1.pdf"),
}
ON_THE_BUS: dict[str, Callable[[RedisStreams], Any]] = {
    "EventBus.publish": lambda bus: bus.publish([EVENT]),
    "Subscription.read": lambda bus: bus.subscribe("g", ["orders"]).read(
        limit=1, wait_seconds=0.01
    ),
    "Subscription.acknowledge": lambda bus: bus.subscribe("g", ["orders"]).acknowledge(
        [Delivery(topic="orders", receipt="0-1", text="", event=None)]
    ),
}
STAYS_HERE = {
    "PaymentProvider.name": "a word",
    "PaymentProvider.authorization": "writes the request down",
    "PaymentProvider.verify_event": "counts a signature",
    "EventBus.subscribe": "begins a reader's life, before any row",
    "EventBus.status": "asked by people and probes alone",
    "Subscription.close": "hangs up",
    "CarrierRates.name": "a word",
    "CarrierRates.look": "a table has nobody to ask",
    "CarrierLabels.name": "a word",
    "CarrierLabels.find": "a table has nobody to ask",
    "CarrierLabels.verify_event": "reads what has come",
}
PORTS = (
    PaymentProvider, MailSender, EventBus, Subscription, CarrierRates, CarrierLabels, Files,
)  # fmt: skip
VENDORS = {"stripe", "smtplib", "redis", "requests", "easypost", "boto3", "elasticsearch"}


@pytest.mark.parametrize("call", CALLS_OUT.values(), ids=CALLS_OUT)
def test_a_vendor_is_not_called_inside_a_transaction(call: Call) -> None:
    with transaction_open(), pytest.raises(CallInsideTransaction):
        call()


@pytest.mark.parametrize("call", ON_THE_BUS.values(), ids=ON_THE_BUS)
def test_the_bus_is_not_called_inside_a_transaction(
    redis_url: str, call: Callable[[RedisStreams], Any]
) -> None:
    bus = RedisStreams(redis_url)

    with transaction_open(), pytest.raises(CallInsideTransaction):
        call(bus)


def test_every_word_of_every_outer_port_is_listed_here() -> None:
    words = {
        f"{port.__name__}.{name}"
        for port in PORTS
        for name in [*vars(port), *inspect.get_annotations(port)]
        if not name.startswith("_")
    }

    assert words == CALLS_OUT.keys() | ON_THE_BUS.keys() | STAYS_HERE.keys()


def test_the_carriers_of_today_are_a_table() -> None:
    with transaction_open():
        assert TableRates().look({}, country="DE", currency="EUR") == []


def test_vendors_stop_at_their_adapters() -> None:
    known = {
        module.name
        for module in modules("app")
        if not module.name.startswith("app/adapters/")
        for line in module.text.splitlines()
        if line.strip().startswith(("import ", "from "))
        and line.split()[1].split(".")[0] in VENDORS
    }

    assert known == {
        "app/platform/redis.py",
        "app/web/problems.py",  # says in the shop's words that Redis is away
        "app/web/hints.py",
        "app/web/limits.py",
    } | {name for name in known if name.startswith(("app/inventory/", "app/cart/", "app/catalog/"))}
