"""Draws an invoice from its frozen figures and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.documents.paper import WIDTH, Block, Column, Paper, Row, row, space
from app.documents.words import Words, words

Figures = Mapping[str, Any]

_HEAD = (Column(WIDTH - 240), Column(110), Column(130, right=True))
_ITEMS = (
    Column(22),
    Column(WIDTH - 22 - 32 - 68 - 62 - 74 - 72),
    Column(32, right=True),
    Column(68, right=True),
    Column(62, right=True),
    Column(74, right=True),
    Column(72, right=True),
)
_SUMS = (Column(WIDTH - 260), Column(170), Column(90, right=True))
_TAXES = (
    Column(WIDTH - 270),
    Column(90, right=True),
    Column(90, right=True),
    Column(90, right=True),
)


def draw(figures: Figures) -> bytes:
    """The PDF of an invoice, in the language of its order; the same figures give the same bytes."""
    said = words(figures["locale"])
    seller = figures["seller"]
    title = f"{said.say('invoice')} {figures['number']}"
    heading = _heading(said)
    return Paper(
        title=title,
        author=seller["legal_name"],
        blocks=(
            Block(tuple(_head(figures, said))),
            Block((heading, *_item(figures, figures["lines"][0], said)), heading),
            *(Block(tuple(_item(figures, line, said)), heading) for line in figures["lines"][1:]),
            Block(tuple(_sums(figures, said))),
            Block(tuple(_taxes(figures, said))),
        ),
        foot=" · ".join(_seller_lines(seller, said)),
        numbered=lambda page, pages: said.say("page", page=page, pages=pages),
    ).draw()


def postal(address: Mapping[str, str], said: Words) -> list[str]:
    """The lines of an address; the country by its name in the reader's language."""
    city = f"{address['postal_code']} {address['city']}".strip()
    country = said.country(address["country"]) if address["country"] else ""
    parts = (
        address["name"], address["line1"], address["line2"], city, address["region"], country,
    )  # fmt: skip
    return [part for part in parts if part]


def _seller_lines(seller: Mapping[str, Any], said: Words) -> list[str]:
    lines = [seller["legal_name"], *postal({**seller["address"], "name": ""}, said)]
    return [*lines, f"{said.say('vat_id')} {seller['vat_id']}"] if seller["vat_id"] else lines


def _head(figures: Figures, said: Words) -> Iterator[Row]:
    seller, order = figures["seller"], figures["order"]
    supplied = figures["supplied_at"]
    yield row((Column(WIDTH),), seller["name"], size=15, bold=True)
    yield row((Column(WIDTH),), " · ".join(_seller_lines(seller, said)), size=7)
    yield space(26)
    facts = {
        "invoice_number": figures["number"],
        "issued": said.day(figures["issued_at"]),
        "order_number": order["number"],
        "ordered": said.day(order["ordered_at"]),
        "supplied": said.day(supplied) if supplied else said.say("supplied_later"),
    }
    buyer = figures["buyer"]
    yield row(
        _HEAD,
        postal(buyer["address"], said),
        [said.say(name) for name in facts],
        list(facts.values()),
    )
    yield space(30)
    yield row((Column(WIDTH),), f"{said.say('invoice')} {figures['number']}", size=13, bold=True)
    yield space(8)


def _heading(said: Words) -> Row:
    names = ("item", "qty", "price", "discount", "tax", "total")
    return row(_ITEMS, "", *(said.say(name) for name in names), bold=True)


def _item(figures: Figures, line: Mapping[str, Any], said: Words) -> Iterator[Row]:
    currency = figures["currency"]
    rate = said.tax(line["tax_name"], line["tax_rate_ppm"]) if line["tax_known"] else ""
    yield row(
        _ITEMS,
        said.number(line["line"]),
        [line["name"], line["code"]],
        said.number(line["qty"]),
        said.money(line["price"], currency),
        said.money(-line["discount"], currency) if line["discount"] else "",
        [said.money(line["tax"], currency), rate] if line["tax_known"] else said.say("no_tax"),
        said.money(line["total"], currency),
        ruled=True,
    )


def _sums(figures: Figures, said: Words) -> Iterator[Row]:
    currency, totals = figures["currency"], figures["totals"]
    rows = [("items", totals["items"])]
    rows += [("discount", -totals["discount"])] if totals["discount"] else []
    rows += [("shipping", totals["shipping"])] if figures["shipping"] else []
    rows += [("tax_added", totals["tax_added"])] if totals["tax_added"] else []
    for place, (name, amount) in enumerate(rows):
        yield row(_SUMS, "", said.say(name), said.money(amount, currency), ruled=place == 0)
    total = said.money(totals["total"], currency)
    yield row(_SUMS, "", said.say("total"), total, bold=True, size=10)
    yield space(14)


def _taxes(figures: Figures, said: Words) -> Iterator[Row]:
    """What tax the total contains, by rate: an invoice must say it (Directive 2006/112/EC, art.
    226 no. 8 to 10)."""
    currency = figures["currency"]
    heads = [said.say(name) for name in ("tax", "net", "tax", "gross")]
    yield row(_TAXES, *heads, bold=True)
    for tax in figures["taxes"]:
        how = said.say("included" if tax["included"] else "added")
        name = f"{said.tax(tax['name'], tax['rate_ppm'])}, {how}"
        yield row(
            _TAXES,
            name if tax["known"] else said.say("no_tax"),
            said.money(tax["net"], currency),
            said.money(tax["tax"], currency),
            said.money(tax["net"] + tax["tax"], currency),
            ruled=True,
        )
    yield row((Column(WIDTH),), said.say("tax_note"), size=7)
