"""The newest figures as one page without anything from elsewhere."""

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.rounds import Figures

if TYPE_CHECKING:
    from bench.report import Run

_COLORS = (
    "#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#bab0ac",
    "#eeca3b", "#ff9da6",
)  # fmt: skip
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Cartwright: what it carries</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #222 }}
.row {{ display: grid; grid-template-columns: 14rem 1fr 16rem; gap: .8rem; margin: .4rem 0 }}
.bar {{ display: flex; height: 1.2rem; background: #eee }}
.bar i {{ display: block }} .key i {{ display: inline-block; width: .8rem; height: .8rem }}
small {{ color: #666 }}
</style>
<h1>What the shop carries</h1>
<p><small>{about}</small></p>
<h2>Per second, as a share of the floor</h2>{ratios}
<h2>CPU of an operation, milliseconds</h2>
<p class="key">{key}</p>{cpu}
</html>
"""


def render(run: "Run", figures: Sequence[Figures]) -> str:
    """The page: one bar an operation for its ratio, one for where its CPU goes."""
    parts = sorted({part for each in figures for part in each.cpu if part != "floor"})
    colors = {part: _COLORS[place % len(_COLORS)] for place, part in enumerate(parts)}
    widest = max((sum(_cpu(each, parts)) for each in figures), default=0.0) or 1.0
    about = (
        f"{run.at} · {run.machine['cpus']} CPUs, load before {run.machine['load_before']} ·"
        f" {run.windows.rounds} rounds of {run.windows.seconds:g} s · {run.driver} · PSP:"
        f" {run.provider}"
    )
    return _PAGE.format(
        about=html.escape(about),
        ratios="".join(_ratio(each) for each in figures),
        key=" ".join(f'<i style="background:{colors[part]}"></i> {part}' for part in parts),
        cpu="".join(_cpu_bar(each, colors, widest) for each in figures),
    )


def _ratio(each: Figures) -> str:
    share = 0.0 if math.isnan(each.ratio) else min(1.0, each.ratio)
    bar = f'<i style="width:{share:.2%};background:{_COLORS[0]}"></i>'
    words = f"{each.rate:,.1f} of {each.floor:,.0f} · p50 {each.p50:,.1f} · p99 {each.p99:,.1f} ms"
    return _row(each, bar, words)


def _cpu_bar(each: Figures, colors: dict[str, str], widest: float) -> str:
    pieces = zip(colors.items(), _cpu(each, list(colors)), strict=True)
    bar = "".join(
        f'<i title="{part} {spent:.2f} ms" style="width:{spent / widest:.2%};background:{color}">'
        "</i>"
        for (part, color), spent in pieces
    )
    return _row(each, bar, f"{each.shop_cpu:,.1f} ms, PSP apart {each.psp_cpu:,.1f} ms")


def _cpu(each: Figures, parts: Sequence[str]) -> list[float]:
    spent = [each.cpu.get(part, 0.0) for part in parts]
    return [0.0 if math.isnan(value) else value for value in spent]


def _row(each: Figures, bar: str, words: str) -> str:
    title = html.escape(f"{each.operation.title}, {each.operation.shoppers} shoppers")
    return f'<div class="row"><span>{title}</span><span class="bar">{bar}</span>{words}</div>'
