"""What promotions give, and where a coupon and its use can stand."""

from enum import StrEnum

from app.platform.state_machine import StateMachine


class PromotionKind(StrEnum):
    """What a promotion takes off."""

    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_SHIPPING = "free_shipping"


class CouponStatus(StrEnum):
    """Whether a coupon can be used."""

    ACTIVE = "active"
    DISABLED = "disabled"


class RedemptionStatus(StrEnum):
    """Where one use of a coupon stands."""

    HELD = "held"
    USED = "used"
    RELEASED = "released"


REDEMPTION = StateMachine(
    initial=RedemptionStatus.HELD,
    moves={
        RedemptionStatus.HELD: frozenset({RedemptionStatus.USED, RedemptionStatus.RELEASED}),
        RedemptionStatus.USED: frozenset(),
        RedemptionStatus.RELEASED: frozenset(),
    },
)
