"""What a person reads while the shop runs: what matters, once, and nothing a log made up."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from devstack.screen import Screen

LINES = """\
{"event": "checkout_started", "level": "info"}
{"event": "relay_behind", "level": "warning"}
[2026-11-23] [123] [ERROR] Worker failed to boot
. logfile -> [stderr]@%WARNING
"""


@pytest.fixture
def paper() -> io.StringIO:
    return io.StringIO()


def test_only_warnings_and_worse_are_shown(paper, tmp_path):
    screen = Screen(console=console(paper))

    screen.follow({"web": written(tmp_path, LINES)})

    assert [line.partition(" │ ")[2] for line in paper.getvalue().splitlines()] == [
        '{"event": "relay_behind", "level": "warning"}',
        "[2026-11-23] [123] [ERROR] Worker failed to boot",
    ]


def test_verbose_shows_every_line(paper, tmp_path):
    screen = Screen(verbose=True, console=console(paper))

    screen.follow({"web": written(tmp_path, LINES)})

    assert len(paper.getvalue().splitlines()) == 4


def test_a_line_is_shown_once_and_only_when_it_is_whole(paper, tmp_path):
    screen = Screen(verbose=True, console=console(paper))
    log = written(tmp_path, "first\nsec")
    screen.follow({"web": log})
    with log.open("a") as file:
        file.write("ond\n")

    screen.follow({"web": log})

    assert [line.partition(" │ ")[2] for line in paper.getvalue().splitlines()] == [
        "first",
        "second",
    ]


def test_a_log_cannot_style_the_screen(paper, tmp_path):
    screen = Screen(verbose=True, console=console(paper))

    screen.follow({"web": written(tmp_path, "[red]boo[/red] [/]\n")})

    assert "[red]boo[/red] [/]" in paper.getvalue()


def console(paper: io.StringIO) -> Console:
    return Console(file=paper, width=200, highlight=False, soft_wrap=True)


def written(folder: Path, text: str) -> Path:
    log = folder / "web.log"
    log.write_text(text)
    return log
