"""The lines of the Procfile as real processes, to be killed and started again one by one."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from devstack.keeper import shell_command
from devstack.leftovers import kill_leftovers
from devstack.procfile import Line
from devstack.servers.processes import kill_group, last_words, spawn

_STOP_SECONDS = 10


class Processes:
    """Runs lines by name; whatever happens, `stop_all` leaves none of them behind."""

    def __init__(self, lines: list[Line], environment: Mapping[str, str], folder: Path) -> None:
        self._lines = {line.name: line for line in lines}
        self._environment, self._folder = environment, folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "log").mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *, beside: str | None = None, instead: str = "") -> None:
        """Start a line; as a second one of its kind with another name and another word `instead`
        of the first one's (`checkout@%h`)."""
        own = beside or name
        command = self._lines[name].command
        if beside is not None:
            command = command.replace(instead, f"{beside}@%h")
        with (self._folder / "log" / f"{own}.log").open("ab") as log:
            self._running[own] = spawn(
                ["/bin/sh", "-c", shell_command(command)],
                output=log,
                environment=self._environment,
                directory=Path(__file__).resolve().parents[2],
            )

    def kill(self, name: str) -> None:
        """kill -9 for a process and all its children, as when the power fails."""
        kill_group(self._running.pop(name))

    def stop(self, name: str) -> None:
        """Ask a process to end in order, and wait for it."""
        process = self._running.pop(name)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        kill_group(process)

    def is_running(self, name: str) -> bool:
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def revive(self) -> None:
        """Start again whoever died, as `make up` and any other supervisor do."""
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                self.kill(name)
                self.start(name)

    def check(self) -> None:
        """Fail with the last words of whoever died by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                words = last_words(self._folder / "log" / f"{name}.log")
                raise AssertionError(f"{name} ended with {process.returncode}: {words}")

    def stop_all(self) -> None:
        """End everything, politely first."""
        for process in self._running.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline and any(
            process.poll() is None for process in self._running.values()
        ):
            time.sleep(0.05)
        for process in self._running.values():
            kill_group(process)
        self._running.clear()
        kill_leftovers(self._folder)
