"""`make bench`: what the shop carries on this machine, each figure beside its floor.

A shop of its own on free ports, gone afterwards; a running `make up` is not touched, but it takes
CPU. Leaves with 1 where something did not add up or nothing could be measured, 130 after Ctrl-C.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.catalog import read_catalog
from bench.counters import spent
from bench.driving import Driver, choose_driver
from bench.operations import OPERATIONS, Operation, chosen
from bench.report import Run, show, write
from bench.rounds import NOT_THE_SHOP, Bench, Figures, Round, Windows, summarize
from bench.stack import FOLDER, BenchStack
from devstack.servers import ServerFailed
from devstack.stack import ROOT, Refused

PRODUCTS = 5_000
RESULTS = ROOT / "bench" / "results"
QUICK = Windows(rounds=1, seconds=2.0, warmup_seconds=1.5, floor_seconds=1.0)
_IDLE_SECONDS = 3.0


class Steps:
    """Tells a person what is being done: a bar in a terminal, lines with their time elsewhere."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar, self._began = bar, time.monotonic()
        self._task = bar.add_task("preparing", total=total)

    def say(self, what: str) -> None:
        """What is done now."""
        self._bar.update(self._task, description=what)
        if not self._bar.console.is_terminal:
            self._bar.console.print(f"{time.monotonic() - self._began:6.1f} s  {what}")

    def done(self) -> None:
        """One of all."""
        self._bar.advance(self._task)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; the exit code."""
    wanted = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    console = Console(width=None if sys.stdout.isatty() else 160)
    operations = chosen(tuple(wanted.only or ()))
    if not operations:
        names = ", ".join(operation.name for operation in OPERATIONS)
        console.print(f"[red]✗[/red] --only names none of: {names}")
        return 1
    windows = QUICK if wanted.quick else Windows(wanted.rounds, wanted.seconds)
    try:
        return _measure(console, operations, windows, wanted)
    except (Refused, ServerFailed) as refusal:
        console.print(f"[red]✗[/red] {escape(str(refusal))}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    names = " ".join(operation.name for operation in OPERATIONS)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"some, by their start: {names}")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work?")
    parser.add_argument("--rounds", type=_count, default=Windows.rounds)
    parser.add_argument("--seconds", type=_count, default=int(Windows.seconds), help="a window's")
    parser.add_argument(
        "--psp",
        choices=("at-once", "emulator"),
        default="at-once",
        help="a compiled stand-in that answers at once (needs Go), or the Stripe emulator",
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where figures are kept"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        help="where its servers live; another for another run",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 600")
    return int(text)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _measure(
    console: Console, operations: Sequence[Operation], windows: Windows, wanted: argparse.Namespace
) -> int:
    machine = {
        "cpus": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    at = datetime.now(UTC).isoformat(timespec="seconds")
    driver = choose_driver(wanted.folder)
    psp = None if wanted.psp == "emulator" else driver.psp
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        steps = Steps(bar, windows.rounds * len(operations))
        with BenchStack(psp=psp, products=PRODUCTS, say=steps.say, folder=wanted.folder) as stack:
            idle, figures, wrong = _in_the_shop(stack, driver, operations, windows, steps)
    run = Run(
        at=at,
        machine=machine,
        driver=driver.note,
        provider="the Stripe emulator, with webhooks" if psp is None else "answers at once",
        windows=windows,
        idle=idle,
        deaths=stack.deaths,
        wrong=wrong,
    )
    show(console, run, figures)
    path = write(wanted.results, run, figures)
    console.print(f"{path} · {path.with_name('latest.html')}", highlight=False, soft_wrap=True)
    return 1 if wrong or not all(each.operations for each in figures) else 0


def _in_the_shop(
    stack: BenchStack,
    driver: Driver,
    operations: Sequence[Operation],
    windows: Windows,
    steps: Steps,
) -> tuple[dict[str, float], list[Figures], list[str]]:
    bench = Bench(stack, driver, read_catalog(stack.database(), stack.api))
    rounds: dict[str, list[Round]] = {operation.name: [] for operation in operations}
    with contextlib.closing(bench):
        steps.say("nobody shops")
        idle = _idle(bench, stack)
        for number in range(windows.rounds):
            for operation in operations:
                who = f"{operation.shoppers} shoppers"
                steps.say(f"{operation.title}, {who}, round {number + 1} of {windows.rounds}")
                rounds[operation.name].append(bench.measure(operation, windows))
                steps.done()
    figures = [summarize(operation, rounds[operation.name]) for operation in operations]
    wrong = [f"{each.operation.name}: {sentence}" for each in figures for sentence in each.wrong]
    return idle, figures, wrong + _audit(stack)


def _idle(bench: Bench, stack: BenchStack) -> dict[str, float]:
    before, began = bench.look(), time.monotonic()
    while time.monotonic() - began < _IDLE_SECONDS:
        stack.tend()
        time.sleep(0.1)
    rose, seconds = spent(before, bench.look()), time.monotonic() - began
    cpu = sum(value for part, value in rose.cpu.items() if part not in NOT_THE_SHOP)
    return {
        "SQL statements": rose.sql / seconds,
        "commits": rose.commits / seconds,
        "Redis round trips": rose.redis / seconds,
        "ms of CPU": 1_000 * cpu / seconds,
    }


def _audit(stack: BenchStack) -> list[str]:
    """What the shop's own audit finds, the provider left out: one that answers at once forgets."""
    log, _ = stack.attempt("audit", "flask --app wsgi audit --json --no-psp")
    try:
        breaches = json.loads(log.read_text())["breaches"]
    except (ValueError, KeyError):
        return [f"the audit gave no answer (see {log})"]
    return [f"invariant {each['invariant']}: {each['detail']}" for each in breaches]


if __name__ == "__main__":
    sys.exit(main())
