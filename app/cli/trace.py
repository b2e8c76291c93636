"""`flask trace ORDER`: the story of a purchase, as every part of the shop wrote it down."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import OperationalError

from app.operations.sources import Entry
from app.operations.trace import Purchase, Story, story_of
from app.platform.errors import DomainError
from app.platform.money import Money
from app.wiring import providers

_COLOURS = {
    "checkout": "bold",
    "saga": "cyan",
    "order": "green",
    "payment": "yellow",
    "provider": "yellow",
    "stock": "magenta",
    "outbox": "blue",
    "bus": "blue",
    "consumer": "blue",
    "letter": "white",
    "incident": "bold red",
}


@click.command("trace")
@click.argument("order")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a timeline.")
def command(order: str, as_json: bool) -> None:
    """Tell what happened to ORDER: an order id or number, a checkout, payment or cart id."""
    try:
        story = story_of(providers().db, order)
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    except OperationalError as error:
        raise click.ClickException("PostgreSQL does not answer.") from error
    if as_json:
        click.echo(json.dumps(_as_json(story), indent=2, default=str))
    else:
        _print(story)


def _print(story: Story) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for purchase in story.purchases:
        console.print(_headline(purchase))
    console.print(Text(f"began {story.began_at:%Y-%m-%d %H:%M:%S} UTC", "dim"))
    for entry in story.entries:
        console.print(_line(entry, story.began_at))


def _headline(purchase: Purchase) -> Text:
    """`order 100001 ord_… confirmed · 104.90 EUR · payment authorized · checkout chk_…`."""
    words = [f"checkout {purchase.checkout_id} {purchase.state}"]
    if purchase.order_id is not None:
        named = f"order {purchase.number or 'without a number'}"
        words.insert(0, f"{named} {purchase.order_id} {purchase.order_state}")
    if purchase.total is not None:
        words.append(str(Money(purchase.total, purchase.currency)))
    if purchase.payment_id is not None:
        words.append(f"payment {purchase.payment_id} {purchase.payment_status}")
    if purchase.failure is not None:
        words.append(f"because {_value(purchase.failure.get('code'))}")
    return Text(" · ".join(words), "bold")


def _line(entry: Entry, began_at: datetime) -> Text:
    line = Text(f"{_since(entry, began_at):+10.3f} s  ", "dim")
    colour = _COLOURS.get(entry.source, "")
    line.append(f"{entry.source:<9} ", colour).append(f"{entry.what:<26} ", colour)
    return line.append(_words(entry.detail), "dim")


def _since(entry: Entry, began_at: datetime) -> float:
    return (entry.at - began_at).total_seconds()


def _words(detail: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in detail.items())


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _as_json(story: Story) -> dict[str, Any]:
    return {
        "purchases": [
            asdict(purchase) | {"began_at": purchase.began_at.isoformat()}
            for purchase in story.purchases
        ],
        "story": [
            {
                "at": entry.at.isoformat(),
                "after_seconds": round(_since(entry, story.began_at), 6),
                "source": entry.source,
                "what": entry.what,
                "detail": entry.detail,
            }
            for entry in story.entries
        ],
    }
