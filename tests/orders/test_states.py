"""The moves of an order: what is listed is possible, all else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.orders.states import ORDER, OrderState
from app.platform.state_machine import IllegalMove, StateMachine

LEGAL = {
    ("created", "confirmed"),
    ("created", "canceled"),
    ("confirmed", "shipped"),
    ("confirmed", "canceled"),
    ("confirmed", "refunded"),
    ("shipped", "delivered"),
    ("shipped", "refunded"),
    ("delivered", "refunded"),
}


@pytest.mark.parametrize("here", OrderState)
@pytest.mark.parametrize("there", OrderState)
def test_an_order_moves_along_the_listed_edges_alone(here: OrderState, there: OrderState) -> None:
    if (here.value, there.value) in LEGAL:
        ORDER.check(here, there)
    else:
        with pytest.raises(IllegalMove):
            ORDER.check(here, there)

    assert ORDER.may(here, there) == ((here.value, there.value) in LEGAL)


@given(st.lists(st.sampled_from(list(OrderState)), max_size=12))
def test_whatever_is_asked_an_ended_order_stays_ended(wishes: list[OrderState]) -> None:
    state, ended_as = ORDER.initial, None
    for wish in wishes:
        if ORDER.may(state, wish):
            state = wish
        ended_as = ended_as or (state if ORDER.is_terminal(state) else None)

    assert ended_as in (None, state)


def test_a_state_without_a_row_is_found_when_the_table_is_made() -> None:
    with pytest.raises(ValueError, match="without a row"):
        StateMachine(initial=OrderState.CREATED, moves={OrderState.CREATED: frozenset()})
