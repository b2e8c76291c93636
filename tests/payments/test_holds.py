"""Whatever the provider says, in whatever order: amounts stay in order and only listed moves
happen."""

from datetime import UTC, datetime
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.payments.ports import Hold, HoldStatus
from app.payments.service import apply_hold
from app.payments.states import PAYMENT, PaymentStatus
from app.platform.db import Database, ShopSession
from tests.factories import make_payment

AMOUNT = 100
HOLDS = st.builds(
    Hold,
    reference=st.sampled_from(["pi_1", "pi_2", None]),
    status=st.sampled_from(get_args(HoldStatus)),
    amount=st.sampled_from([AMOUNT, AMOUNT, AMOUNT, AMOUNT + 1]),
    currency=st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
    captured=st.integers(0, AMOUNT + 1),
    refunded=st.integers(0, AMOUNT + 1),
    next_action=st.sampled_from([None, {"type": "redirect_to_url", "url": "https://bank.example"}]),
    decline=st.sampled_from([None, {"code": "payment_declined", "reason": "lost_card"}]),
    multicapture=st.booleans(),
    capture_before=st.sampled_from([None, datetime(2026, 11, 30, tzinfo=UTC)]),
)
RARELY_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=60, deadline=None, suppress_health_check=RARELY_SLOW)
@given(holds=st.lists(HOLDS, max_size=8))
def test_no_sequence_of_answers_breaks_a_payment(db: Database, holds: list[Hold]) -> None:
    walked = []

    with db.engine.connect() as connection, _session(connection) as session:
        payment = make_payment(session, amount=AMOUNT)
        for hold in holds:
            before = (payment.status, payment.psp_ref, payment.captured, payment.refunded)
            apply_hold(session, payment, hold)
            session.flush()  # the table's own checks
            walked.append((before, payment.status, payment.psp_ref))
            assert 0 <= payment.refunded <= payment.captured <= payment.amount
            after = (payment.status, payment.psp_ref, payment.captured, payment.refunded)
            assert after == before or before[1] in (None, hold.reference) or not hold.reference
            assert payment.captured >= before[2]
            assert payment.refunded >= before[3]
        session.rollback()

    for (status, reference, _, _), after, reference_after in walked:
        assert reference in (None, reference_after)
        assert after == status or _may(status, after)


def _may(here: PaymentStatus, there: PaymentStatus) -> bool:
    through = PaymentStatus.CAPTURED
    return PAYMENT.may(here, there) or (PAYMENT.may(here, through) and PAYMENT.may(through, there))


def _session(connection: Connection) -> ShopSession:
    return ShopSession(connection, expire_on_commit=False)
