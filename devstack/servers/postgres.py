"""PostgreSQL in a folder: made when missing, started on a free port, stopped cleanly."""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from devstack.servers.binaries import SHARED, is_open_to_others, postgres_programs, shared_folder
from devstack.servers.errors import ServerFailed
from devstack.servers.locks import FileLock, Held
from devstack.servers.ports import LOOPBACK, free_port
from devstack.servers.processes import (
    command_line,
    is_alive,
    last_words,
    spawn,
    stop_child,
    stop_stranger,
)

ROLE = "shop"
START_SECONDS = 60  # recovery after a power cut may take longer than a start
STOP_SECONDS = 20
_ATTEMPTS = 3  # a free port may be taken before the server binds it
_POLL_SECONDS = 0.02
_BUILTIN_LOCALE_SINCE = 17
_HIDDEN = "cartwright-pg-data-"
_POINTER = "moved-to"  # in the folder asked for: the data is there; without it, it is nobody's
_ORIGIN = "origin"  # beside the data: the folder asked for


class EmbeddedPostgres:
    """A PostgreSQL of our own on 127.0.0.1, with the role and database `shop`.

    `port` 0 means any free one. `durable=False` trades crash safety for speed: for tests only, and
    leaving the context then removes the data. `external_url` names a server someone else runs:
    nothing is started and its address is handed out. Runs as `nobody` for root, whom PostgreSQL
    refuses. Raises `ServerFailed`.
    """

    def __init__(
        self,
        data: Path,
        port: int = 0,
        durable: bool = True,
        *,
        external_url: str | None = None,
    ) -> None:
        self.data = data.absolute()
        self.port = port
        self.durable = durable
        self._external_url = external_url
        self._fixed_port = port != 0
        self._log = self.data.with_name(f"{self.data.name}.log")
        self._lock = FileLock(self.data.with_name(f"{self.data.name}.lock"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Bring the server and its database up; one left by a killed run is stopped first."""
        if self._external_url or self._process is not None:
            return
        try:
            self._lock.acquire()
        except Held as held:
            raise ServerFailed(
                f"PostgreSQL in {self.data} is in use by process {held.pid}."
            ) from None
        try:
            self._bring_up()
        except BaseException:
            self.stop()
            raise

    def url(self, database: str = ROLE) -> str:
        """The SQLAlchemy address of one database; of an external server, as it was given."""
        if self._external_url:
            return _readdressed(self._external_url, database)
        return f"postgresql+psycopg://{ROLE}@{LOOPBACK}:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """The server's process; None while nothing of ours runs."""
        return None if self._process is None else self._process.pid

    def stop(self) -> None:
        """Stop at once but cleanly: clients are cut off, nothing committed is lost."""
        if self._process is not None:
            stop_child(self._process, signal.SIGINT, signal.SIGQUIT, patience_seconds=STOP_SECONDS)
            self._process = None
        self._lock.release()

    def remove(self) -> None:
        """Stop, and delete the data wherever it lies."""
        self.stop()
        for folder in (self.data, _hidden_folder(self.data)):
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.durable:
            self.stop()
        else:
            self.remove()

    def _bring_up(self) -> None:
        programs = postgres_programs(for_others=os.geteuid() == 0)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        data = _where_the_server_can_reach(self.data)
        owner = _server_owner(data)
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, data, owner)
        _stop_server_of_an_earlier_run(data)
        for attempt in range(_ATTEMPTS):
            if not self._fixed_port:
                self.port = free_port()
            with self._log.open("ab") as log:
                self._process = spawn(
                    [programs / "postgres", "-D", data, *self._options()],
                    output=log,
                    environment=_clean_environment(),
                    owner=owner,
                    orphan_signal=signal.SIGINT,
                )
            if self._is_ready(last_attempt=attempt == _ATTEMPTS - 1):
                return

    def _initialise(self, programs: Path, data: Path, owner: tuple[int, int] | None) -> None:
        # Made beside its place and moved: a killed initdb leaves nothing that looks like a cluster.
        staging = data.with_name(f"{data.name}.new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        if owner is not None:
            os.chown(staging, *owner)
        command: list[str | Path] = [programs / "initdb", "-D", staging, "-U", ROLE, "--auth=trust"]
        command += ["-E", "UTF8", "--no-instructions", *_locale(programs)]
        with self._log.open("ab") as log:
            process = spawn(
                command if self.durable else [*command, "--no-sync"],
                output=log,
                environment=_clean_environment(),
                owner=owner,
            )
            code = process.wait()
        if code != 0:
            raise ServerFailed(f"initdb failed: {last_words(self._log)} (see {self._log})")
        with contextlib.suppress(FileNotFoundError):
            data.rmdir()  # an empty folder the caller made
        staging.rename(data)

    def _options(self) -> list[str]:
        options = {
            "port": str(self.port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "jit": "off",
            "shared_preload_libraries": "pg_stat_statements",
            "max_connections": "200" if self.durable else "300",
            "shared_buffers": "256MB" if self.durable else "128MB",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]

    def _is_ready(self, *, last_attempt: bool) -> bool:
        process = self._process
        assert process is not None  # noqa: S101  set by the caller one line before
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                if last_attempt or self._fixed_port:
                    raise ServerFailed(
                        f"PostgreSQL did not start: {last_words(self._log)} (see {self._log})"
                    )
                return False
            with contextlib.suppress(psycopg.OperationalError):
                self._ensure_database()
                return True
            time.sleep(_POLL_SECONDS)
        raise ServerFailed(f"PostgreSQL is not ready after {START_SECONDS} s (see {self._log})")

    def _ensure_database(self) -> None:
        with psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=ROLE,
            dbname="postgres",
            sslmode="disable",
            connect_timeout=5,
            autocommit=True,
        ) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ROLE])
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(ROLE)))


def _where_the_server_can_reach(data: Path) -> Path:
    """Root's own folders are closed to the user the server runs as; its data then lies outside.

    Whoever removes the folder means the data, so what no folder points to any more is removed.
    """
    if os.geteuid() != 0 or is_open_to_others(data.parent):
        return data
    _remove_abandoned_data()
    hidden = shared_folder(_hidden_folder(data).name)
    data.mkdir(exist_ok=True)
    (data / _POINTER).write_text(f"{hidden / 'data'}\n")
    (hidden / _ORIGIN).write_text(f"{data}\n")
    return hidden / "data"


def _hidden_folder(data: Path) -> Path:
    return SHARED / f"{_HIDDEN}{hashlib.sha256(str(data).encode()).hexdigest()[:12]}"


def _remove_abandoned_data() -> None:
    for origin in SHARED.glob(f"{_HIDDEN}*/{_ORIGIN}"):
        with contextlib.suppress(OSError):
            is_ours = origin.parent.stat().st_uid == os.geteuid()
            if is_ours and not (Path(origin.read_text().strip()) / _POINTER).exists():
                shutil.rmtree(origin.parent, ignore_errors=True)


def _server_owner(data: Path) -> tuple[int, int] | None:
    """Whom root's server runs as: the owner of the data when it has one, else `nobody`."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise ServerFailed(
                f"{data} belongs to another user (an earlier run as root?): "
                "run as that user, or remove the folder to begin anew."
            )
        return None
    if (data / "PG_VERSION").exists() and data.stat().st_uid != 0:
        status = data.stat()
        return status.st_uid, status.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _stop_server_of_an_earlier_run(data: Path) -> None:
    note = data / "postmaster.pid"
    try:
        pid = int(note.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if is_alive(pid) and str(data) in command_line(pid):
        stop_stranger(pid, signal.SIGINT, signal.SIGQUIT, patience_seconds=STOP_SECONDS)
    # The number may meanwhile belong to another program, which PostgreSQL would take for itself.
    note.unlink(missing_ok=True)


def _locale(programs: Path) -> list[str]:
    """The same sort order on every machine, whatever locales it has."""
    answer = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    major = int(answer.stdout.split()[2].split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))
    if major < _BUILTIN_LOCALE_SINCE:
        return ["--locale=C"]
    return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]


def _clean_environment() -> dict[str, str]:
    # PGDATA, PGPORT, PGOPTIONS of the person's shell are about another server.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _readdressed(url: str, database: str) -> str:
    if database == ROLE:
        return url
    address, mark, query = url.partition("?")
    return f"{address.rpartition('/')[0]}/{database}{mark}{query}"
