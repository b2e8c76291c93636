"""What is printed adds up, whatever was sold by whomever under whatever tax."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from app.accounts.settings import MerchantSettings
from app.documents import figures
from app.platform.ids import new_id
from app.pricing.totals import PricedLine, Totals
from tests.documents.trade import ADDED, order_of, priced
from tests.factories import ADDRESS

MERCHANTS = (new_id(), new_id(), new_id())
AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
LINES = some.lists(
    some.builds(
        PricedLine,
        sku_id=some.uuids(),
        merchant_id=some.sampled_from(MERCHANTS),
        qty=some.integers(1, 40),
        price=some.integers(0, 99_999),
        tax_code=some.sampled_from(["standard", "reduced", "added", "unheard_of"]),
    ),
    min_size=1,
    max_size=8,
)


def _order(totals: Totals):
    return order_of(
        totals,
        ["Boot"] * len(totals.lines),
        number="100001",
        email="ada@example.com",
        address=ADDRESS,
        created_at=AT,
    )


def _invoices(totals: Totals) -> list[dict]:
    order = _order(totals)
    return [_invoice(order, merchant, totals) for merchant in _merchants(totals)]


def _invoice(order, merchant_id: UUID, totals: Totals, canceled=None) -> dict:
    return figures.of_invoice(
        order,
        merchant_id,
        seller=MerchantSettings(name="Blue Barn", currency="EUR"),
        number=1,
        totals=totals.as_json(),
        canceled=canceled or {},
        issued_at=AT,
        supplied_at=None,
    )


def _merchants(totals: Totals) -> list[UUID]:
    return sorted({line.merchant_id for line in totals.lines})


@given(LINES, some.integers(0, 5_000), some.floats(0, 1), some.data())
def test_units_that_were_canceled_are_not_billed_and_the_rest_to_the_cent(
    lines, shipping, share, data
) -> None:
    worth = sum(line.subtotal for line in lines)
    totals = priced(lines, rates={"added": ADDED}, shipping=shipping, discount=int(worth * share))
    order = _order(totals)
    canceled = {item.line: data.draw(some.integers(0, item.qty)) for item in order.items}

    invoices = [_invoice(order, each, totals, canceled) for each in _merchants(totals)]

    given_up = sum(item.total * canceled[item.line] // item.qty for item in order.items)
    assert sum(each["totals"]["total"] for each in invoices) == totals.total - given_up
    for printed in invoices:
        for line in printed["lines"]:
            added = 0 if line["tax_included"] else line["tax"]
            assert line["qty"] > 0
            assert line["price"] * line["qty"] - line["discount"] + added == line["total"]
            assert 0 <= line["discount"] <= line["price"] * line["qty"]
            assert 0 <= line["tax"] <= line["total"]
            assert line["net"] + line["tax"] == line["total"]


@given(LINES, some.integers(0, 5_000), some.floats(0, 1))
def test_the_invoices_of_an_order_make_its_total_to_the_cent(lines, shipping, share) -> None:
    worth = sum(line.subtotal for line in lines)
    totals = priced(lines, rates={"added": ADDED}, shipping=shipping, discount=int(worth * share))

    invoices = _invoices(totals)

    assert sum(each["totals"]["total"] for each in invoices) == totals.total
    assert sum(each["totals"]["tax"] for each in invoices) == totals.tax
    assert sum(each["totals"]["discount"] for each in invoices) == totals.discount
    for printed in invoices:
        sums = printed["totals"]
        parts = [*printed["lines"], *printed["shipping"]]
        assert all(part["net"] + part["tax"] == part["total"] for part in parts)
        assert sum(part["total"] for part in parts) == sums["total"]
        assert sum(tax["net"] + tax["tax"] for tax in printed["taxes"]) == sums["total"]
        assert sums["net"] + sums["tax"] == sums["total"]
        assert (
            sums["items"] - sums["discount"] + sums["shipping"] + sums["tax_added"] == sums["total"]
        )


@given(LINES)
def test_the_taxes_of_all_invoices_are_those_of_the_order(lines) -> None:
    totals = priced(lines, rates={"added": ADDED}, shipping=0)

    invoices = _invoices(totals)

    summed: dict[tuple, list[int]] = {}
    for tax in (tax for printed in invoices for tax in printed["taxes"]):
        both = summed.setdefault((tax["name"], tax["rate_ppm"], tax["included"]), [0, 0])
        both[0] += tax["net"]
        both[1] += tax["tax"]
    assert summed == {
        (tax["name"], tax["rate_ppm"], tax["included"]): [tax["net"], tax["tax"]]
        for tax in totals.taxes
    }


def test_a_line_tells_the_rate_it_was_taxed_by_and_whether_its_price_contains_it() -> None:
    merchant = MERCHANTS[0]
    lines = [
        PricedLine(new_id(), merchant, 2, 1_190),
        PricedLine(new_id(), merchant, 1, 1_000, "added"),
        PricedLine(new_id(), merchant, 1, 0, "reduced"),
        PricedLine(new_id(), merchant, 1, 500, "unheard_of"),
    ]

    (printed,) = _invoices(priced(lines, rates={"added": ADDED}, shipping=0))

    rates = [
        (line["tax_rate_ppm"], line["tax_included"], line["tax_known"], line["tax"], line["net"])
        for line in printed["lines"]
    ]
    assert rates == [
        (190_000, True, True, 380, 2_000),
        (82_500, False, True, 83, 1_000),
        (70_000, True, True, 0, 0),
        (0, False, False, 0, 500),
    ]
