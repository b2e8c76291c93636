"""Shares of an order's money, whatever parts it is taken in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.orders.amounts import LineUnits, of_units, share, shipping_of
from app.orders.models import Order, OrderItem
from app.platform.ids import encode, new_id


@given(total=st.integers(0, 10**12), parts=st.lists(st.integers(1, 50), min_size=1, max_size=12))
def test_the_shares_of_all_units_make_the_total_in_whatever_parts(
    total: int, parts: list[int]
) -> None:
    qty, before, taken = sum(parts), 0, 0

    for units in parts:
        part = share(total, qty, before=before, units=units)
        assert part >= 0
        before, taken = before + units, taken + part

    assert taken == total


@given(total=st.integers(0, 10**9), qty=st.integers(1, 1000), data=st.data())
def test_a_share_is_within_a_cent_of_the_even_one(
    total: int, qty: int, data: st.DataObject
) -> None:
    before = data.draw(st.integers(0, qty - 1))
    units = data.draw(st.integers(1, qty - before))

    part = share(total, qty, before=before, units=units)

    assert abs(part * qty - total * units) < qty


@pytest.mark.parametrize(("before", "units"), [(0, 4), (3, 1), (-1, 1), (2, -1)])
def test_units_the_line_has_not_are_refused(before: int, units: int) -> None:
    with pytest.raises(ValueError, match="has no units"):
        share(999, 3, before=before, units=units)


def test_a_line_is_worth_what_it_adds_to_the_total() -> None:
    item = OrderItem(line=1, qty=3, price_snapshot=1000, discount=100, tax=580, tax_included=380)

    shares = of_units([item], {1: 1}, {1: 2})

    assert item.total == 3100
    assert shares == {1: 3100 - 3100 // 3}


def test_each_merchant_has_its_own_part_of_the_shipping() -> None:
    mine, yours = new_id(), new_id()
    order = Order(
        shipping_lines=[
            {"merchant_id": encode("mer", mine), "price": 490, "total": 583},
            {"merchant_id": encode("mer", yours), "price": 0, "total": 0},
        ]
    )

    assert [shipping_of(order, one) for one in (mine, yours, new_id())] == [583, 0, 0]


def test_what_is_left_of_a_line_was_neither_shipped_nor_canceled() -> None:
    line = LineUnits(1, new_id(), new_id(), ordered=5, shipped=2, canceled=1, refunded=2)

    assert line.left == 2
