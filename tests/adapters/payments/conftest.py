"""Each payment adapter, connected to a provider that can be told to misbehave."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.adapters.payments.stripe import StripePayments
from app.payments.ports import Hold, PaymentProvider, StoredRequest
from app.platform.ids import new_id
from app.platform.money import Money
from devstack.stripe import StripeEmulator, serve

WEBHOOK_SECRET = "whsec_contract"
API_KEY = "sk_test_contract"
VISA = "pm_card_visa"


@dataclass
class World:
    """A provider, the port to it, and what a test may do to it behind the port's back."""

    provider: PaymentProvider
    impatient: PaymentProvider  # waits a fraction of a second
    emulator: StripeEmulator
    moment: list[float]
    ids: dict[str, UUID] = field(default_factory=lambda: {"payment_id": new_id()})

    def request(
        self, token: str = VISA, *, amount: int = 4_200, payment_id: UUID | None = None
    ) -> StoredRequest:
        """A request for a hold of 42.00 EUR."""
        return self.provider.authorization(
            Money(amount, "EUR"),
            token=token,
            payment_id=payment_id or self.ids["payment_id"],
            checkout_id=new_id(),
            order_id=new_id(),
            return_url="https://shop.example/return",
        )

    def hold(self, token: str = VISA, *, key: str = "key-1") -> Hold:
        """Money held, or refused."""
        return self.provider.authorize(self.request(token), key=key)

    def find(self) -> Hold | None:
        """What the provider has for our payment, made within the hour."""
        hour = 3_600
        return self.provider.find(
            self.ids["payment_id"], since=self.ago(hour), until=self.ago(-hour)
        )

    def ago(self, seconds: float) -> datetime:
        """A moment before now at the provider."""
        return datetime.fromtimestamp(self.moment[0], UTC) - timedelta(seconds=seconds)

    def made(self) -> int:
        """How many holds the provider ever made."""
        return len(self.emulator.recent_intents(limit=1_000))

    def capture(self, reference: str, *, amount: int | None = None) -> None:
        """Take the money, as somebody at the dashboard would."""
        amounts = {} if amount is None else {"amount_to_capture": amount}
        self.provider._intents.capture(reference, amounts)  # type: ignore[attr-defined]

    def advance(self, seconds: float) -> None:
        """Let time pass at the provider."""
        self.moment[0] += seconds


def _stripe(url: str, seconds_max: float) -> PaymentProvider:
    return StripePayments(
        api_key=API_KEY, api_base=url, webhook_secret=WEBHOOK_SECRET, seconds_max=seconds_max
    )


ADAPTERS: dict[str, Callable[[str, float], PaymentProvider]] = {"stripe": _stripe}


@pytest.fixture(params=sorted(ADAPTERS))
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """One provider that forgets nothing until the test ends."""
    moment = [time.time()]
    emulator = StripeEmulator(search_lag=60.0, now=lambda: moment[0])
    make = ADAPTERS[request.param]
    with serve(emulator) as server:
        patient, impatient = make(server.url, 10.0), make(server.url, 0.3)
        yield World(patient, impatient, emulator, moment)
        for provider in (patient, impatient):
            provider.close()  # type: ignore[attr-defined]
