"""Payment methods: a test card's name becomes a payment method of its own, as at Stripe."""

from devstack.stripe.acts import Act, new_id
from devstack.stripe.cards import TEST_CARDS, TestCard
from devstack.stripe.errors import missing
from devstack.stripe.store import Document

PLAIN_CARD: Document = {
    "country": "US",
    "exp_month": 12,
    "exp_year": 2034,
    "generated_from": None,
    "regulated_status": "unregulated",
    "wallet": None,
}
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def card_of(act: Act, payment_method: str) -> TestCard:
    """The test card behind a payment method made earlier."""
    document = act.store.load("payment_method", payment_method)
    if document is None:
        raise missing("PaymentMethod", payment_method, param="payment_method", status=400)
    return TEST_CARDS[document["_test_card"]]


def resolve(act: Act, name: str) -> str:
    """`pm_card_…` makes a new payment method; an id made earlier is taken as it is.

    Raises 400 `resource_missing` for anything else.
    """
    card = TEST_CARDS.get(name)
    if card is None:
        card_of(act, name)
        return name
    document = _payment_method(act, name, card)
    act.store.insert(document)
    return str(document["id"])


def _payment_method(act: Act, name: str, card: TestCard) -> Document:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass" if card.decline is None else "unchecked",
            },
            **PLAIN_CARD,
            "display_brand": card.brand,
            "fingerprint": f"emulated{card.last4}",
            "funding": card.funding,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
        },
        "created": act.created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_test_card": name,
    }
