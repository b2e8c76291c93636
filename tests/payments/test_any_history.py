"""Whatever is taken and given back, and whatever answers are lost: no cent too much, none twice."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.payments.service import needs_new_key
from app.platform.ids import new_id
from app.saga.table import Done, Later, Outcome
from tests.payments.conftest import Desk

pytestmark = pytest.mark.unaudited(
    "order_lines_wrong",
    "refund_not_announced",
    "saga_overdue",
    "saga_unlike_journal",
    "state_not_journaled",
)

HELD = 4_200
DAY = 86_400
ATTEMPTS_MAX = 8
RARELY_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
TROUBLE = st.sampled_from(["cut_before", "cut_after", "error_before", "error_after", "rate_limit"])
TROUBLES = st.lists(
    st.tuples(TROUBLE, st.sampled_from(["*", "payment_intents.capture", "refunds.create"])),
    max_size=3,
)


@dataclass(frozen=True)
class Wish:
    """One thing asked for, what goes wrong with it, and how long it is left alone then."""

    act: str
    amount: int
    final: bool
    troubles: list[tuple[str, str]]
    seconds: int


WISHES = st.builds(
    Wish,
    act=st.sampled_from(["take", "take", "give back", "event"]),
    amount=st.integers(1, 2_500),
    final=st.booleans(),
    troubles=TROUBLES,
    seconds=st.sampled_from([0, 0, 130, DAY + 60]),
)


@dataclass
class Books:
    """What was asked of one payment, and what the shop was told came of it."""

    desk: Desk
    payment_id: UUID
    asked_to_take: int = 0
    asked_to_give: int = 0
    taken: int = 0
    given: int = 0
    seen: list[tuple[int, int]] = field(default_factory=list)

    def fulfil(self, wish: Wish) -> None:
        """Ask until it is known, as a saga does."""
        if wish.act == "take":
            self._take(wish)
        elif wish.act == "give back":
            self._give_back(wish)
        else:
            self._play(wish)
            reference = str(self.desk.payment(self.payment_id).psp_ref)
            self.desk.apply(self.desk.tell(reference))
        self.desk.emulator.faults.clear()
        hold = self.desk.hold(self.payment_id)
        self.seen.append((hold.captured, hold.refunded))
        assert hold.captured <= self.asked_to_take
        assert hold.refunded <= self.asked_to_give

    def _take(self, wish: Wish) -> None:
        capture_id, attempt = new_id(), 1
        since = self.desk.payment(self.payment_id).created_at
        self.asked_to_take += wish.amount
        self._play(wish)
        for turn in range(ATTEMPTS_MAX):
            (answer, outcome) = self.desk.take(
                self.payment_id,
                wish.amount,
                final=wish.final,
                capture_id=capture_id,
                attempt=attempt,
                since=since if turn else None,
            )
            attempt += needs_new_key(answer)
            if not self._again(outcome, turn, wish):
                break
        self.taken += wish.amount * isinstance(outcome, Done)

    def _give_back(self, wish: Wish) -> None:
        amount = min(wish.amount, self.desk.refundable(self.payment_id))
        if amount == 0:
            return
        refund_id, attempt = self.desk.promise(self.payment_id, amount), 1
        self.asked_to_give += amount
        self._play(wish)
        for turn in range(ATTEMPTS_MAX):
            (answer, outcome) = self.desk.repay(refund_id, attempt=attempt)
            attempt += needs_new_key(answer)
            if not self._again(outcome, turn, wish):
                break
        self.given += amount * isinstance(outcome, Done)

    def _play(self, wish: Wish) -> None:
        for kind, operation in wish.troubles:
            self.desk.emulator.fault(kind=kind, operation=operation)

    def _again(self, outcome: Outcome, turn: int, wish: Wish) -> bool:
        if turn == 0:
            self.desk.advance(wish.seconds)
        if turn == 3:
            self.desk.advance(130)  # absence counts now
        return isinstance(outcome, Later)


@settings(max_examples=25, deadline=None, suppress_health_check=RARELY_SLOW)
@given(wishes=st.lists(WISHES, max_size=5))
def test_no_history_takes_or_returns_more_than_was_asked_for(
    desk: Desk, wishes: list[Wish]
) -> None:
    books = Books(desk, desk.held())

    for wish in wishes:
        books.fulfil(wish)

    hold, payment = desk.hold(books.payment_id), desk.payment(books.payment_id)
    assert (hold.captured, hold.refunded) == (books.taken, books.given)
    assert (payment.captured, payment.refunded) == (books.taken, books.given)
    assert books.given <= books.taken <= HELD
    assert books.seen == sorted(books.seen)  # nothing once moved is taken back
    desk.emulator.faults.clear()
