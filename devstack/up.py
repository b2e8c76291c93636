"""`make up`: the whole shop on this machine, until Ctrl-C.

Servers first, then migrations and the demo shop, the stand-ins for PSP and mail, then every line of
the Procfile; stopped in the reverse order. Leaves with 130 after Ctrl-C, 0 after SIGTERM, 1
with one line when it cannot start.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import FrameType
from typing import NoReturn

from rich.markup import escape

from devstack.health import is_answering, is_healthy
from devstack.keeper import Keeper, cause, shell_command
from devstack.leftovers import kill_leftovers, stop_leftovers
from devstack.procfile import RELEASE, BadProcfile, Line, read_procfile
from devstack.screen import Screen
from devstack.servers import EmbeddedPostgres, EmbeddedValkey, ServerFailed
from devstack.servers.locks import FileLock, Held
from devstack.servers.ports import free_port
from devstack.servers.processes import kill_group, last_words, spawn, stop_child
from devstack.stack import (
    LOGINS,
    Refused,
    Stack,
    command_environment,
    process_environment,
    read_ports,
    refuse_taken_ports,
    write_json,
)

HEALTHY_SECONDS = 120
_ROUND_SECONDS = 0.1
_STEP_STOP_SECONDS = 5


def main() -> int:
    """Bring up the stack the environment describes."""
    screen = Screen(verbose=os.environ.get("VERBOSE", "") not in ("", "0"))
    try:
        stack = Stack(ports=read_ports(os.environ))
    except Refused as refusal:
        screen.say(f"[red]✗[/red] {escape(str(refusal))}")
        return 1
    return Run(stack, screen).run()


class Stopped(BaseException):
    """A signal asked the stack to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 130 if number == signal.SIGINT else 0


class Run:
    """One run of the stack, from its lock to its last process gone. Needs the main thread."""

    def __init__(self, stack: Stack, screen: Screen) -> None:
        self._stack = stack
        self._screen = screen
        self._asked: int | None = None
        self._is_closing = False
        self._is_hurried = False

    def run(self) -> int:
        """Start everything, keep it running until a signal, stop everything; the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            with ExitStack() as closing:
                try:
                    self._bring_up(closing)
                except Stopped:
                    self._screen.say("\nStopping …")
                    raise
                finally:
                    self._is_closing = True
        except Stopped as stopped:
            self._screen.say("Stopped.")
            return stopped.exit_code
        except (Refused, ServerFailed, BadProcfile) as refusal:
            self._screen.say(f"[red]✗[/red] {escape(str(refusal))}")
            return 1

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._is_closing:  # a second one: no more waiting, but still in order
            self._is_hurried = True
            return
        self._asked = number  # where this strikes, it may be swallowed: the next round looks
        raise Stopped(number)

    def _bring_up(self, closing: ExitStack) -> NoReturn:
        stack, screen = self._stack, self._screen
        lines = read_procfile(stack.procfile)
        stand_ins = read_procfile(stack.stand_ins)
        self._claim(closing)
        environment = self._start_servers(closing)
        closing.callback(kill_leftovers, stack.folder)
        for line in lines:
            if line.name == RELEASE:
                self._run_step("Database at the newest migration", line, environment)
        self._run_step("Demo shop", Line("seed", stack.seed), environment)
        keeper = Keeper(
            directory=stack.root, environment=environment, logs=stack.logs, tell=screen.tell
        )
        closing.callback(keeper.stop, hurry=lambda: self._is_hurried)
        for line in (*stand_ins, *(line for line in lines if line.name != RELEASE)):
            keeper.start(line)
        with screen.step("All parts healthy"):
            self._await_health(keeper)
        self._announce(closing, environment)
        while True:
            self._round(keeper)

    def _claim(self, closing: ExitStack) -> None:
        folder = self._stack.folder
        lock = FileLock(folder / "up.lock")
        try:
            closing.enter_context(lock.acquire())
        except Held as held:
            raise Refused(f"make up is already running here (process {held.pid}).") from None
        if count := stop_leftovers(folder):
            self._screen.say(f"[yellow]![/yellow] stopped {count} processes of a killed run")
        refuse_taken_ports(self._stack.ports)

    def _start_servers(self, closing: ExitStack) -> dict[str, str]:
        folder, given = self._stack.folder, self._stack.environment
        postgres = EmbeddedPostgres(
            folder / "postgres", external_url=given.get("DATABASE_URL") or None
        )
        with self._screen.step("PostgreSQL"):
            postgres.start()
            closing.callback(postgres.stop)
        valkey = EmbeddedValkey(folder / "valkey", external_url=given.get("REDIS_URL") or None)
        with self._screen.step("Valkey"):
            valkey.start()
            closing.callback(valkey.stop)
        return process_environment(
            self._stack,
            database=postgres.url(),
            redis=valkey.url(),
            # Nudges apart from carts and counters; another's server may have but one database.
            broker=valkey.url() if given.get("REDIS_URL") else valkey.url(1),
            smtp_port=free_port(),
        )

    def _run_step(self, title: str, line: Line, environment: Mapping[str, str]) -> None:
        self._stack.logs.mkdir(parents=True, exist_ok=True)
        path = self._stack.logs / f"{line.name}.log"
        with self._screen.step(title):
            with path.open("wb") as log:
                process = spawn(
                    ["/bin/sh", "-c", shell_command(line.command)],
                    output=log,
                    environment=environment,
                    directory=self._stack.root,
                )
            try:
                code = process.wait()
            finally:
                stop_child(process, signal.SIGTERM, patience_seconds=_STEP_STOP_SECONDS)
                kill_group(process)
            if code != 0:
                raise Refused(f"`{line.command}` {cause(code)}: {last_words(path)} (see {path})")

    def _await_health(self, keeper: Keeper) -> None:
        waiting = _checks(self._stack)
        deadline = time.monotonic() + HEALTHY_SECONDS
        while True:
            self._round(keeper)
            waiting = {name: check for name, check in waiting.items() if not check()}
            if not waiting:
                return
            if time.monotonic() >= deadline:
                raise Refused(
                    f"{', '.join(waiting)} not healthy after {HEALTHY_SECONDS} s "
                    f"(see {self._stack.logs})"
                )

    def _announce(self, closing: ExitStack, environment: Mapping[str, str]) -> None:
        addresses = self._stack.addresses
        shared = self._stack.folder / "environment.json"
        closing.callback(shared.unlink, missing_ok=True)
        write_json(shared, command_environment(environment), mode=0o600)
        self._screen.table(addresses, LOGINS)
        self._screen.say(
            "[dim]Ctrl-C stops all of it; logs in .devstack/log; VERBOSE=1 shows them[/dim]"
        )
        path = self._stack.folder / "info.json"  # last: whoever reads it may rely on all the rest
        closing.callback(path.unlink, missing_ok=True)
        servers = {"database": environment["DATABASE_URL"], "redis": environment["REDIS_URL"]}
        write_json(path, {**addresses, **servers, "pid": os.getpid(), "logins": LOGINS}, mode=0o600)

    def _round(self, keeper: Keeper) -> None:
        if self._asked is not None:
            raise Stopped(self._asked)
        keeper.tend()
        self._screen.follow(keeper.logs)
        time.sleep(_ROUND_SECONDS)


def _checks(stack: Stack) -> dict[str, Callable[[], bool]]:
    urls = stack.addresses
    return {
        "PSP": lambda: is_answering(urls["psp"]),
        "mail": lambda: is_healthy(f"{urls['mail']}/api/messages"),
        "API": lambda: is_healthy(f"{urls['api']}/readyz"),
        "Flower": lambda: is_healthy(f"{urls['flower']}/healthcheck"),
    }


if __name__ == "__main__":
    sys.exit(main())
