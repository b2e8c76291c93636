"""Money in integer minor units. No float ever; splitting never loses or makes a cent."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import format_currency, get_currency_precision

from app.platform.errors import Invalid


class CurrencyMismatch(Invalid):
    """Two currencies met in one sum."""

    code = "currency_mismatch"


@dataclass(frozen=True, order=False)
class Money:
    """An amount of one currency. `minor` counts the smallest unit (ISO 4217 exponent)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("minor units are whole numbers")
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():
            raise ValueError(f"not an ISO 4217 code: {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, factor: int) -> "Money":
        return Money(self.minor * factor, self.currency)

    def __str__(self) -> str:
        return format_currency(self.decimal(), self.currency, locale="en_US")

    def decimal(self) -> str:
        """The amount in major units as text, `"12.34"`; for people and documents, never for
        sums."""
        places = get_currency_precision(self.currency)
        sign, digits = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up.")


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split minor units over weights by largest remainder; the parts always sum to the amount.

    Ties go to the earlier line, so that the same order always splits alike. With no weight at all
    the first part takes everything. Raises ValueError for a negative weight or for nothing to split
    over.
    """
    if not weights or any(weight < 0 for weight in weights):
        raise ValueError("weights must be there and not negative")
    total = sum(weights)
    if total == 0:
        return [amount, *([0] * (len(weights) - 1))]
    sign, left = (-1 if amount < 0 else 1), abs(amount)
    shares = [divmod(left * weight, total) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))
    for i in by_remainder[: left - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def round_half_up(numerator: int, denominator: int) -> int:
    """Divide to the nearest whole minor unit, halves away from zero, as tax authorities expect."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    sign, value = (-1 if numerator < 0 else 1), abs(numerator)
    return sign * ((2 * value + denominator) // (2 * denominator))
