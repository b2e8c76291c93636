"""The sums behind the figures of the bench."""

import math

import pytest

from bench.arithmetic import differences, per_operation, percentile, ratio


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 15.0), (30, 20.0), (40, 20.0), (50, 35.0), (100, 50.0)]
)
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    measured = [50.0, 15.0, 40.0, 20.0, 35.0]

    assert percentile(measured, percent) == expected


def test_the_99th_percentile_of_a_hundred_leaves_one_above() -> None:
    measured = [float(number) for number in range(1, 101)]

    assert percentile(measured, 99) == 99.0


def test_the_median_is_no_mean_that_one_slow_request_moves() -> None:
    assert percentile([1.0, 1.0, 1.0, 1.0, 9_000.0], 50) == 1.0


def test_nothing_measured_has_no_percentile() -> None:
    assert math.isnan(percentile([], 50))


def test_a_ratio_is_to_the_mean_of_the_floor_first_and_last() -> None:
    assert ratio(30.0, (80.0, 120.0)) == pytest.approx(0.3)


def test_a_floor_that_was_not_measured_does_not_count() -> None:
    assert ratio(30.0, (0.0, 120.0)) == pytest.approx(0.25)
    assert math.isnan(ratio(30.0, (0.0, 0.0)))


def test_what_no_operation_cost_is_not_a_number() -> None:
    assert per_operation(12.0, 4) == 3.0
    assert math.isnan(per_operation(12.0, 0))


def test_only_counters_that_moved_are_differences() -> None:
    before = {"get": 5.0, "set": 7.0}
    after = {"get": 9.0, "set": 7.0, "evalsha": 2.0}

    assert differences(before, after) == {"get": 4.0, "evalsha": 2.0}


def test_a_counter_that_began_anew_has_risen_by_what_it_says() -> None:
    assert differences({"web": 90.0}, {"web": 4.0}) == {"web": 4.0}
