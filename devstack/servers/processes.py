"""Processes started here: on a leash, in a session of their own, stopped to the last child."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LEASH = Path(__file__).with_name("leash.py")
_POLL_SECONDS = 0.02
_GONE_SECONDS = 0.3  # an orphan nobody has reaped yet stays in its group, but is gone


def spawn(
    command: Sequence[str | Path],
    *,
    output: int | IO[bytes],
    environment: Mapping[str, str] | None = None,
    directory: Path = Path("/"),
    owner: tuple[int, int] | None = None,
    orphan_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in its own session; on Linux it gets `orphan_signal` if we die first.

    `owner` is the user and group id to run as (root only). The thread that calls must live as long
    as the program should: the kernel counts its end as the parent's.
    """
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(orphan_signal))]
    whose = "" if owner is None else f"{owner[0]}:{owner[1]}"
    return subprocess.Popen(
        [*leash, whose, "--", *map(str, command)],
        cwd=directory,
        env=None if environment is None else dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def stop_child(
    process: subprocess.Popen[bytes], *signals: signal.Signals, patience_seconds: float
) -> None:
    """End a child we started: each signal in turn with its patience, then SIGKILL. Reaps it."""
    for number in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)
    if process.poll() is None:
        process.kill()
    process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a child and its descendants, and see them gone."""
    deadline = time.monotonic() + _GONE_SECONDS
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)  # fails once nobody is left
            process.poll()
            time.sleep(_POLL_SECONDS)
    process.wait()


def stop_stranger(pid: int, *signals: signal.Signals, patience_seconds: float) -> None:
    """End a process of an earlier run, which is not our child: signals in turn, then SIGKILL."""
    for number in (*signals, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return
            time.sleep(_POLL_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie waiting for its parent counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def command_line(pid: int) -> str:
    """The words a process was started with, joined by blanks; empty when it is gone."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (OSError, UnicodeDecodeError):
            return ""
    answer = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def last_words(log: Path) -> str:
    """The last line of a log that says something, for the one line a person gets to read."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "no log"
    return lines[-1].strip() if lines else "no output"
