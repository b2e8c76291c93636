"""The drivers play the same plan the same way, whatever they are written in."""

import itertools
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.driving import Driver, Played, choose_driver
from bench.plans import Plan, Step, Until

PYTHON = Driver((sys.executable, "-m", "bench.python_driver"), None, "")
CART = Step("POST", "/cart", body='{"sku": "{{sku}}"}', expect=(201,), save={"cart": "id"})
LOOK = Step(
    "GET",
    "/cart/{{cart}}",
    headers={"X-Key": "{{key}}"},
    save={"state": "state"},
    until=Until("state", wanted="confirmed", pending=("running",), pause_seconds=0.0),
)
BUY = Step("POST", "/buy/{{cart}}", save={"state": "state"})


class _Shop(BaseHTTPRequestHandler):
    """Makes carts; confirms each at the second look; refuses SKU `gone` with a problem."""

    protocol_version = "HTTP/1.1"
    number = itertools.count(1)
    looks: dict[str, int]
    heard: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.heard.append((self.path, body.decode()))
        if b"gone" in body:
            self._answer(409, {"code": "out_of_stock"})
        elif self.path == "/cart":
            self._answer(201, {"id": f"crt{next(self.number)}"})
        else:
            self._answer(200, {"state": "running"})

    def do_GET(self) -> None:
        looks = self.looks[self.path] = self.looks.get(self.path, 0) + 1
        self._answer(200, {"state": "confirmed" if looks == 2 else "running"})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _shop() -> Iterator[tuple[str, type[_Shop]]]:
    handler = type("Shop", (_Shop,), {"looks": {}, "heard": [], "number": itertools.count(1)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=["go", "python"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """Either driver; the compiled one where Go is installed."""
    if request.param == "python":
        return PYTHON
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    return choose_driver(tmp_path)


def _play(driver: Driver, plan: Plan, url: str, marks: list[str] | None = None) -> Played:
    return driver.play(
        plan,
        url,
        shoppers=2,
        warmup_seconds=0.1,
        seconds=0.4,
        tend=lambda: None,
        mark=(marks if marks is not None else []).append,
    )


def test_a_driver_counts_what_it_measured_and_all_that_was_done(driver: Driver) -> None:
    marks: list[str] = []

    with _shop() as (url, shop):
        played = _play(driver, Plan((CART, BUY, LOOK), {"sku": ["sku_1"]}), url, marks)

    bought = sum(path.startswith("/buy/") for path, _ in shop.heard)
    assert marks == ["begin", "end"]
    assert played.errors == {}
    assert 0 < len(played.microseconds) <= played.completed == bought
    assert played.requests == 4 * len(played.microseconds)
    assert ("/cart", '{"sku": "sku_1"}') in shop.heard


def test_a_driver_names_what_was_refused(driver: Driver) -> None:
    with _shop() as (url, _):
        played = _play(driver, Plan((CART,), {"sku": ["gone"]}), url)

    assert set(played.errors) == {"POST /cart: 409 out_of_stock"}
    assert (played.completed, played.microseconds) == (0, [])


def test_a_driver_walks_the_prelude_once_for_many_turns(driver: Driver) -> None:
    plan = Plan((BUY,), {"sku": ["sku_1"]}, prelude=(CART,), prelude_every=1_000_000)

    with _shop() as (url, shop):
        played = _play(driver, plan, url)

    assert played.completed > 2
    assert sum(path == "/cart" for path, _ in shop.heard) == 2  # one a shopper
