"""The test payment methods Stripe documents, and how each behaves.

https://docs.stripe.com/testing?testing-method=payment-methods
"""

from dataclasses import dataclass

from devstack.stripe.errors import StripeError, card_error


@dataclass(frozen=True)
class Decline:
    """What a card's bank answers when it refuses."""

    code: str
    reason: str | None
    message: str

    def error(self, *, charge: str) -> StripeError:
        """The refusal as Stripe words it, with the failed charge."""
        return card_error(self.message, code=self.code, decline_code=self.reason, charge=charge)


@dataclass(frozen=True)
class TestCard:
    """One test card; `authentication` says when it asks for 3-D Secure.

    `refund` is how a refund to it begins, `refund_ends` what it becomes some time later.
    """

    brand: str = "visa"
    last4: str = "4242"
    funding: str = "credit"
    decline: Decline | None = None
    authentication: bool = False
    refund: str = "succeeded"
    refund_ends: str | None = None


DECLINED = "Your card was declined."
GENERIC = Decline("card_declined", "generic_decline", DECLINED)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds."
)
DECLINES: dict[str, tuple[str, Decline]] = {
    "chargeDeclined": ("0002", GENERIC),
    "chargeDeclinedInsufficientFunds": ("9995", INSUFFICIENT_FUNDS),
    "chargeDeclinedLostCard": ("9987", Decline("card_declined", "lost_card", DECLINED)),
    "chargeDeclinedStolenCard": ("9979", Decline("card_declined", "stolen_card", DECLINED)),
    "chargeDeclinedVelocityLimitExceeded": (
        "6975",
        Decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently "
            "or exceeding its amount limit.",
        ),
    ),
    "chargeDeclinedExpiredCard": ("0069", Decline("expired_card", None, "Your card has expired.")),
    "chargeDeclinedIncorrectCvc": (
        "0127",
        Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
    ),
    "chargeDeclinedProcessingError": (
        "0119",
        Decline(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    "chargeDeclinedFraudulent": ("0019", Decline("card_declined", "fraudulent", DECLINED)),
    "chargeCustomerFail": ("0341", GENERIC),
}

TEST_CARDS: dict[str, TestCard] = {
    "pm_card_visa": TestCard(),
    "pm_card_visa_debit": TestCard(last4="5556", funding="debit"),
    "pm_card_mastercard": TestCard("mastercard", "4444"),
    "pm_card_mastercard_debit": TestCard("mastercard", "8210", "debit"),
    "pm_card_amex": TestCard("amex", "8431"),
    "pm_card_discover": TestCard("discover", "1117"),
    "pm_card_diners": TestCard("diners", "0004"),
    "pm_card_jcb": TestCard("jcb", "0505"),
    "pm_card_unionpay": TestCard("unionpay", "0005"),
    "pm_card_bypassPending": TestCard(last4="0077"),
    "pm_card_pendingRefund": TestCard(last4="7726", refund="pending", refund_ends="succeeded"),
    "pm_card_refundFail": TestCard(last4="5126", refund_ends="failed"),
    "pm_card_authenticationRequired": TestCard(last4="3184", authentication=True),
    "pm_card_authenticationRequiredOnSetup": TestCard(last4="3155", authentication=True),
    "pm_card_threeDSecureRequired": TestCard(last4="3063", authentication=True),
    "pm_card_threeDSecure2Required": TestCard(last4="3220", authentication=True),
    "pm_card_threeDSecureOptional": TestCard(last4="3055"),
    "pm_card_threeDSecureRequiredChargeDeclined": TestCard(
        last4="1629", authentication=True, decline=GENERIC
    ),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": TestCard(
        last4="3178", authentication=True, decline=INSUFFICIENT_FUNDS
    ),
}
# Stripe's page writes some with the brand and some without; both are taken.
for _name, (_last4, _decline) in DECLINES.items():
    TEST_CARDS[f"pm_card_{_name}"] = TestCard(last4=_last4, decline=_decline)
    TEST_CARDS[f"pm_card_visa_{_name}"] = TEST_CARDS[f"pm_card_{_name}"]
