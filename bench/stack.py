"""The shop as it runs for customers: durable servers, the Procfile's processes, the demo
catalog."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from devstack.health import is_answering, is_healthy
from devstack.keeper import Keeper, cause, shell_command
from devstack.leftovers import kill_leftovers, stop_leftovers
from devstack.procfile import RELEASE, Line, read_procfile
from devstack.servers import EmbeddedPostgres, EmbeddedValkey
from devstack.servers.binaries import postgres_programs
from devstack.servers.locks import FileLock, Held
from devstack.servers.ports import LOOPBACK, free_port
from devstack.servers.processes import kill_group, last_words, spawn, stop_child
from devstack.stack import ROOT, Ports, Refused, Stack, process_environment

FOLDER = ROOT / ".devstack" / "bench"
PSP = "psp"
HEALTHY_SECONDS = 120
_FLOOR_SERVER = (
    "-m gunicorn -w 2 -k gthread --threads 8 --no-control-socket --log-level warning"
    " bench.floors.hello:app"
)
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")  # of the person's environment
_NO_LIMITS = {
    "CHECKOUTS_PER_MINUTE": "100000000",
    "LOGINS_PER_MINUTE": "100000000",
    "REQUESTS_PER_MINUTE": "100000000",
}


class BenchStack:
    """A shop of its own on free ports, made anew and gone afterwards; enter it to have it running.

    `psp` is the command of another payment provider than the emulator. What the shell says about
    servers to use is not heard: figures are of the embedded ones. Needs the main thread.
    """

    def __init__(
        self,
        *,
        psp: str | None,
        products: int,
        say: Callable[[str], None],
        folder: Path = FOLDER,
    ) -> None:
        self.deaths: list[str] = []
        self.floor_port = free_port()
        self._psp, self._products, self._say = psp, products, say
        ports = Ports(free_port(), free_port(), free_port(), free_port())
        self.stack = Stack(ports=ports, folder=folder, environment=_environment())
        self._postgres = EmbeddedPostgres(folder / "postgres")
        self._valkey = EmbeddedValkey(folder / "valkey")
        self._closing = ExitStack()
        self._keeper: Keeper | None = None
        self.environment: dict[str, str] = {}

    @property
    def api(self) -> str:
        """Where the shop answers."""
        return self.stack.addresses["api"]

    @property
    def floor_url(self) -> str:
        """Where the floor's own server answers."""
        return f"http://{LOOPBACK}:{self.floor_port}"

    @property
    def redis_url(self) -> str:
        """The Valkey of everything: carts, gate, streams, and the broker beside them."""
        return self._valkey.url()

    @property
    def postgres_port(self) -> int:
        """Where PostgreSQL listens."""
        return self._postgres.port

    @property
    def programs(self) -> Path:
        """Where pgbench is."""
        return postgres_programs(for_others=os.geteuid() == 0)

    def database(self, name: str = "shop") -> str:
        """An address libpq understands."""
        return self._postgres.url(name).replace("+psycopg", "")

    def pids(self) -> dict[str, int]:
        """Each part by its name; its children are its own."""
        if self._keeper is None or self._postgres.pid is None or self._valkey.pid is None:
            return {}
        servers = {"postgresql": self._postgres.pid, "valkey": self._valkey.pid}
        return {**servers, **self._keeper.pids}

    def tend(self) -> None:
        """Keep what should run running; call it several times a second."""
        if self._keeper is not None:
            self._keeper.tend()

    def run(self, name: str, command: str) -> Path:
        """Run one command beside the shop to its end; its output. Raises Refused when it fails."""
        log, code = self.attempt(name, command)
        if code != 0:
            raise Refused(f"`{command}` {cause(code)}: {last_words(log)} (see {log})")
        return log

    def attempt(self, name: str, command: str) -> tuple[Path, int]:
        """Run one command beside the shop to its end; its output and exit code."""
        self.stack.logs.mkdir(parents=True, exist_ok=True)
        log = self.stack.logs / f"{name}.log"
        with log.open("wb") as output:
            process = spawn(
                ["/bin/sh", "-c", shell_command(command)],
                output=output,
                environment=self.environment,
                directory=self.stack.root,
            )
        try:
            while process.poll() is None:
                self.tend()
                time.sleep(0.05)
        finally:
            stop_child(process, signal.SIGTERM, patience_seconds=5)
            kill_group(process)
        return log, process.returncode

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            self._start(closing)
            self._closing = closing.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    def _start(self, closing: ExitStack) -> None:
        folder = self.stack.folder
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        try:
            closing.enter_context(lock.acquire())
        except Held as held:
            raise Refused(f"a bench is already running here (process {held.pid}).") from None
        stop_leftovers(folder)
        shutil.rmtree(folder / "log", ignore_errors=True)
        self._start_servers(closing)
        closing.callback(kill_leftovers, folder)
        lines = read_procfile(self.stack.procfile)
        self._say("migrating the database")
        self.run(RELEASE, next(line.command for line in lines if line.name == RELEASE))
        self._say(f"planting {self._products:,} products")
        self.run("seed", f"flask --app wsgi seed --demo --products {self._products}")
        self._prepare_databases()
        keeper = Keeper(
            directory=ROOT, environment=self.environment, logs=self.stack.logs, tell=self._died
        )
        closing.callback(keeper.stop)
        self._keeper = keeper
        for line in (*self._stand_ins(), *(line for line in lines if line.name != RELEASE)):
            keeper.start(line)
        self._say("waiting for all parts")
        self._await_health()

    def _start_servers(self, closing: ExitStack) -> None:
        self._say("starting PostgreSQL and Valkey")
        for server in (self._postgres, self._valkey):
            server.remove()  # what a killed run left
            closing.callback(server.remove)
            server.start()
        self.environment = process_environment(
            self.stack,
            database=self._postgres.url(),
            redis=self._valkey.url(),
            broker=self._valkey.url(1),
            smtp_port=free_port(),
        )

    def _prepare_databases(self) -> None:
        with psycopg.connect(self.database(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute("CREATE DATABASE floor")
            connection.execute("VACUUM ANALYZE")  # as autovacuum leaves a shop that has lived
        schema = (ROOT / "bench/floors/schema.sql").read_text()
        with psycopg.connect(self.database("floor"), autocommit=True) as connection:
            connection.execute(schema)
            connection.execute("VACUUM ANALYZE")

    def _stand_ins(self) -> list[Line]:
        lines = {line.name: line for line in read_procfile(self.stack.stand_ins)}
        emulator = lines.pop("stripe")
        provider = self._psp or emulator.command
        floor = f"{sys.executable} {_FLOOR_SERVER} -b {LOOPBACK}:{self.floor_port}"
        listening = provider.replace("$PSP_ADDRESS", f"{LOOPBACK}:{self.stack.ports.psp}")
        return [Line(PSP, listening), *lines.values(), Line("floor", floor)]

    def _died(self, name: str, what: str) -> None:
        self.deaths.append(f"{name} {what}")

    def _await_health(self) -> None:
        urls = self.stack.addresses
        waiting: Mapping[str, Callable[[], bool]] = {
            PSP: lambda: is_answering(urls["psp"]),
            "API": lambda: is_healthy(f"{urls['api']}/readyz"),
            "Flower": lambda: is_healthy(f"{urls['flower']}/healthcheck"),
            "floor": lambda: is_healthy(f"{self.floor_url}/hello"),
        }
        deadline = time.monotonic() + HEALTHY_SECONDS
        while waiting := {name: check for name, check in waiting.items() if not check()}:
            if self.deaths:
                raise Refused(self.deaths[0])
            if time.monotonic() >= deadline:
                names = ", ".join(waiting)
                raise Refused(f"{names} not healthy after {HEALTHY_SECONDS} s ({self.stack.logs})")
            self.tend()
            time.sleep(0.1)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | _NO_LIMITS
