"""A Stripe of its own for each test, spoken to by the real client; every answer is checked."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from devstack.stripe import RunningServer, StripeEmulator, serve
from tests.devstack.stripe import specification
from tests.devstack.stripe.shop import Shop

KEY = "sk_test_emulated"


class Clock:
    """The emulator's time, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def forward(self, seconds: float) -> None:
        self.seconds += seconds


class CheckedClient(stripe.RequestsClient):
    """The real client's transport; fails where an answer is not what Stripe documents."""

    def request(self, method, url, headers, post_data=None):
        body, status, answer_headers = super().request(method, url, headers, post_data)
        specification.check(json.loads(body))
        return body, status, answer_headers


class Payments:
    """A Stripe client with the few calls every test makes."""

    def __init__(self, url: str) -> None:
        self._http = CheckedClient()
        self.client = stripe.StripeClient(
            KEY, base_addresses={"api": url}, max_network_retries=0, http_client=self._http
        )
        self.intents = self.client.v1.payment_intents
        self.refunds = self.client.v1.refunds
        self.charges = self.client.v1.charges
        self.events = self.client.v1.events

    def create(self, *, key: str | None = None, **fields: Any) -> stripe.PaymentIntent:
        options = {"idempotency_key": key} if key else {}
        whole = {"amount": 2000, "currency": "usd", "payment_method_types": ["card"], **fields}
        return self.intents.create(whole, options)

    def authorize(self, card: str = "pm_card_visa", **fields: Any) -> stripe.PaymentIntent:
        return self.create(confirm=True, capture_method="manual", payment_method=card, **fields)

    def pay(self, card: str = "pm_card_visa", **fields: Any) -> stripe.PaymentIntent:
        return self.create(confirm=True, payment_method=card, **fields)

    def happened(self) -> list[str]:
        return [event.type for event in self.events.list({"limit": 100}).data][::-1]

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_server(clock) -> Iterator[Callable[..., RunningServer]]:
    servers: list[RunningServer] = []

    def start(**settings: Any) -> RunningServer:
        servers.append(serve(StripeEmulator(now=clock, **settings)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server(open_server) -> RunningServer:
    return open_server()


@pytest.fixture
def emulator(server) -> StripeEmulator:
    return server.emulator


@pytest.fixture
def open_payments() -> Iterator[Callable[[str], Payments]]:
    clients: list[Payments] = []

    def start(url: str) -> Payments:
        clients.append(Payments(url))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def payments(server, open_payments) -> Payments:
    return open_payments(server.url)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as receiver:
        yield receiver
