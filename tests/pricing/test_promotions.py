"""What coupons take off, by hand, and the laws every reduction keeps."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platform.errors import DomainError
from app.pricing.promotions import Terms, customer_key, reduction
from app.pricing.states import PromotionKind
from app.pricing.tax import Rate, TaxTable
from app.pricing.totals import PricedLine, ShippingCharge, ShippingPart, Totals, compute

BARN, MILL = UUID(int=1), UUID(int=2)
VAT_19 = Rate("VAT 19 %", 190_000, included=True)
SALES_TAX = Rate("Sales tax", 77_500, included=False)
GERMANY = TaxTable("DE", rates={(None, "standard"): VAT_19})
CALIFORNIA = TaxTable("US", "CA", rates={(None, "standard"): SALES_TAX})
TENTH = Terms(UUID(int=9), "TENTH", None, PromotionKind.PERCENT, "EUR", {"rate_ppm": 100_000})
FIVER = Terms(UUID(int=9), "FIVER", None, PromotionKind.AMOUNT, "EUR", {"amount": 500})
FREE = Terms(UUID(int=9), "FREE", None, PromotionKind.FREE_SHIPPING, "EUR")
PARCELS = ShippingCharge("standard", (ShippingPart(BARN, 490), ShippingPart(MILL, 590)))


def line(price: int, qty: int = 1, *, by: UUID = BARN) -> PricedLine:
    return PricedLine(sku_id=UUID(int=price * 1000 + qty), merchant_id=by, qty=qty, price=price)


def with_coupon(
    terms: Terms,
    *lines: PricedLine,
    shipping: ShippingCharge | None = None,
    taxes: TaxTable = GERMANY,
) -> Totals:
    worth: dict[UUID, int] = {}
    for each in lines:
        worth[each.merchant_id] = worth.get(each.merchant_id, 0) + each.subtotal
    off = reduction(terms, worth, currency="EUR")
    return compute(lines, shipping=shipping, taxes=taxes, reduction=off)


def test_a_percentage_is_taken_off_the_goods_and_not_the_parcels() -> None:
    totals = with_coupon(TENTH, line(10_000), shipping=PARCELS)

    assert (totals.discount, totals.shipping, totals.total) == (1_000, 1_080, 10_080)
    assert totals.coupon == {"code": "TENTH", "kind": "percent", "amount": 1_000}


def test_half_a_cent_off_is_rounded_up() -> None:
    assert with_coupon(TENTH, line(1_005)).discount == 101


def test_a_percentage_stops_at_its_cap() -> None:
    capped = replace(TENTH, rule={"rate_ppm": 100_000, "amount_max": 300})

    assert with_coupon(capped, line(10_000)).discount == 300
    assert with_coupon(capped, line(1_000)).discount == 100


def test_an_amount_never_takes_off_more_than_the_goods() -> None:
    assert with_coupon(FIVER, line(10_000)).discount == 500
    assert with_coupon(FIVER, line(300)).total == 0


def test_tax_is_raised_on_what_is_left() -> None:
    totals = with_coupon(TENTH, line(10_000), taxes=CALIFORNIA)

    assert (totals.tax, totals.total) == (698, 9_698)  # 7.75 % of 90.00 is 6.975


def test_a_merchants_coupon_counts_for_its_own_lines_alone() -> None:
    of_mill = replace(FIVER, merchant_id=MILL)
    lines = [line(1_000), line(1_000, by=MILL), line(2_000, by=MILL)]

    totals = with_coupon(of_mill, *lines)

    assert [each.discount for each in totals.lines] == [0, 167, 333]
    assert totals.total == 3_500


def test_a_merchants_percentage_is_of_its_own_goods() -> None:
    totals = with_coupon(replace(TENTH, merchant_id=MILL), line(9_000), line(1_000, by=MILL))

    assert totals.discount == 100


def test_a_merchants_coupon_never_takes_off_more_than_its_own_goods() -> None:
    totals = with_coupon(replace(FIVER, merchant_id=MILL), line(9_000), line(300, by=MILL))

    assert [each.discount for each in totals.lines] == [0, 300]


def test_free_shipping_takes_the_price_of_every_parcel_and_its_tax() -> None:
    totals = with_coupon(FREE, line(10_000), line(5_000, by=MILL), shipping=PARCELS)

    assert (totals.shipping, totals.discount, totals.total) == (0, 0, 15_000)
    assert [part.taxed.tax for part in totals.shipping_lines] == [0, 0]
    assert totals.coupon == {"code": "FREE", "kind": "free_shipping", "amount": 1_080}


def test_a_merchants_free_shipping_is_of_its_own_parcel() -> None:
    terms = replace(FREE, merchant_id=MILL)

    totals = with_coupon(terms, line(10_000), line(5_000, by=MILL), shipping=PARCELS)

    assert totals.shipping == 490
    assert totals.as_json()["coupon"]["amount"] == 590


def test_an_order_without_a_coupon_says_so() -> None:
    assert compute([line(100)], shipping=None, taxes=GERMANY).as_json()["coupon"] is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"active": False}, "coupon_unknown"),
        ({"active": False, "over": True}, "coupon_unknown"),
        ({"merchant_id": MILL}, "coupon_unknown"),
        ({"merchant_id": MILL, "over": True}, "coupon_unknown"),
        ({"begun": False}, "coupon_not_yet_valid"),
        ({"over": True}, "coupon_expired"),
        ({"currency": "USD"}, "coupon_currency"),
        ({"rule": {"amount": 1, "minimum": 1_001}}, "coupon_minimum"),
        ({"uses_max": 3, "used": 3}, "coupon_used_up"),
    ],
)
def test_a_coupon_that_does_not_count_says_why(change: dict[str, object], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        reduction(replace(FIVER, **change), {BARN: 1_000}, currency="EUR")  # type: ignore[arg-type]

    assert refused.value.code == code


def test_the_minimum_counts_the_goods_the_coupon_is_for() -> None:
    terms = replace(FIVER, merchant_id=MILL, rule={"amount": 500, "minimum": 2_000})

    with pytest.raises(DomainError) as refused:
        reduction(terms, {BARN: 50_000, MILL: 1_999}, currency="EUR")

    assert refused.value.facts == {"minimum": 2_000, "worth": 1_999}
    assert reduction(terms, {MILL: 2_000}, currency="EUR").discount == 500


def test_a_customer_is_the_user_or_the_address_in_any_case_and_with_its_dots() -> None:
    user = UUID(int=7)

    assert customer_key(user, "ada@example.com") == str(user)
    assert customer_key(None, "  Ada.L@Example.COM ") == "ada.l@example.com"
    assert customer_key(None, "adal@example.com") != customer_key(None, "ada.l@example.com")


kinds = st.one_of(
    st.tuples(
        st.just(PromotionKind.PERCENT),
        st.fixed_dictionaries(
            {"rate_ppm": st.integers(1, 1_000_000)},
            optional={"amount_max": st.integers(1, 10**6)},
        ),
    ),
    st.tuples(
        st.just(PromotionKind.AMOUNT), st.fixed_dictionaries({"amount": st.integers(1, 10**10)})
    ),
    st.tuples(st.just(PromotionKind.FREE_SHIPPING), st.just({})),
)
merchants = st.sampled_from([BARN, MILL])
lines_of = st.lists(
    st.builds(
        PricedLine,
        sku_id=st.uuids(),
        merchant_id=merchants,
        qty=st.integers(1, 99),
        price=st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=6,
)
charges = st.builds(
    ShippingCharge,
    st.just("standard"),
    st.tuples(
        st.builds(ShippingPart, st.just(BARN), st.integers(0, 10**5)),
        st.builds(ShippingPart, st.just(MILL), st.integers(0, 10**5)),
    ),
)
tables = st.sampled_from([GERMANY, CALIFORNIA])


@given(lines_of, charges, tables, kinds, st.booleans())
def test_whatever_a_coupon_takes_off_the_parts_make_the_total(
    lines: list[PricedLine],
    charge: ShippingCharge,
    taxes: TaxTable,
    kind: tuple[PromotionKind, dict[str, int]],
    own: bool,
) -> None:
    of = lines[0].merchant_id if own else None

    totals = with_coupon(
        Terms(UUID(int=9), "X", of, kind[0], "EUR", kind[1]), *lines, shipping=charge, taxes=taxes
    )

    parts = [part.taxed for part in (*totals.lines, *totals.shipping_lines)]
    assert sum(part.total for part in parts) == totals.total
    assert sum(each.discount for each in totals.lines) == totals.discount
    assert all(0 <= each.discount <= each.qty * each.price for each in totals.lines)
    assert totals.total >= 0
    assert all(part.tax >= 0 for part in parts)
    assert all(each.discount == 0 for each in totals.lines if own and each.merchant_id != of)


@given(lines_of, charges, tables, kinds)
def test_a_coupon_never_makes_an_order_dearer_and_takes_off_what_it_says(
    lines: list[PricedLine],
    charge: ShippingCharge,
    taxes: TaxTable,
    kind: tuple[PromotionKind, dict[str, int]],
) -> None:
    without = compute(lines, shipping=charge, taxes=taxes)

    totals = with_coupon(
        Terms(UUID(int=9), "X", None, kind[0], "EUR", kind[1]), *lines, shipping=charge, taxes=taxes
    )

    assert totals.total <= without.total
    assert totals.tax <= without.tax
    before = without.items_total + without.shipping
    after = totals.items_total + totals.shipping - totals.discount
    assert before - after == totals.coupon_amount
