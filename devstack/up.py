"""`make up`: the whole shop on this machine, until Ctrl-C.

Servers first, then migrations and the demo shop, the stand-ins for PSP and mail, and every line of
the Procfile; stopped in the reverse order. Leaves with 130 after Ctrl-C, 0 after SIGTERM, 1 with
one line when it cannot start.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from devstack.health import is_answering, is_healthy
from devstack.keeper import Keeper, cause, shell_command
from devstack.leftovers import kill_leftovers, stop_leftovers
from devstack.procfile import RELEASE, BadProcfile, Line, read_procfile
from devstack.screen import Screen
from devstack.servers import EmbeddedPostgres, EmbeddedValkey, ServerFailed
from devstack.servers.locks import FileLock, Held
from devstack.servers.ports import LOOPBACK, free_port
from devstack.servers.processes import last_words, spawn, stop_child
from devstack.stack import (
    LOGINS,
    Refused,
    Stack,
    process_environment,
    read_ports,
    refuse_taken_ports,
    write_json,
)

HEALTHY_SECONDS = 120
_ROUND_SECONDS = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked the stack to end."""

    def __init__(self, number: int) -> None:
        self.exit_code = 130 if number == signal.SIGINT else 0


class Run:
    """One run of the stack. `steps` prepare the shop, `stand_ins` play the world around it."""

    def __init__(
        self,
        stack: Stack,
        screen: Screen,
        *,
        steps: Mapping[str, str],
        stand_ins: Callable[[Stack, Mapping[str, str], int], list[Line]],
        ready: Mapping[str, Callable[[], bool]],
    ) -> None:
        self._stack, self._screen = stack, screen
        self._steps, self._stand_ins, self._ready = steps, stand_ins, ready
        self._closing = 0

    def run(self) -> int:
        """Everything from the lock to the last process gone; the exit code."""
        with ExitStack() as closing:
            try:
                self._claim(closing)
                self._start(closing)
            except Stopped as stopped:
                self._screen.say("\nStopping …")
                return stopped.exit_code
            except (Refused, ServerFailed, BadProcfile) as refusal:
                self._screen.say(f"[red]✗[/red] {refusal}")
                return 1
        raise AssertionError("a stack ends by a signal or a refusal")
