"""Money is exact, whatever the amounts: property tests of sums, splits and rounding."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.platform.money import CurrencyMismatch, Money, allocate, round_half_up

AMOUNTS = st.integers(min_value=-(10**15), max_value=10**15)
WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=30)


@given(amount=AMOUNTS, weights=WEIGHTS)
def test_the_parts_of_a_split_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    parts = allocate(amount, weights)

    assert sum(parts) == amount
    assert len(parts) == len(weights)


@given(amount=AMOUNTS, weights=WEIGHTS)
def test_no_part_is_a_whole_unit_away_from_its_exact_share(amount: int, weights: list[int]) -> None:
    total = sum(weights)
    assume(total > 0)

    parts = allocate(amount, weights)

    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * total - amount * weight) < total


@given(amount=st.integers(min_value=0, max_value=10**12), weights=WEIGHTS)
def test_a_heavier_line_never_gets_less(amount: int, weights: list[int]) -> None:
    parts = allocate(amount, weights)
    assume(sum(weights) > 0)

    by_weight = sorted(zip(weights, parts, strict=True))

    assert all(
        lighter[1] <= heavier[1] or lighter[0] == heavier[0]
        for lighter, heavier in pairwise(by_weight)
    )


def test_a_cent_that_cannot_be_split_goes_to_the_earlier_line() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert allocate(5, [0, 0]) == [5, 0]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_a_split_over_nothing_or_over_less_than_nothing_is_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(100, weights)


@given(numerator=AMOUNTS, denominator=st.integers(min_value=1, max_value=10**9))
def test_rounding_goes_to_the_nearest_and_halves_away_from_zero(
    numerator: int, denominator: int
) -> None:
    rounded = round_half_up(numerator, denominator)

    assert abs(2 * (rounded * denominator - numerator)) <= denominator
    assert round_half_up(-numerator, denominator) == -rounded


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")


@pytest.mark.parametrize("minor", [1.0, "1", True])
def test_only_whole_minor_units_are_money(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1_234, "EUR"), "12.34"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(1_234, "JPY"), "1234"),
        (Money(1_234, "KWD"), "1.234"),
    ],
)
def test_major_units_follow_the_currencys_own_digits(money: Money, text: str) -> None:
    assert money.decimal() == text
