"""`flask audit`: whether everything holds that must always hold."""

import json
import sys
from dataclasses import asdict
from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import OperationalError

from app.operations import audit
from app.operations.audit import Report
from app.wiring import providers

_WIDTH = 160  # where nobody looks, lines stay whole


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--no-psp", is_flag=True, help="Do not ask the payment provider (invariant 4).")
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=audit.GRACE_SECONDS,
    show_default=True,
    help="Seconds a hold at the provider may be without its payment.",
)
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 366),
    default=audit.REACH_HOURS,
    show_default=True,
    help="How far back the provider's holds are looked at.",
)
def command(as_json: bool, no_psp: bool, grace: int, hours: int) -> None:
    """Check every invariant; exit 1 and a row for each breach where one is broken."""
    wired = providers()
    try:
        report = audit.of_everything(
            wired.db,
            wired.gate,
            None if no_psp else wired.payments,
            grace=timedelta(seconds=grace),
            reach=timedelta(hours=hours),
        )
    except OperationalError as error:
        raise click.ClickException("PostgreSQL does not answer; nothing was checked.") from error
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        _print(report)
    if not report.holds:
        raise click.exceptions.Exit(1)


def _print(report: Report) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    if report.breaches:
        table = Table("invariant", "broken", "subject", "detail")
        for breach in report.breaches:
            words = (str(breach.invariant), breach.name, breach.subject, escape(breach.detail))
            table.add_row(*words)
        console.print(table)
    for number, why in sorted(report.unknown.items()):
        console.print(f"invariant {number} could not be checked: {escape(why)}")
    looked = ", ".join(f"{count} {name}" for name, count in report.looked_at.items())
    console.print(f"looked at {looked}")
    stock = report.stock
    console.print(
        f"stock: {stock.came} came = {stock.available} available"
        f" + {stock.reserved} reserved + {stock.sent} sent"
        if _adds_up(report)
        else f"stock does not add up: {stock.came} came, {stock.available} available,"
        f" {stock.reserved} reserved, {stock.sent} sent"
    )
    if report.holds:
        console.print(f"all {len(report.invariants)} invariants hold")
    elif report.breaches:
        broken = sorted({breach.invariant for breach in report.breaches})
        numbers = ", ".join(map(str, broken))
        console.print(f"{len(report.breaches)} breaches of invariants {numbers}")


def _adds_up(report: Report) -> bool:
    stock = report.stock
    return stock.came == stock.available + stock.reserved + stock.sent


def _as_json(report: Report) -> dict[str, object]:
    return {
        "holds": report.holds,
        "invariants": sorted(report.invariants),
        "breaches": [asdict(breach) for breach in report.breaches],
        "unknown": {str(number): why for number, why in report.unknown.items()},
        "looked_at": dict(report.looked_at),
        "stock": asdict(report.stock),
    }
