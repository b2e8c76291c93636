"""The figures for people and for machines."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.page import render
from bench.rounds import NOT_THE_SHOP, Figures, Windows

STATEMENTS_SHOWN = 40
_OCCUPIED_MIN = 0.7  # a short window cuts the last operation of every shopper off


@dataclass(frozen=True)
class Run:
    """One run of the bench: when, where, how, and what else there was.

    `idle` is what the shop spends in a second when nobody shops. `wrong` is what did not add up.
    """

    at: str
    machine: Mapping[str, Any]
    driver: str
    provider: str
    windows: Windows
    idle: Mapping[str, float]
    deaths: Sequence[str]
    wrong: Sequence[str]


def show(console: Console, run: Run, figures: Sequence[Figures]) -> None:
    """Print the tables and what one must know to read them."""
    console.print(_figures_table(figures))
    console.print(_cpu_table(figures))
    for line in _notes(run, figures):
        console.print(line, highlight=False)


def write(folder: Path, run: Run, figures: Sequence[Figures]) -> Path:
    """Keep everything as JSON, and the newest as a page too; the path of the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {**asdict(run), "operations": [_as_json(each) for each in figures]}
    path = folder / f"{run.at.replace(':', '')}.json"
    text = json.dumps(_finite(told), indent=2)
    path.write_text(text + "\n")
    (folder / "latest.html").write_text(render(run, figures))
    return path


def _figures_table(figures: Sequence[Figures]) -> Table:
    table = Table(title="What the shop carries, beside its floor", title_justify="left")
    table.add_column("operation")
    for name in (
        "shoppers",
        "per s",
        "p50 ms",
        "p99 ms",
        "floor per s",
        "ratio",
        "CPU ms",
        "PSP CPU ms",
        "requests",
        "SQL",
        "commits",
        "Redis",
        "errors",
    ):
        table.add_column(name, justify="right")
    for each in figures:
        errors = sum(each.errors.values())
        table.add_row(
            each.operation.title,
            str(each.operation.shoppers),
            *(number(value) for value in (each.rate, each.p50, each.p99, each.floor)),
            f"{each.ratio:.3f}",
            *(number(value) for value in (each.shop_cpu, each.psp_cpu, each.requests)),
            *(number(value) for value in (each.sql, each.commits, each.redis)),
            f"[red]{errors}[/red]" if errors else "0",
        )
    return table


def _cpu_table(figures: Sequence[Figures]) -> Table:
    table = Table(title="Where the CPU of an operation goes, ms", title_justify="left")
    table.add_column("operation")
    parts = sorted({part for each in figures for part in each.cpu if part != "floor"})
    for part in (*parts, "driver"):
        table.add_column(part, justify="right")
    for each in figures:
        shown = [number(each.cpu.get(part, 0.0)) for part in parts]
        table.add_row(each.operation.name, *shown, number(each.driver_cpu))
    return table


def _notes(run: Run, figures: Sequence[Figures]) -> list[str]:
    idle = ", ".join(f"{number(value)} {name}" for name, value in run.idle.items())
    others = max((each.others for each in figures), default=math.nan)
    lines = [
        f"Machine: {run.machine['cpus']} CPUs, load before {run.machine['load_before']}; up to"
        f" {others:.0%} of the CPU used while measuring was somebody else's.",
        f"{run.windows.rounds} rounds of {run.windows.seconds:g} s, medians; {run.driver};"
        f" PSP: {run.provider}.",
        f"Nobody shopping, a second costs: {idle}. It is contained in the figures.",
    ]
    lines += [
        f"{each.operation.title}, {each.operation.shoppers} shoppers: {number(each.left)} pieces of"
        " work were waiting when the last shopper left"
        for each in figures
        if each.operation.buys
    ]
    lines += [
        f"[yellow]{each.operation.name}: {1 - each.occupied:.0%} of the shoppers' time ended in"
        " nothing while it was measured; measure longer, or somebody starved[/yellow]"
        for each in figures
        if each.occupied < _OCCUPIED_MIN
    ]
    for each in figures:
        lines += [
            f"[red]{each.operation.name}: {count} × {label}[/red]"
            for label, count in each.errors.items()
        ]
    lines += [f"[red]died: {death}[/red]" for death in run.deaths]
    lines += [f"[red bold]does not add up: {sentence}[/red bold]" for sentence in run.wrong]
    if not run.wrong and any(each.operation.buys for each in figures):
        lines.append("Every purchase that succeeded is one order; stock, ledger and money add up.")
    return lines


def number(value: float) -> str:
    """A figure with about three digits, which is what a noisy machine can tell."""
    if math.isnan(value):
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _as_json(each: Figures) -> dict[str, Any]:
    operation = each.operation
    return {
        "name": operation.name,
        "title": operation.title,
        "shoppers": operation.shoppers,
        "floor_of": operation.floor.value,
        "per_second": each.rate,
        "rates": each.rates,
        "p50_ms": each.p50,
        "p99_ms": each.p99,
        "floor_per_second": each.floor,
        "ratio": each.ratio,
        "cpu_ms": each.shop_cpu,
        "psp_cpu_ms": each.psp_cpu,
        "cpu_ms_by_part": {k: v for k, v in each.cpu.items() if k not in NOT_THE_SHOP},
        "driver_cpu_ms": each.driver_cpu,
        "cpu_share_of_others": each.others,
        "shoppers_occupied": each.occupied,
        "requests": each.requests,
        "sql_statements": each.sql,
        "sql_transaction_control": each.control,
        "commits": each.commits,
        "wal_bytes": each.wal_bytes,
        "redis_round_trips": each.redis,
        "redis_commands": each.redis_commands,
        "dearest_statements": [
            {"statement": text, "calls": calls, "ms": milliseconds}
            for text, calls, milliseconds in each.statements[:STATEMENTS_SHOWN]
        ],
        "work_left": each.left,
        "operations": each.operations,
        "errors": each.errors,
        "wrong": each.wrong,
    }


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
