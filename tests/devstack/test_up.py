"""`make up`, with a shop of a few lines: starts in order, stays up, leaves nothing behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from devstack.leftovers import MARK, processes_of
from devstack.servers import EmbeddedPostgres
from devstack.servers.ports import free_port, is_taken
from devstack.stack import (
    Ports,
    Refused,
    Stack,
    process_environment,
    read_ports,
    read_secrets,
    refuse_taken_ports,
)

WEB = 'web: python -m http.server --bind 127.0.0.1 "$PORT" --directory pages'
FLOWER = 'flower: python -m http.server --bind 127.0.0.1 "$FLOWER_PORT" --directory pages'
PSP = 'psp: python -m http.server --bind 127.0.0.1 "$PSP_PORT" --directory pages'
MAIL = 'mail: python -m devstack.mail --http-port "$MAIL_PORT" --smtp-port "$SMTP_PORT"'
RUN = """
import sys
from pathlib import Path
from devstack.screen import Screen
from devstack.stack import Ports, Stack
from devstack.up import Run
folder = Path(sys.argv[1])
stack = Stack(Ports(*map(int, sys.argv[2:6])), root=folder, folder=folder / "stack",
              procfile=folder / "Procfile", stand_ins=folder / "StandIns", seed=sys.argv[6])
sys.exit(Run(stack, Screen()).run())
"""
Running = subprocess.Popen[str]


def _environment() -> dict[str, str]:
    """This process's own, without servers that somebody else runs."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return {**kept, "PYTHONPATH": str(Path.cwd())}


class Shop:
    """A tiny shop in a folder; `up()` is `make up` for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = folder / "stack"
        self.ports = Ports(*(free_port() for _ in range(4)))
        (folder / "pages").mkdir()
        for page in ("readyz", "healthcheck"):
            (folder / "pages" / page).write_text("ok")
        self.write("release: echo released >> order", WEB, FLOWER)
        mail = f'{MAIL} --data "$CARTWRIGHT_STACK/mail"'
        (folder / "StandIns").write_text(f"{PSP}\n{mail}\n")

    def write(self, *lines: str) -> None:
        (self.folder / "Procfile").write_text("\n".join(lines) + "\n")

    def up(self, seed: str = "echo seeded >> order") -> Running:
        ports = (self.ports.api, self.ports.flower, self.ports.mail, self.ports.psp)
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.folder), *map(str, ports), seed],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
        )

    def info(self, run: Running) -> dict[str, str]:
        path = self.stack / "info.json"
        if not eventually(path.exists, unless=lambda: run.poll() is not None):
            run.terminate()
            pytest.fail(f"it did not come up: {run.communicate()[0]}")
        info: dict[str, str] = json.loads(path.read_text())
        return info


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    EmbeddedPostgres(shop.stack / "postgres").remove()
    assert processes_of(shop.stack) == []


def test_the_shop_comes_up_in_order_and_tells_where_everything_is(shop):
    with shop.up() as run:
        info = shop.info(run)
        with urlopen(f"{info['api']}/readyz") as answer:
            ready = answer.read()
        run.send_signal(signal.SIGINT)
        screen, _ = run.communicate()

    assert ready == b"ok"
    assert (shop.folder / "order").read_text() == "released\nseeded\n"
    assert info["docs"] == f"http://127.0.0.1:{shop.ports.api}/docs"
    assert info["logins"]["ops"] == {"email": "ops@demo.shop", "password": "cartwright-demo"}
    assert info["pid"] == run.pid
    for word in ("PostgreSQL", "Demo shop", "Swagger UI", info["flower"], "merchant@demo.shop"):
        assert word in screen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
def test_a_signal_stops_all_of_it(shop, number, code):
    with shop.up() as run:
        info = shop.info(run)
        run.send_signal(number)
        run.communicate()

    assert run.returncode == code
    assert processes_of(shop.stack) == []
    assert not answers(info["database"], info["redis"])
    assert not (shop.stack / "info.json").exists()


def test_a_signal_while_it_starts_stops_it_too(shop):
    with shop.up(seed="touch seeding; sleep 60") as run:
        assert eventually((shop.folder / "seeding").exists)
        run.send_signal(signal.SIGINT)
        run.communicate()

    assert run.returncode == 130
    assert processes_of(shop.stack) == []


def test_a_process_killed_meanwhile_comes_back(shop):
    shop.write(WEB, FLOWER, "worker: echo $$ >> pids; sleep 60")
    with shop.up() as run:
        shop.info(run)
        pids = shop.folder / "pids"
        assert eventually(pids.exists)
        os.kill(int(pids.read_text()), signal.SIGKILL)
        is_back = eventually(lambda: len(pids.read_text().split()) == 2)
        run.terminate()
        screen, _ = run.communicate()

    assert is_back
    assert "worker │ was killed by SIGKILL; starting it again" in screen


def test_what_a_run_that_was_killed_left_behind_is_cleared_away_by_the_next(shop):
    with shop.up() as first:
        info = shop.info(first)
        write(info["database"])
        first.kill()
        first.communicate()

    with shop.up() as second:
        eventually(lambda: second.poll() is not None or rewritten(shop, first.pid))
        info = shop.info(second)
        kept = read(info["database"])
        second.terminate()
        screen, _ = second.communicate()

    assert kept == "kept", screen
    assert second.returncode == 0


def test_a_second_run_beside_a_running_one_is_refused_in_one_line(shop):
    with shop.up() as first:
        shop.info(first)
        second = shop.up()
        screen, _ = second.communicate()
        is_untouched = first.poll() is None
        first.terminate()
        first.communicate()

    assert second.returncode == 1
    assert screen == f"✗ make up is already running here (process {first.pid}).\n"
    assert is_untouched


def test_a_taken_port_is_one_line_before_anything_starts(shop):
    shop.ports = Ports(shop.ports.api, shop.ports.flower, shop.ports.mail, shop.ports.psp)
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(shop.ports.flower)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as stranger:
        assert eventually(lambda: is_taken(shop.ports.flower))
        with shop.up() as run:
            screen, _ = run.communicate()
        stranger.kill()

    assert run.returncode == 1
    assert screen.startswith(f"✗ port {shop.ports.flower} (Flower) is taken by another program: ")
    assert screen.count("\n") == 1
    assert not (shop.stack / "postgres").exists()


@pytest.mark.parametrize("part", ["release", "seed"])
def test_a_preparation_that_fails_is_one_line_and_stops_the_servers(shop, part):
    broken = "echo no such table: orders; exit 3"
    if part == "release":
        shop.write(f"release: {broken}", WEB)

    with shop.up(seed=broken) as run:
        screen, _ = run.communicate()

    assert run.returncode == 1
    assert f"ended with 3: no such table: orders (see {shop.stack}/log/{part}.log)" in screen
    assert "Traceback" not in screen


def test_a_broken_procfile_is_one_line(shop):
    shop.write("nonsense")

    with shop.up() as run:
        screen, _ = run.communicate()

    assert run.returncode == 1
    assert screen == "✗ Procfile:1: expected `name: command`, got 'nonsense'\n"


def test_keys_are_made_once_and_are_for_their_owner_alone(tmp_path):
    path = tmp_path / "secrets.json"

    first, second = read_secrets(path), read_secrets(path)

    assert first == second
    assert len(first["SECRET_KEY"]) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_process_is_told_where_the_servers_and_the_stand_ins_are(tmp_path):
    told = environment(tmp_path, {"PATH": "/bin"})

    assert told["DATABASE_URL"] == "postgresql://db"
    assert (told["REDIS_URL"], told["BROKER_URL"]) == ("redis://r/0", "redis://r/1")
    assert told["MAIL_URL"] == "smtp://127.0.0.1:2525"
    assert told["STRIPE_API_BASE"] == "http://127.0.0.1:4"
    assert told["STRIPE_API_KEY"].startswith("sk_test_")
    assert (told["PORT"], told["FLOWER_PORT"]) == ("1", "2")
    assert told[MARK] == str(tmp_path)
    assert "EVENTS_URL" not in told


def test_what_the_person_has_set_wins(tmp_path):
    told = environment(tmp_path, {"MAIL_URL": "smtp://mail.example", "EVENTS_URL": "kafka://k"})

    assert (told["MAIL_URL"], told["EVENTS_URL"]) == ("smtp://mail.example", "kafka://k")


def test_a_key_of_ones_own_never_goes_to_the_emulator(tmp_path):
    told = environment(tmp_path, {"STRIPE_API_KEY": "sk_test_mine"})

    assert told["STRIPE_API_KEY"] == "sk_test_mine"
    assert "STRIPE_API_BASE" not in told


def test_gauges_of_an_earlier_run_are_forgotten(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/gauge_1.db").touch()

    told = environment(tmp_path, {})

    assert list(Path(told["PROMETHEUS_MULTIPROC_DIR"]).iterdir()) == []


def test_the_ports_are_those_of_the_documentation_unless_told_otherwise():
    assert read_ports({}) == Ports(8000, 5555, 8025, 12111)
    assert read_ports({"PORT": "9000", "MAIL_PORT": ""}) == Ports(9000, 5555, 8025, 12111)


@pytest.mark.parametrize("text", ["x", "0", "-1", "65536", "80.5", "5555"])
def test_what_is_no_port_of_its_own_is_refused(text):
    with pytest.raises(Refused, match="PORT="):
        read_ports({"PORT": text})


def test_free_ports_are_not_refused():
    refuse_taken_ports(Ports(*(free_port() for _ in range(4))))

    assert True


def environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    return process_environment(
        Stack(Ports(1, 2, 3, 4), folder=folder, environment=given),
        database="postgresql://db",
        redis="redis://r/0",
        broker="redis://r/1",
        smtp_port=2525,
    )


def rewritten(shop: Shop, pid: int) -> bool:
    try:
        info = json.loads((shop.stack / "info.json").read_text())
    except FileNotFoundError:
        return False
    return info["pid"] != pid


def write(url: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")


def read(url: str) -> object:
    with psycopg.connect(plain(url)) as connection:
        row = connection.execute("SELECT text FROM note").fetchone()
    return row and row[0]


def answers(database: str, redis: str) -> bool:
    try:
        psycopg.connect(plain(database)).close()
    except psycopg.OperationalError:
        host, _, port = redis.partition("://")[2].partition("/")[0].partition(":")
        assert host == "127.0.0.1"
        return is_taken(int(port))
    return True


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def eventually(
    holds: Callable[[], bool], *, unless: Callable[[], bool] = lambda: False, seconds: float = 60
) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not unless():
        if holds():
            return True
        time.sleep(0.05)
    return holds()
