"""Draws a receipt: what was ordered, and what was paid for it, taken and given back."""

from collections.abc import Iterator

from app.documents.figures import address_of
from app.documents.invoice import postal
from app.documents.paper import WIDTH, Block, Column, Paper, Row, row, space
from app.documents.payments_made import Story
from app.documents.words import Words, words

SHOP = "Cartwright"

_HEAD = (Column(WIDTH - 240), Column(110), Column(130, right=True))
_ITEMS = (Column(WIDTH - 130), Column(40, right=True), Column(90, right=True))
_MOVES = (Column(80), Column(150), Column(WIDTH - 330), Column(100, right=True))
_SUMS = (Column(WIDTH - 260), Column(170), Column(90, right=True))


def draw(story: Story) -> bytes:
    """The PDF of a receipt, in the language of its order."""
    said = words(story.order.locale)
    title = f"{said.say('receipt')} {story.order.number}"
    goods = row(_ITEMS, *(said.say(name) for name in ("item", "qty", "total")), bold=True)
    events = ("day", "what", "reference", "amount")
    happened = row(_MOVES, *(said.say(name) for name in events), bold=True)
    items, moves = list(_items(story, said)), list(_moves(story, said))
    return Paper(
        title=title,
        author=SHOP,
        blocks=(
            Block(tuple(_head(story, said, title))),
            Block((goods, *items[:1]), goods),
            *(Block((item,), goods) for item in items[1:]),
            Block(tuple(_order_sums(story, said))),
            Block((happened, *moves[:1]), happened),
            *(Block((move,), happened) for move in moves[1:]),
            Block(tuple(_sums(story, said))),
        ),
        foot=said.say("days_in_utc"),
        numbered=lambda page, pages: said.say("page", page=page, pages=pages),
    ).draw()


def _head(story: Story, said: Words, title: str) -> Iterator[Row]:
    order = story.order
    facts = {
        "order_number": order.number or "",
        "ordered": said.day(order.created_at.isoformat()),
        "payment": story.payment.provider,
        "reference": story.payment.psp_ref or "",
    }
    yield row((Column(WIDTH),), title, size=15, bold=True)
    yield space(20)
    yield row(
        _HEAD,
        [*postal(address_of(order.address), said), order.email],
        [said.say(name) for name in facts],
        list(facts.values()),
    )
    yield space(24)


def _items(story: Story, said: Words) -> Iterator[Row]:
    for item in story.order.items:
        total = said.money(item.total, story.order.currency)
        yield row(_ITEMS, item.name, said.number(item.qty), total, ruled=True)


def _order_sums(story: Story, said: Words) -> Iterator[Row]:
    order = story.order
    shipping = order.total - sum(item.total for item in order.items)
    if shipping:
        amount = said.money(shipping, order.currency)
        yield row(_ITEMS, said.say("shipping"), "", amount, ruled=True)
    total = said.money(order.total, order.currency)
    yield row(_ITEMS, said.say("total"), "", total, bold=True, ruled=True)
    yield space(20)


def _moves(story: Story, said: Words) -> Iterator[Row]:
    for move in story.moves:
        amount = -move.amount if move.what == "refunded" else move.amount
        yield row(
            _MOVES,
            said.day(move.at.isoformat()),
            said.say(move.what),
            move.reference,
            said.money(amount, story.order.currency),
            ruled=True,
        )


def _sums(story: Story, said: Words) -> Iterator[Row]:
    payment, currency = story.payment, story.order.currency
    yield space(6)
    yield row(_SUMS, "", said.say("paid"), said.money(payment.captured, currency), ruled=True)
    if payment.refunded:
        yield row(_SUMS, "", said.say("refunded"), said.money(-payment.refunded, currency))
    yield row(_SUMS, "", said.say("kept"), said.money(story.kept, currency), bold=True, size=10)
