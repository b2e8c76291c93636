"""How a checkout refuses."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.payments.errors import ProviderAway
from app.platform.errors import Conflict, Invalid, NotFound


class CheckoutNotFound(NotFound):
    """No such checkout, or another shopper's."""

    code = "checkout_not_found"


class CheckoutInProgress(Conflict):
    """This cart is being bought with other words; cancel that checkout first."""

    code = "checkout_in_progress"


class CartAlreadyOrdered(Conflict):
    """This cart was bought; a cart buys once."""

    code = "cart_already_ordered"


class EmptyCart(Invalid):
    """There is nothing in this cart."""

    code = "cart_empty"


class EmailNeeded(Invalid):
    """A guest says where the confirmation goes."""

    code = "email_required"


class PriceChanged(Conflict):
    """Prices moved since the shopper saw them; nothing was charged."""

    code = "price_changed"


class NotForSale(Conflict):
    """Something in this cart is not sold any more."""

    code = "sku_not_for_sale"


class BadAddress(Invalid):
    """The address cannot be shipped to as it is written."""

    code = "bad_address"


class TooLateToCancel(Conflict):
    """The order stands; cancel the order instead."""

    code = "checkout_finished"


class CheckoutRefused(Conflict):
    """A purchase did not happen; `code` is the reason its saga kept, everything was given back."""

    code = "checkout_failed"

    def __init__(self, failure: Mapping[str, Any], *, checkout_id: UUID) -> None:
        facts = {k: v for k, v in failure.items() if k not in ("code", "detail")}
        detail = failure.get("detail") or "The purchase did not happen."
        super().__init__(detail, checkout_id=checkout_id, **facts)
        self.code = failure.get("code") or self.code  # type: ignore[misc]
        self.retryable = self.code == ProviderAway.code  # type: ignore[misc]
