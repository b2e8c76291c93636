"""Two acts on one order at the same moment, on hundreds of orders one after the other; what they
began is walked to its end for some of them, with the provider asked as always."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.adapters.queue.inline import InlineQueue
from app.operations import audit
from app.orders.saga import SAGAS
from app.payments.models import Payment
from app.payments.ports import Hold
from app.payments.queries import payment_of_order
from app.payments.states import PaymentStatus
from app.platform.db import Database, ShopSession
from app.platform.errors import DomainError
from app.platform.ids import new_id
from app.platform.money import Money
from app.saga.signals import nudge
from app.saga.states import SagaState
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.conftest import Clock
from tests.factories import make_merchant, make_shipping_rate, make_sku
from tests.orders.sold import Line, pay, sell_many, send

RACES = 200
WALKED_EACH = 10  # of every so many races what was begun is walked to its end
THREADS = 8
LATE_SECONDS_MAX = 0.003  # one of the two starts so much later: now the one is first, now the other
DONE = "done"

Act = Callable[[ShopSession, UUID], object]


def at_once(*acts: Callable[[], object], chance: random.Random | None = None) -> None:
    """Let all of them start at the same moment, or one a little later by chance; wait for all."""
    start = threading.Barrier(len(acts))
    with ThreadPoolExecutor(len(acts)) as pool:
        begun = [
            pool.submit(_go, start, late, act)
            for late, act in zip(_delays(len(acts), chance), acts, strict=True)
        ]
        for each in begun:
            each.result()


def _go(start: threading.Barrier, late: float, act: Callable[[], object]) -> None:
    start.wait(timeout=60)
    if late:
        time.sleep(late)
    act()


def _delays(count: int, chance: random.Random | None) -> list[float]:
    delays = [0.0] * count
    if chance is not None:
        delays[chance.randrange(count)] = chance.uniform(0, LATE_SECONDS_MAX)
    return delays


@dataclass
class Races:
    """Orders of one merchant's units at 10.00 each, and those who fall over each other on them.

    The money of every tenth order is really held at the provider, and what was begun with it waits
    in the queue until `walk`; of the others no saga takes a step.
    """

    wired: Providers
    queue: InlineQueue
    psp: RunningServer
    clock: Clock
    ahead: list[float]
    crowd: Database
    walked: list[UUID] = field(default_factory=list)

    def orders(
        self,
        *,
        times: int = RACES,
        qty: int = 3,
        multicapture: bool = True,
        paid: bool = False,
        sent: bool = False,
    ) -> list[UUID]:
        """So many confirmed orders, held; with their money taken; or with all their units sent."""
        with self.crowd.transaction() as session:
            merchant = make_merchant(session)
            make_shipping_rate(session, merchant=merchant)
            sku = make_sku(session, merchant=merchant, stock=times * qty, price=1_000)
            made = sell_many(session, [Line(sku, qty)], times=times, multicapture=multicapture)
            if paid or sent:
                pay(session, made)
            if sent:
                send(session, made)
        self.walked = [order.id for order in made[::WALKED_EACH]]
        for order_id in self.walked:
            self._hold(order_id, taken=paid or sent, multicapture=multicapture)
        return [order.id for order in made]

    def run(self, orders: Sequence[UUID], first: Act, second: Act) -> Counter[tuple[str, str]]:
        """Let both act on each order at the same moment; gives how often it ended how: `done`, or
        the code of the refusal, of the first and of the second. What is left behind adds up."""
        chance = random.Random(len(orders))
        ends = Counter(self._race(order_id, (first, second), chance) for order_id in orders)
        self.assert_whole()
        return ends

    def walk(self) -> None:
        """Two workers do what was begun with every tenth order, and time passes, until all of it
        is at its end; then the provider's books are the shop's."""
        for _ in range(60):
            at_once(self._work, self._work)
            if not self._nudge_what_waits():
                break
            self.ahead[0] += 31
            self.clock.advance(31)
        assert {end for _, end in self.ends()} == {SagaState.CONFIRMED}, self.ends()
        for order_id in self.walked:
            payment, hold = self._books(order_id)
            assert (payment.captured, payment.refunded) == (hold.captured, hold.refunded)
            assert (payment.status == PaymentStatus.VOIDED) == (hold.status == "canceled")
        self.assert_whole()

    def ends(self) -> list[tuple[str, str]]:
        """Of the orders that are walked: each saga begun, and where it stands."""
        with self.crowd.reading() as session:
            return [
                (saga.kind, str(state))
                for saga in SAGAS
                for state in session.scalars(
                    select(saga.model.state).where(saga.model.order_id.in_(self.walked))  # type: ignore[attr-defined]
                )
            ]

    def assert_whole(self) -> None:
        """Every invariant PostgreSQL answers for."""
        report = audit.of_database(self.crowd, limit=3)
        assert not report.breaches, "\n".join(map(str, report.breaches))

    def _race(
        self, order_id: UUID, acts: tuple[Act, Act], chance: random.Random
    ) -> tuple[str, str]:
        ends = ["", ""]

        def begin(place: int) -> None:
            queue = self.queue if order_id in self.walked else None
            try:
                with self.crowd.transaction(queue) as session:
                    acts[place](session, order_id)
                ends[place] = DONE
            except DomainError as refused:
                ends[place] = refused.code

        at_once(lambda: begin(0), lambda: begin(1), chance=chance)
        return ends[0], ends[1]

    def _hold(self, order_id: UUID, *, taken: bool, multicapture: bool) -> None:
        """The provider holds the money of an order, or has it taken, as the payment's row says."""
        with self.crowd.reading() as session:
            payment = payment_of_order(session, order_id)
        assert payment is not None
        provider = self.wired.payments
        request = provider.authorization(
            Money(payment.amount, payment.currency),
            token="pm_card_visa",
            payment_id=payment.id,
            checkout_id=payment.checkout_id,
            order_id=order_id,
            return_url="https://shop.example",
        )
        if not multicapture:
            self.psp.emulator.fault(kind="multicapture_off", operation="payment_intents.create")
        hold = provider.authorize(request, key=payment.idempotency_key)
        assert hold.reference is not None
        if taken:
            provider.capture(
                hold.reference, hold.amount, capture_id=new_id(), final=True, key=order_id.hex
            )
        values = {"psp_ref": hold.reference, "multicapture": hold.multicapture}
        with self.crowd.transaction() as session:
            session.execute(update(Payment).where(Payment.id == payment.id).values(values))

    def _work(self) -> None:
        while True:
            try:
                waiting = self.queue.waiting.popleft()
            except IndexError:
                return
            for name in waiting.tasks:
                self.queue.tasks[name](waiting.id)

    def _nudge_what_waits(self) -> bool:
        """Nudge the walked sagas that wait for later; gives whether there are any."""
        with self.crowd.transaction(self.queue) as session:
            for saga in SAGAS:
                mine = saga.model.order_id.in_(self.walked)  # type: ignore[attr-defined]
                waiting = saga.model.state == SagaState.RUNNING
                for row in session.scalars(select(saga.model).where(mine, waiting)):
                    nudge(session, saga, row.id, step=row.step, direction=row.direction)
            return bool(session.nudges)

    def _books(self, order_id: UUID) -> tuple[Payment, Hold]:
        with self.crowd.reading() as session:
            payment = payment_of_order(session, order_id)
        assert payment is not None
        assert payment.psp_ref is not None
        return payment, self.wired.payments.retrieve(payment.psp_ref)


@pytest.fixture
def races(
    providers: Providers,
    queue: InlineQueue,
    psp: RunningServer,
    clock: Clock,
    ahead: list[float],
    database_url: str,
) -> Iterator[Races]:
    """The emulated provider, and a database handle with a connection for each of the crowd."""
    crowd = Database(database_url, pool_size=THREADS)
    yield Races(providers, queue, psp, clock, ahead, crowd)
    crowd.dispose()
