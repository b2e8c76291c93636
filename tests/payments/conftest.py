"""Payments before a real database and a provider that can be told to misbehave."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.adapters.payments.stripe import StripePayments
from app.checkout.models import Checkout
from app.checkout.saga import PURCHASE
from app.events.models import OutboxEvent
from app.payments import service
from app.payments.models import Payment, PspEvent, Refund
from app.payments.ports import Hold, ProviderEvent
from app.payments.queries import lock_payment, shop_now
from app.payments.service import Answer, CaptureAnswer, RepayAnswer, Voiding
from app.platform.db import Database
from app.platform.ids import new_id
from app.platform.money import Money
from app.platform.queue import Nudge
from app.saga import registry
from app.saga.models import Incident
from app.saga.states import SagaState
from app.saga.table import Done, Outcome, Refused
from devstack.stripe import StripeEmulator, serve
from devstack.stripe.webhooks import signature
from tests.conftest import Clock
from tests.factories import make_order

WEBHOOK_SECRET = "whsec_desk"
VISA = "pm_card_visa"


@dataclass
class Nudges:
    """A queue that keeps what it is given."""

    sent: list[Nudge] = field(default_factory=list)

    def send(self, nudges: Sequence[Nudge]) -> None:
        """Keep them."""
        self.sent += nudges


@dataclass
class Desk:
    """The shop's side of one payment, and the provider's."""

    db: Database
    provider: StripePayments
    emulator: StripeEmulator
    clock: Clock
    moment: list[float]
    queue: Nudges = field(default_factory=Nudges)

    def open(self, token: str = VISA) -> UUID:
        """A payment of 42.00 EUR whose key is written; nobody was asked."""
        with self.db.transaction() as session:
            order = make_order(session)
            payment = service.open_payment(
                session,
                self.provider,
                order_id=order.id,
                checkout_id=order.checkout_id,
                amount=Money(order.total, order.currency),
                token=token,
                key=f"{order.checkout_id}:authorize:1",
                return_url="https://shop.example/return",
            )
        return payment.id

    def claim(self, payment_id: UUID) -> service.Asked:
        """What the claiming transaction hands to the call."""
        with self.db.transaction() as session:
            payment = lock_payment(session, payment_id)
            return service.asking(session, payment, seconds_max=20.0)

    def ask(self, payment_id: UUID) -> Answer:
        """Claim, call, record."""
        answer = service.ask_authorization(self.claim(payment_id), self.provider)
        with self.db.transaction() as session:
            service.record_hold(session, lock_payment(session, payment_id), answer)
        return answer

    def void(self, payment_id: UUID, *, attempt: int = 1) -> Answer:
        """Claim, let go, record."""
        with self.db.transaction() as session:
            payment = lock_payment(session, payment_id)
            key = f"{payment.checkout_id}:void:{attempt}"
            wanted: Voiding = service.voiding(session, payment, key=key)
        answer = service.ask_void(wanted, self.provider)
        with self.db.transaction() as session:
            service.record_void(session, lock_payment(session, payment_id), answer)
        return answer

    def held(self, token: str = VISA) -> UUID:
        """A payment of 42.00 EUR whose money is held."""
        payment_id = self.open(token)
        self.ask(payment_id)
        return payment_id

    def taken(self, token: str = VISA, *, amount: int = 4_200) -> UUID:
        """A payment of 42.00 EUR whose money, or a part, was taken."""
        payment_id = self.held(token)
        self.take(payment_id, amount, final=True)
        return payment_id

    def take(
        self,
        payment_id: UUID,
        amount: int,
        *,
        final: bool = False,
        capture_id: UUID | None = None,
        attempt: int = 1,
        since: datetime | None = None,
    ) -> tuple[CaptureAnswer, Outcome]:
        """Claim, capture, record, as a parcel or an automatic capture does."""
        capture_id = capture_id or new_id()
        with self.db.transaction() as session:
            wanted = service.capturing(
                session,
                lock_payment(session, payment_id),
                amount=amount,
                final=final,
                key=f"{capture_id}:capture:{attempt}",
                capture_id=capture_id,
                since=since or shop_now(session),
            )
        answer = service.ask_capture(wanted, self.provider)
        with self.db.transaction() as session:
            payment = lock_payment(session, payment_id)
            return answer, service.record_capture(session, payment, answer)

    def promise(self, payment_id: UUID, amount: int, **given: Any) -> UUID:
        """A refund that is written down; nobody was asked."""
        with self.db.transaction() as session:
            payment = session.get_one(Payment, payment_id)
            identity = new_id()
            values: dict[str, Any] = {"order_id": payment.order_id, "payment_id": payment.id}
            values |= {"amount": amount, "currency": payment.currency, "reason": "damaged"}
            values |= {"actor": "merchant", "idempotency_key": f"{identity}:repay:1"}
            values |= {"step": "repay", "deadline": func.shop_now() + timedelta(hours=1)}
            session.add(Refund(id=identity, **values | given))
        return identity

    def claim_repay(
        self, refund_id: UUID, *, attempt: int = 1, closes: bool = False
    ) -> service.Repaying:
        """What the claiming transaction hands to the call."""
        with self.db.transaction() as session:
            refund = session.get_one(Refund, refund_id, with_for_update=True)
            assert refund.payment_id is not None
            return service.repaying(
                session,
                refund,
                lock_payment(session, refund.payment_id),
                key=f"{refund_id}:repay:{attempt}",
                seconds_max=20.0,
                closes=closes,
            )

    def repay(
        self, refund_id: UUID, *, attempt: int = 1, closes: bool = False
    ) -> tuple[RepayAnswer, Outcome]:
        """Claim, give back, record."""
        wanted = self.claim_repay(refund_id, attempt=attempt, closes=closes)
        answer = service.ask_repay(wanted, self.provider)
        return answer, self.record_repay(refund_id, answer)

    def record_repay(self, refund_id: UUID, answer: RepayAnswer) -> Outcome:
        """Write the answer down, and the end of the refund with it."""
        with self.db.transaction() as session:
            refund = session.get_one(Refund, refund_id, with_for_update=True)
            assert refund.payment_id is not None
            payment = lock_payment(session, refund.payment_id)
            outcome = service.record_repay(session, refund, payment, answer)
            if isinstance(outcome, Done):
                refund.state = SagaState.CONFIRMED
            elif isinstance(outcome, Refused):
                refund.state = SagaState.FAILED
            return outcome

    def refund(self, refund_id: UUID) -> Refund:
        """The row as it is."""
        with self.db.reading() as session:
            return session.get_one(Refund, refund_id)

    def refundable(self, payment_id: UUID) -> int:
        """What may still be promised back."""
        with self.db.transaction() as session:
            return service.refundable(session, lock_payment(session, payment_id))

    def incidents(self) -> list[Incident]:
        """What operations was told and has not closed."""
        with self.db.reading() as session:
            return list(session.scalars(select(Incident).where(Incident.closed_at.is_(None))))

    def hold(self, payment_id: UUID) -> Hold:
        """What the provider shows."""
        return self.provider.retrieve(str(self.payment(payment_id).psp_ref))

    def payment(self, payment_id: UUID) -> Payment:
        """The row as it is."""
        with self.db.reading() as session:
            return session.get_one(Payment, payment_id)

    def checkout(self, payment_id: UUID) -> Checkout:
        """The checkout of a payment as it is."""
        with self.db.reading() as session:
            payment = session.get_one(Payment, payment_id)
            return session.get_one(Checkout, payment.checkout_id)

    def set_checkout(self, payment_id: UUID, **values: Any) -> None:
        """Put the checkout of a payment where a test wants it."""
        with self.db.transaction() as session:
            payment = session.get_one(Payment, payment_id)
            checkout = session.get_one(Checkout, payment.checkout_id)
            for name, value in values.items():
                setattr(checkout, name, value)

    def facts(self) -> list[str]:
        """What was announced, in order."""
        with self.db.reading() as session:
            return list(session.scalars(select(OutboxEvent.type).order_by(OutboxEvent.seq)))

    def intents(self) -> list[dict[str, Any]]:
        """What stands at the provider, oldest first."""
        return self.emulator.recent_intents(limit=1_000)[::-1]

    def calls(self, operation: str) -> int:
        """How often the provider was asked for this."""
        asked = self.emulator.requests()
        return sum(one["count"] for one in asked if one["operation"] == operation)

    def advance(self, seconds: float) -> None:
        """Let time pass for the shop and the provider."""
        self.clock.advance(seconds)
        self.moment[0] += seconds

    def tell(self, reference: str, kind: str = "payment_intent.succeeded") -> str:
        """An event about a hold arrives; gives its id."""
        event_id = f"evt_{new_id().hex}"
        event = ProviderEvent(event_id, kind, reference, {"id": event_id, "type": kind})
        with self.db.transaction(self.queue) as session:
            service.receive_event(session, self.provider.name, event)
        return event_id

    def tell_body(self, body: dict[str, Any]) -> str:
        """A whole event arrives, signed by the provider; gives its id."""
        payload = json.dumps(body).encode()
        signed = signature(payload, WEBHOOK_SECRET, at=time.time())
        event = self.provider.verify_event(payload, signed)
        with self.db.transaction(self.queue) as session:
            service.receive_event(session, self.provider.name, event)
        return event.id

    def apply(self, event_id: str) -> bool:
        """What the task does when it is nudged."""
        return service.apply_event(self.db, self.queue, self.provider, event_id)

    def sweep(self) -> int:
        """What the clock does."""
        return service.apply_due(self.db, self.queue, self.provider)

    def event(self, event_id: str) -> PspEvent:
        """The inbox row."""
        with self.db.reading() as session:
            return session.get_one(PspEvent, (self.provider.name, event_id))


@pytest.fixture
def desk(db: Database, clock: Clock) -> Iterator[Desk]:
    """One payment's two sides."""
    registry.register(PURCHASE)
    moment = [time.time()]
    emulator = StripeEmulator(search_lag=60.0, now=lambda: moment[0])
    with serve(emulator) as server:
        provider = StripePayments(
            api_key="sk_test_desk",
            api_base=server.url,
            webhook_secret=WEBHOOK_SECRET,
            seconds_max=5.0,
        )
        yield Desk(db, provider, emulator, clock, moment)
        provider.close()


@pytest.fixture
def trouble(desk: Desk) -> Callable[..., None]:
    """Let something go wrong with the next calls."""

    def cause(kind: str, operation: str = "create", times: int = 1) -> None:
        full = operation if "." in operation else f"payment_intents.{operation}"
        desk.emulator.fault(kind=kind, operation=full, times=times)

    return cause
