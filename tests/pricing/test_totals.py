"""Sums by hand, and the laws every sum keeps."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.pricing.promotions import Reduction
from app.pricing.tax import UNTAXED, Rate, TaxTable
from app.pricing.totals import PricedLine, ShippingCharge, ShippingPart, compute

BARN, MILL = UUID(int=1), UUID(int=2)
VAT_19 = Rate("VAT 19 %", 190_000, included=True)
VAT_7 = Rate("VAT 7 %", 70_000, included=True)
SALES_TAX = Rate("Sales tax", 77_500, included=False)
GERMANY = TaxTable("DE", rates={(None, "standard"): VAT_19, (None, "books"): VAT_7})
CALIFORNIA = TaxTable("US", "CA", rates={(None, "standard"): SALES_TAX})


def line(price: int, qty: int = 1, *, tax_code: str = "standard", by: UUID = BARN) -> PricedLine:
    return PricedLine(
        sku_id=UUID(int=price * 1000 + qty),
        merchant_id=by,
        qty=qty,
        price=price,
        tax_code=tax_code,
    )


def sending(price: int, tax_code: str = "standard", by: UUID = BARN) -> ShippingCharge:
    return ShippingCharge("standard", (ShippingPart(by, price, tax_code),))


def test_a_price_with_tax_in_it_is_paid_as_shown() -> None:
    totals = compute([line(11_900)], shipping=None, taxes=GERMANY)

    assert (totals.tax, totals.tax_included, totals.total) == (1_900, 1_900, 11_900)


def test_a_tax_on_top_of_the_price_is_added() -> None:
    totals = compute([line(10_000)], shipping=None, taxes=CALIFORNIA)

    assert (totals.tax, totals.tax_included, totals.total) == (775, 0, 10_775)


def test_half_a_cent_of_tax_is_rounded_up_line_by_line() -> None:
    # 2.00 at 7.75 % is 15.5 cents: two lines pay 16 each, one line of two units pays 31
    apart = compute([line(200), line(200)], shipping=None, taxes=CALIFORNIA)
    together = compute([line(200, 2)], shipping=None, taxes=CALIFORNIA)

    assert (apart.tax, together.tax) == (32, 31)


def test_shipping_is_taxed_by_its_own_tax_code() -> None:
    totals = compute([line(10_700, tax_code="books")], shipping=sending(595), taxes=GERMANY)

    assert [each.taxed.tax for each in totals.lines] == [700]
    assert [each.taxed.tax for each in totals.shipping_lines] == [95]
    assert totals.total == 10_700 + 595


def test_a_discount_is_split_over_the_lines_before_tax() -> None:
    lines = [line(1_000), line(1_000), line(1_000)]

    totals = compute(lines, shipping=None, taxes=CALIFORNIA, reduction=Reduction(discount=100))

    assert [each.discount for each in totals.lines] == [34, 33, 33]
    assert [each.tax for each in totals.lines] == [75, 75, 75]  # 74.865 and 74.9425
    assert totals.total == 3_000 - 100 + 225


def test_one_order_may_mix_prices_with_and_without_tax() -> None:
    taxes = TaxTable(
        "DE", rates={(BARN, "standard"): VAT_19, (MILL, "standard"): replace(SALES_TAX)}
    )

    totals = compute([line(11_900), line(10_000, by=MILL)], shipping=None, taxes=taxes)

    assert (totals.tax, totals.tax_included, totals.total) == (2_675, 1_900, 22_675)


def test_a_merchants_own_rate_wins_over_the_general_one() -> None:
    taxes = TaxTable("DE", rates={(None, "standard"): VAT_19, (BARN, "standard"): VAT_7})

    totals = compute([line(10_700), line(11_900, by=MILL)], shipping=None, taxes=taxes)

    assert [each.tax for each in totals.lines] == [700, 1_900]


def test_where_no_rate_is_known_the_tax_is_zero_and_the_breakdown_says_so() -> None:
    totals = compute([line(1_000, tax_code="moon dust")], shipping=None, taxes=GERMANY)

    assert totals.tax == 0
    assert totals.as_json()["lines"][0]["tax_known"] is False
    assert totals.taxes == [
        {
            "name": UNTAXED.name,
            "rate_ppm": 0,
            "included": False,
            "known": False,
            "net": 1_000,
            "tax": 0,
        }
    ]


def test_the_breakdown_sums_tax_by_rate() -> None:
    lines = [line(11_900), line(11_900), line(10_700, tax_code="books")]

    totals = compute(lines, shipping=sending(595), taxes=GERMANY)

    assert [(each["name"], each["net"], each["tax"]) for each in totals.taxes] == [
        ("VAT 19 %", 20_500, 3_895),
        ("VAT 7 %", 10_000, 700),
    ]


def test_what_is_frozen_states_its_rounding_and_adds_up() -> None:
    frozen = compute(
        [line(999, 3)], shipping=sending(490), taxes=CALIFORNIA, reduction=Reduction(discount=50)
    ).as_json()

    assert frozen["rounding"] == "per line, half up"
    parts = [*frozen["lines"], *frozen["shipping_lines"]]
    assert sum(part["total"] for part in parts) == frozen["total"]


def test_a_gift_costs_nothing() -> None:
    totals = compute(
        [line(500)], shipping=None, taxes=CALIFORNIA, reduction=Reduction(discount=500)
    )

    assert (totals.total, totals.tax) == (0, 0)


@pytest.mark.parametrize("discount", [-1, 1_001])
def test_a_discount_beyond_the_goods_is_a_bug(discount: int) -> None:
    with pytest.raises(ValueError, match="discount"):
        compute([line(1_000)], shipping=None, taxes=GERMANY, reduction=Reduction(discount=discount))


CODES = ("standard", "books", "food", "unknown")
rates = st.builds(
    Rate, st.sampled_from(["VAT", "Sales tax"]), st.integers(0, 999_999), included=st.booleans()
)
tables = st.builds(
    TaxTable,
    st.just("DE"),
    rates=st.dictionaries(
        st.tuples(st.sampled_from([None, BARN, MILL]), st.sampled_from(CODES[:3])), rates
    ),
)
lines_of = st.lists(
    st.builds(
        PricedLine,
        sku_id=st.uuids(),
        merchant_id=st.sampled_from([BARN, MILL]),
        qty=st.integers(1, 999),
        price=st.integers(0, 10**9),
        tax_code=st.sampled_from(CODES),
    ),
    min_size=1,
    max_size=8,
)
charges = st.none() | st.builds(
    ShippingCharge,
    st.just("standard"),
    st.tuples(st.builds(ShippingPart, st.just(BARN), st.integers(0, 10**6), st.just("standard"))),
)


@given(lines_of, charges, tables, st.data())
def test_no_minor_unit_is_lost_or_made(
    lines: list[PricedLine], charge: ShippingCharge | None, taxes: TaxTable, data: st.DataObject
) -> None:
    worth = sum(each.subtotal for each in lines)
    discount = data.draw(st.integers(0, worth))

    totals = compute(lines, shipping=charge, taxes=taxes, reduction=Reduction(discount=discount))

    parts = [part.taxed for part in (*totals.lines, *totals.shipping_lines)]
    assert totals.items_total == worth
    assert sum(each.discount for each in totals.lines) == discount
    assert sum(each.total for each in parts) == totals.total
    assert sum(each.tax for each in parts) == totals.tax
    assert sum(each["tax"] for each in totals.taxes) == totals.tax
    assert sum(each["net"] for each in totals.taxes) == totals.total - totals.tax


@given(lines_of, charges, tables, st.data())
def test_no_amount_is_below_zero(
    lines: list[PricedLine], charge: ShippingCharge | None, taxes: TaxTable, data: st.DataObject
) -> None:
    discount = data.draw(st.integers(0, sum(each.subtotal for each in lines)))

    totals = compute(lines, shipping=charge, taxes=taxes, reduction=Reduction(discount=discount))

    assert totals.total >= 0
    assert 0 <= totals.tax_included <= totals.tax
    for each in totals.lines:
        assert 0 <= each.discount <= each.qty * each.price
        assert each.total >= 0
        assert 0 <= each.tax_included <= each.tax


@given(lines_of, charges, tables, st.data())
def test_the_order_of_the_lines_does_not_matter(
    lines: list[PricedLine], charge: ShippingCharge | None, taxes: TaxTable, data: st.DataObject
) -> None:
    worth = sum(each.subtotal for each in lines)
    discount = data.draw(st.integers(0, worth))
    remainders = [discount * each.subtotal % max(worth, 1) for each in lines]
    assume(worth and len(set(remainders)) == len(lines))  # a tie goes to the earlier line
    shuffled = data.draw(st.permutations(lines))

    one = compute(lines, shipping=charge, taxes=taxes, reduction=Reduction(discount=discount))
    other = compute(shuffled, shipping=charge, taxes=taxes, reduction=Reduction(discount=discount))

    assert (one.total, one.tax, one.taxes) == (other.total, other.tax, other.taxes)


@given(lines_of, charges, tables, st.data())
def test_more_units_or_a_higher_price_never_cost_less(
    lines: list[PricedLine], charge: ShippingCharge | None, taxes: TaxTable, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    more = replace(
        lines[at],
        qty=lines[at].qty + data.draw(st.integers(0, 9)),
        price=lines[at].price + data.draw(st.integers(0, 9)),
    )

    before = compute(lines, shipping=charge, taxes=taxes)
    after = compute([*lines[:at], more, *lines[at + 1 :]], shipping=charge, taxes=taxes)

    assert after.total >= before.total
    assert after.tax >= before.tax


@given(st.integers(0, 10**12), rates, st.integers(0, 10**5))
def test_a_higher_rate_never_taxes_less(amount: int, rate: Rate, more: int) -> None:
    higher = replace(rate, ppm=rate.ppm + more)

    assert higher.on(amount).tax >= rate.on(amount).tax


@given(st.integers(0, 10**12), rates)
def test_a_rounded_tax_is_within_half_a_minor_unit(amount: int, rate: Rate) -> None:
    taxed = rate.on(amount)

    whole = 1_000_000 + rate.ppm if rate.included else 1_000_000
    assert 2 * abs(taxed.tax * whole - amount * rate.ppm) <= whole
