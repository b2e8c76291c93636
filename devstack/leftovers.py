"""Processes of a run that was killed, found by the mark they inherited in their environment."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from devstack.servers.processes import stop_stranger

MARK = "CARTWRIGHT_STACK"  # its value is the folder of the stack, so two clones never meet
_PATIENCE_SECONDS = 5


def processes_of(folder: Path) -> list[int]:
    """Every process, children of children too, that was started for the stack in this folder."""
    mark = f"{MARK}={folder.absolute()}"
    found = _by_proc(mark) if Path("/proc/self/environ").exists() else _by_ps(mark)
    return [pid for pid in found if pid != os.getpid()]


def stop_leftovers(folder: Path) -> int:
    """End what an earlier run left behind, politely first; says how many there were."""
    pids = processes_of(folder)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in pids:
        stop_stranger(pid, signal.SIGTERM, patience_seconds=_PATIENCE_SECONDS)
    return len(pids)


def kill_leftovers(folder: Path) -> None:
    """The last sweep after an orderly stop: nothing of ours is running when it returns."""
    for pid in processes_of(folder):
        stop_stranger(pid, patience_seconds=_PATIENCE_SECONDS)


def _by_proc(mark: str) -> list[int]:
    found: list[int] = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or it is someone else's
            if mark.encode() in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


def _by_ps(mark: str) -> list[int]:
    answer = subprocess.run(
        ["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=False
    )
    rows = (line.split(maxsplit=1) for line in answer.stdout.splitlines())
    return [int(row[0]) for row in rows if len(row) == 2 and mark in row[1].split(" ")]
