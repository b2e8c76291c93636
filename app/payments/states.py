"""Where a payment can stand. `pending`: its key is written, the outcome unknown."""

from enum import StrEnum

from app.platform.state_machine import StateMachine


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"
    REFUNDED = "refunded"


LIVE = (
    PaymentStatus.PENDING,
    PaymentStatus.REQUIRES_ACTION,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.CAPTURED,
)

PAYMENT = StateMachine(
    initial=PaymentStatus.PENDING,
    moves={
        PaymentStatus.PENDING: frozenset(
            {
                PaymentStatus.REQUIRES_ACTION,
                PaymentStatus.AUTHORIZED,
                PaymentStatus.CAPTURED,
                PaymentStatus.FAILED,
                PaymentStatus.VOIDED,
            }
        ),
        PaymentStatus.REQUIRES_ACTION: frozenset(
            {
                PaymentStatus.AUTHORIZED,
                PaymentStatus.CAPTURED,
                PaymentStatus.FAILED,
                PaymentStatus.VOIDED,
            }
        ),
        PaymentStatus.AUTHORIZED: frozenset({PaymentStatus.CAPTURED, PaymentStatus.VOIDED}),
        PaymentStatus.CAPTURED: frozenset({PaymentStatus.REFUNDED}),
        PaymentStatus.FAILED: frozenset(
            {PaymentStatus.VOIDED}
        ),  # a declined intent is canceled too
        PaymentStatus.VOIDED: frozenset(),
        PaymentStatus.REFUNDED: frozenset(
            {PaymentStatus.CAPTURED}
        ),  # a refund came back: the shop has the money again
    },
)
