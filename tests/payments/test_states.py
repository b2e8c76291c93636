"""Where a payment can stand, walked at random."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.payments.states import LIVE, PAYMENT, PaymentStatus

ANY = st.sampled_from(list(PaymentStatus))


@given(st.lists(ANY, max_size=12))
def test_whatever_is_asked_of_a_payment_only_listed_moves_happen(
    wishes: list[PaymentStatus],
) -> None:
    walked = [PAYMENT.initial]

    for wish in wishes:
        if PAYMENT.may(walked[-1], wish):
            walked.append(wish)

    for here, there in pairwise(walked):
        assert there in PAYMENT.moves[here]
    # No payment is ever where it was before, but for money that came back from a bank.
    again = [status for status in walked if walked.count(status) > 1]
    assert set(again) <= {PaymentStatus.CAPTURED, PaymentStatus.REFUNDED}


@given(ANY, ANY)
def test_money_taken_is_only_ever_given_back(here: PaymentStatus, there: PaymentStatus) -> None:
    if here == PaymentStatus.CAPTURED and PAYMENT.may(here, there):
        assert there == PaymentStatus.REFUNDED


@given(ANY)
def test_a_live_payment_always_has_a_way_to_its_end(status: PaymentStatus) -> None:
    reached, front = {status}, [status]

    while front:
        front = [there for here in front for there in PAYMENT.moves[here] - reached]
        reached.update(front)

    assert any(one not in LIVE for one in reached)
    assert PAYMENT.is_terminal(status) <= (status not in LIVE)
    if status not in LIVE:
        assert reached & {PaymentStatus.PENDING, PaymentStatus.AUTHORIZED} == set()
