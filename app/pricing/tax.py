"""What tax a thing carries: the rates of one place, and the arithmetic of one amount. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.platform.money import round_half_up

MILLION = 1_000_000  # rates are whole parts per million: 7.75 % is 77,500


@dataclass(frozen=True)
class Rate:
    """A tax by its name. `ppm` is parts per million; `included` says that prices contain it;
    `known` is False where no row covers the place and tax code, which then costs nothing."""

    name: str
    ppm: int
    included: bool
    known: bool = True

    def on(self, amount: int) -> "Taxed":
        """The tax of one amount in minor units, rounded half up to whole ones."""
        whole = MILLION + self.ppm if self.included else MILLION
        tax = round_half_up(amount * self.ppm, whole)
        included = tax if self.included else 0
        return Taxed(amount=amount, tax=tax, included=included, rate=self)


@dataclass(frozen=True)
class Taxed:
    """An amount after discount with its tax; `included` is the part of it the amount contains."""

    amount: int
    tax: int
    included: int
    rate: Rate

    @property
    def net(self) -> int:
        """What the tax was raised on."""
        return self.amount - self.included

    @property
    def total(self) -> int:
        """What the shopper pays for it, tax and all."""
        return self.amount + self.tax - self.included


UNTAXED = Rate(name="no rate known", ppm=0, included=False, known=False)


@dataclass(frozen=True)
class TaxTable:
    """The rates in force at one place. The key's merchant is None for the general rate."""

    country: str
    region: str | None = None
    rates: Mapping[tuple[UUID | None, str], Rate] = field(default_factory=dict)

    def rate(self, merchant_id: UUID, tax_code: str) -> Rate:
        """The merchant's own rate, else the general one, else zero and said to be unknown."""
        own = self.rates.get((merchant_id, tax_code))
        return own or self.rates.get((None, tax_code), UNTAXED)
