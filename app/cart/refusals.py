"""The words both stores refuse with, so that a shopper hears the same from either."""

from collections.abc import Callable
from uuid import UUID

from app.cart.errors import (
    CartAlreadyOrdered,
    CartChanged,
    CartLocked,
    CartNotFound,
    LineNotFound,
    QuantityOutOfRange,
    TooManyLines,
)
from app.cart.ports import LINES_MAX, UNITS_MAX
from app.platform.errors import DomainError
from app.platform.money import CurrencyMismatch


def refuse(word: str, *facts: str | int | UUID) -> DomainError:
    """The refusal behind a word: `not_found`, `ordered`, `locked <checkout>`, `changed <version>`,
    `currency <the cart's>`, `no_line`, `units <too many>`, `lines`."""
    return _REFUSALS[word](*facts)


def _locked(checkout_id: str | UUID | None = None) -> DomainError:
    return CartLocked(
        "This cart is being bought; cancel the checkout to change it.",
        checkout_id=UUID(str(checkout_id)) if checkout_id else None,
    )


def _changed(version: str | int) -> DomainError:
    return CartChanged("The cart was changed meanwhile; read it again.", version=int(version))


def _currency(currency: str | int) -> DomainError:
    return CurrencyMismatch(
        f"This cart is in {currency}; another currency needs a cart of its own.",
        currency=str(currency),
    )


def _units(units: str | int) -> DomainError:
    return QuantityOutOfRange(
        f"A line holds 1 to {UNITS_MAX} units, this would be {units}.",
        fields=[{"field": "qty", "detail": f"1 to {UNITS_MAX}"}],
        most=UNITS_MAX,
    )


_REFUSALS: dict[str, Callable[..., DomainError]] = {
    "not_found": lambda: CartNotFound("There is no such cart."),
    "ordered": lambda: CartAlreadyOrdered("This cart was bought already."),
    "locked": _locked,
    "changed": _changed,
    "currency": _currency,
    "no_line": lambda: LineNotFound("This SKU is not in the cart."),
    "units": _units,
    "lines": lambda: TooManyLines(f"A cart holds at most {LINES_MAX} lines.", most=LINES_MAX),
}
