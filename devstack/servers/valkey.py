"""Valkey in a folder: started on a free port, with or without a log of its writes."""

import contextlib
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from devstack.servers.binaries import valkey_program
from devstack.servers.errors import ServerFailed
from devstack.servers.locks import FileLock, Held
from devstack.servers.ports import LOOPBACK, free_port
from devstack.servers.processes import is_alive, last_words, spawn, stop_child, stop_stranger

START_SECONDS = 60  # a long log of writes is read back first
STOP_SECONDS = 10
_ATTEMPTS = 3  # a free port may be taken before the server binds it
_POLL_SECONDS = 0.02


class EmbeddedValkey:
    """A Valkey of our own on 127.0.0.1, which refuses writes rather than forget when it is full.

    `port` 0 means any free one. `durable` keeps an append-only file, at most a second behind;
    without it nothing outlives the server, and leaving the context removes the folder.
    `external_url` names a server someone else runs: nothing is started and its address is handed
    out. Raises `ServerFailed`.
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
        self._note = self.data / "server.json"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Bring the server up; one that a killed run left behind is stopped first."""
        if self._external_url or self._process is not None:
            return
        try:
            self._lock.acquire()
        except Held as held:
            raise ServerFailed(f"Valkey in {self.data} is in use by process {held.pid}.") from None
        try:
            self._bring_up()
        except BaseException:
            self.stop()
            raise

    def url(self, db: int = 0) -> str:
        """The redis:// address of one numbered database; of an external server, as it was given."""
        if not self._external_url:
            return f"redis://{LOOPBACK}:{self.port}/{db}"
        if db == 0:
            return self._external_url
        scheme, _, rest = self._external_url.partition("://")
        return f"{scheme}://{rest.split('/')[0].split('?')[0]}/{db}"

    @property
    def pid(self) -> int | None:
        """The server's process; None while nothing of ours runs."""
        return None if self._process is None else self._process.pid

    def stop(self) -> None:
        """Stop cleanly: the append-only file, if any, is written out first."""
        if self._process is not None:
            stop_child(self._process, signal.SIGTERM, patience_seconds=STOP_SECONDS)
            self._process = None
            self._note.unlink(missing_ok=True)
        self._lock.release()

    def remove(self) -> None:
        """Stop, and delete the data."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

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
        program = valkey_program()
        self.data.mkdir(parents=True, exist_ok=True)
        _stop_server_of_an_earlier_run(self._note, self.data)
        for attempt in range(_ATTEMPTS):
            if not self._fixed_port:
                self.port = free_port()
            with self._log.open("ab") as log:
                self._process = spawn([program, *self._options()], output=log)
            self._note.write_text(json.dumps({"pid": self._process.pid, "port": self.port}))
            if self._is_ready(last_attempt=attempt == _ATTEMPTS - 1):
                return

    def _options(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": LOOPBACK,
            "dir": str(self.data),
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _is_ready(self, *, last_attempt: bool) -> bool:
        process = self._process
        assert process is not None  # noqa: S101  set by the caller one line before
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                if last_attempt or self._fixed_port:
                    raise ServerFailed(
                        f"Valkey did not start: {last_words(self._log)} (see {self._log})"
                    )
                return False
            if _server_pid(self.port, self.data) == process.pid:
                return True
            time.sleep(_POLL_SECONDS)
        raise ServerFailed(f"Valkey is not ready after {START_SECONDS} s (see {self._log})")


def _stop_server_of_an_earlier_run(note: Path, data: Path) -> None:
    try:
        left = json.loads(note.read_text())
        pid, port = int(left["pid"]), int(left["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    # Only a server that answers there, keeps this very folder and has that pid is ours to stop.
    if is_alive(pid) and _server_pid(port, data) == pid:
        stop_stranger(pid, signal.SIGTERM, patience_seconds=STOP_SECONDS)
    note.unlink(missing_ok=True)


def _server_pid(port: int, data: Path) -> int | None:
    """The process that answers on the port and keeps this folder; None for anything else."""
    client = Redis(
        host=LOOPBACK,
        port=port,
        socket_timeout=1,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    with contextlib.closing(client), contextlib.suppress(RedisError):
        client.ping()  # refused while the log of writes is read back
        folder = client.config_get("dir")["dir"]
        if folder and Path(folder).resolve() == data.resolve():
            return int(client.info("server")["process_id"])
    return None
