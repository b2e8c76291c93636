"""Where an order can stand, and from where it can go where."""

from enum import StrEnum

from app.platform.state_machine import StateMachine


class OrderState(StrEnum):
    """Where an order stands."""

    CREATED = "created"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELED = "canceled"
    REFUNDED = "refunded"


ORDER = StateMachine(
    initial=OrderState.CREATED,
    moves={
        OrderState.CREATED: frozenset({OrderState.CONFIRMED, OrderState.CANCELED}),
        OrderState.CONFIRMED: frozenset(
            {OrderState.SHIPPED, OrderState.CANCELED, OrderState.REFUNDED}
        ),
        OrderState.SHIPPED: frozenset({OrderState.DELIVERED, OrderState.REFUNDED}),
        OrderState.DELIVERED: frozenset({OrderState.REFUNDED}),
        OrderState.CANCELED: frozenset(),  # the money goes back through payments, not here
        OrderState.REFUNDED: frozenset(),
    },
)
