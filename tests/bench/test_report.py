"""How figures are told."""

import json
import math
from pathlib import Path

from rich.console import Console

from bench.counters import Spent
from bench.driving import Played
from bench.operations import OPERATIONS, chosen
from bench.report import Run, number, show, write
from bench.rounds import Round, Windows, summarize

READ = OPERATIONS[0]
RUN = Run(
    at="2026-11-23T12:00:00+00:00",
    machine={"cpus": 2, "load_before": [0.1, 0.1, 0.1]},
    driver="driver in Go",
    provider="answers at once",
    windows=Windows(),
    idle={"SQL statements": 3.0},
    deaths=[],
    wrong=[],
)


def _round(count: int, *, floor: float, errors: dict[str, int] | None = None) -> Round:
    played = Played([2_000] * count, count, count, 2.0, errors or {}, 0.01 * count)
    counted = Spent(
        sql=3.0 * count,
        control=2.0 * count,
        commits=1.0 * count,
        wal_bytes=0.0,
        redis=4.0 * count,
        redis_commands={"get": 1.0 * count},
        cpu={"web": 0.005 * count, "psp": 0.001 * count, "floor": 0.5},
        machine=1.0,
        statements=[("SELECT 1", 3.0 * count, 6.0 * count)],
    )
    return Round(played, counted, (floor, floor))


def test_figures_are_medians_of_the_rounds() -> None:
    figures = summarize(
        READ, [_round(10, floor=100.0), _round(90, floor=50.0), _round(20, floor=100.0)]
    )

    assert figures.rate == 10.0
    assert figures.p50 == 2.0
    assert figures.ratio == 0.1
    assert (figures.sql, figures.commits, figures.redis) == (3.0, 1.0, 4.0)


def test_the_psp_and_the_floor_are_not_the_shops_cpu() -> None:
    figures = summarize(READ, [_round(10, floor=100.0)])

    assert math.isclose(figures.shop_cpu, 5.0)
    assert math.isclose(figures.psp_cpu, 1.0)


def test_a_run_without_a_single_success_is_told_without_figures(tmp_path: Path) -> None:
    figures = summarize(READ, [_round(0, floor=100.0, errors={"GET /: 503 unavailable": 7})])
    console = Console(record=True, width=200)

    show(console, RUN, [figures])
    told = json.loads(write(tmp_path, RUN, [figures]).read_text())

    assert "7 × GET /: 503 unavailable" in console.export_text()
    assert told["operations"][0]["p50_ms"] is None
    assert told["operations"][0]["errors"] == {"GET /: 503 unavailable": 7}


def test_the_page_of_the_newest_run_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, RUN, [summarize(READ, [_round(10, floor=100.0)])])

    page = (tmp_path / "latest.html").read_text()

    assert "product read" in page
    assert "http" not in page
    assert "<script" not in page


def test_a_part_of_the_operations_is_named_by_how_it_begins() -> None:
    assert [each.name for each in chosen(("purchase", "read"))] == [
        "read", "purchase-8", "purchase-16", "purchase-hot",
    ]  # fmt: skip
    assert chosen(("nonsense",)) == []


def test_a_figure_tells_no_more_digits_than_were_measured() -> None:
    assert [number(value) for value in (12_345.6, 45.67, 1.234, math.nan)] == [
        "12,346", "45.7", "1.23", "-",
    ]  # fmt: skip
