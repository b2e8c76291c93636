"""Who plays the shoppers: the compiled driver where Go is installed, else Python processes."""

import contextlib
import json
import os
import random
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.plans import Plan
from devstack.stack import ROOT, Refused

_SOURCES = ROOT / "bench" / "driver"
_BUILD_SECONDS = 300
_ROUND_SECONDS = 0.1
_SEEDS = 2**31


@dataclass(frozen=True)
class Played:
    """What shoppers met. `microseconds` are of operations that ended while it was measured,
    `completed` counts those before and after too."""

    microseconds: list[int]
    requests: int
    completed: int
    seconds: float
    errors: dict[str, int]
    cpu_seconds: float


@dataclass(frozen=True)
class Driver:
    """A program that plays a plan; `psp` is the provider that comes with it, if one does."""

    command: tuple[str, ...]
    psp: str | None
    note: str

    def play(
        self,
        plan: Plan,
        base_url: str,
        *,
        shoppers: int,
        warmup_seconds: float,
        seconds: float,
        tend: Callable[[], None],
        mark: Callable[[str], None] = lambda _moment: None,
    ) -> Played:
        """Play a plan. `mark` hears `begin` and `end` of what is measured, `tend` is called several
        times a second."""
        text = plan.as_json(
            base_url,
            shoppers=shoppers,
            warmup_seconds=warmup_seconds,
            seconds=seconds,
            seed=random.randrange(_SEEDS),
        )
        with subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            try:
                return _hear(process, text, tend, mark)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()


def choose_driver(folder: Path) -> Driver:
    """Build the compiled driver into a folder; without Go, the one in Python."""
    go = shutil.which("go")
    if go is None:
        return Driver(
            (sys.executable, "-m", "bench.python_driver"),
            None,
            "Go is not installed: the driver is Python's and may be the bottleneck",
        )
    program = folder / "driver"
    folder.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        [go, "build", "-buildvcs=false", "-o", program, "."],
        cwd=_SOURCES,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if built.returncode != 0:
        raise Refused(f"the driver does not build: {built.stderr.strip().splitlines()[-1]}")
    return Driver((str(program), "shop"), f"{program} psp -listen $PSP_ADDRESS", "driver in Go")


def _hear(
    process: subprocess.Popen[bytes],
    plan: str,
    tend: Callable[[], None],
    mark: Callable[[str], None],
) -> Played:
    assert process.stdin is not None  # noqa: S101  both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(plan.encode())
    process.stdin.close()
    for line in _lines(process.stdout, tend):
        if line in ("begin", "end"):
            mark(line)
        else:
            return _read(line)
    raise Refused(f"the driver ended with {process.wait()} before it said anything")


def _read(line: str) -> Played:
    told = json.loads(line)
    return Played(**{name: told[name] for name in Played.__dataclass_fields__})


def _lines(stream: IO[bytes], tend: Callable[[], None]) -> Iterator[str]:
    """Whole lines as they come, without ever waiting longer than a round."""
    rest = b""
    while True:
        ready, _, _ = select.select([stream], [], [], _ROUND_SECONDS)
        tend()
        if not ready:
            continue
        text = os.read(stream.fileno(), 1 << 20)
        if not text:
            return
        *whole, rest = (rest + text).split(b"\n")
        yield from (line.decode() for line in whole)
