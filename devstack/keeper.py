"""Keeps processes running: one that dies is started again, and all are stopped together."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.procfile import Line
from devstack.servers.processes import kill_group, spawn

STOP_SECONDS = 20
_DELAYS_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # by how often it died without having lived
_LIVED_SECONDS = 10.0  # whoever ran so long starts with a clean slate
_SHELL_SYNTAX = frozenset(";&|<>()")

Tell = Callable[[str, str], None]  # name of the process, what happened to it


@dataclass
class _Kept:
    line: Line
    log: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = 0.0


class Keeper:
    """Starts lines of a Procfile, each in its own session, and restarts whichever ends.

    `tend()` is one round and is to be called several times a second; there are no threads. Output
    goes to `<logs>/<name>.log`, the one of the run before to `<name>.log.1`.
    """

    def __init__(
        self, *, directory: Path, environment: Mapping[str, str], logs: Path, tell: Tell
    ) -> None:
        self._directory = directory
        self._environment = dict(environment)
        self._logs = logs
        self._tell = tell
        self._kept: list[_Kept] = []

    @property
    def logs(self) -> dict[str, Path]:
        """Where each process writes, by its name."""
        return {kept.line.name: kept.log for kept in self._kept}

    @property
    def pids(self) -> dict[str, int]:
        """The processes running now, by name."""
        running = ((kept.line.name, kept.process) for kept in self._kept)
        return {name: process.pid for name, process in running if process is not None}

    def start(self, line: Line) -> None:
        """Start one more line and keep it from now on."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{line.name}.log"
        with contextlib.suppress(FileNotFoundError):
            log.rename(log.with_suffix(".log.1"))
        kept = _Kept(line, log)
        self._kept.append(kept)
        self._launch(kept)

    def tend(self) -> None:
        """Notice who died, and start again whoever is due."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.process is not None and kept.process.poll() is not None:
                self._bury(kept, kept.process, now)
            if kept.process is None and now >= kept.due_at:
                self._launch(kept)

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask all to end, wait, then kill what is left, children included.

        `hurry` is asked while waiting; once true, nobody is waited for any longer.
        """
        running = [kept.process for kept in self._kept if kept.process is not None]
        for process in running:
            # The leader alone: gunicorn and Celery stop their children themselves, in order.
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(process.poll() is None for process in running):
            if time.monotonic() >= deadline or hurry():
                break
            time.sleep(0.05)
        for process in running:
            kill_group(process)
        self._kept.clear()

    def _launch(self, kept: _Kept) -> None:
        with kept.log.open("ab") as log:
            kept.process = spawn(
                ["/bin/sh", "-c", shell_command(kept.line.command)],
                output=log,
                environment=self._environment,
                directory=self._directory,
            )
        kept.started_at = time.monotonic()

    def _bury(self, kept: _Kept, process: subprocess.Popen[bytes], now: float) -> None:
        kill_group(process)  # its children would hold its port and its work
        kept.deaths = 0 if now - kept.started_at >= _LIVED_SECONDS else kept.deaths
        delay = _DELAYS_SECONDS[min(kept.deaths, len(_DELAYS_SECONDS) - 1)]
        kept.deaths += 1
        kept.due_at = now + delay
        kept.process = None
        when = f"again in {delay:g} s" if delay else "starting it again"
        self._tell(kept.line.name, f"{cause(process.returncode)}; {when} (see {kept.log})")


def shell_command(command: str) -> str:
    """The line for `sh -c`, as one process where it can be: a signal then reaches the program."""
    if _SHELL_SYNTAX & set(command):
        return command
    return f"exec env {command}" if "=" in command.split()[0] else f"exec {command}"


def cause(code: int) -> str:
    """What an exit code says, in words: `ended with 1`, `was killed by SIGKILL`."""
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
