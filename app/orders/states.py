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


# Where nothing of an order is going to be sent any more.
AT_END = (OrderState.CANCELED, OrderState.REFUNDED)


class Decision(StrEnum):
    """What a merchant says to a return that was asked for."""

    APPROVED = "approved"
    REFUSED = "refused"


class ReturnStatus(StrEnum):
    """Where a return stands, as it is shown; its saga's state and what was decided make it."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    RECEIVED = "received"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


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
