"""What we send is what Stripe's own description of its API allows, byte for byte the same on a
repeat."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from app.adapters.payments.stripe import StripePayments
from app.payments.errors import OutcomeUnknown
from app.payments.ports import StoredRequest
from app.platform.clock import utc_now
from app.platform.ids import new_id
from app.platform.money import Money
from devstack.servers.ports import free_port

STRIPE_MOCK = "github.com/stripe/stripe-mock@v0.203.0"
INSTALL_SECONDS_MAX = 240


@pytest.fixture(scope="session")
def stripe_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Stripe's own check of request shapes, built where Go is at hand; gives its address."""
    if shutil.which("go") is None:
        pytest.skip("stripe-mock needs Go to be built, and there is none")
    program = _install(tmp_path_factory.mktemp("gobin"))
    url, process = _start(program)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def checked(stripe_mock: str) -> Iterator[StripePayments]:
    """The adapter, speaking to the check."""
    provider = StripePayments(api_key="sk_test_123", api_base=stripe_mock)
    yield provider
    provider.close()


def test_a_hold_is_asked_for_in_stripes_words(checked: StripePayments) -> None:
    hold = checked.authorize(_request(checked), key="key-1")

    assert hold.reference is not None  # a refused request would have none


def test_the_check_refuses_what_stripe_does_not_know(checked: StripePayments) -> None:
    spoiled = StoredRequest({**_request(checked).body, "not_a_parameter": "1"})

    hold = checked.authorize(spoiled, key="key-1")

    assert (hold.status, hold.reference) == ("declined", None)


def test_looking_voiding_and_refunding_are_asked_in_stripes_words(checked: StripePayments) -> None:
    now = utc_now()
    statuses: list[int] = []
    checked._session.hooks["response"] = lambda answer, **_: statuses.append(answer.status_code)

    checked.authorize(_request(checked), key="key-1")
    checked.retrieve("pi_123")
    checked.find(new_id(), since=now - timedelta(hours=1), until=now)
    checked.void("pi_123", key="key-2")
    checked.refund("pi_123", key="key-3")

    assert statuses == [200] * 6  # a refund looks at what it did


@pytest.mark.parametrize("final", [True, False])
def test_taking_and_giving_back_are_asked_in_stripes_words(
    checked: StripePayments, final: bool
) -> None:
    statuses: list[int] = []
    checked._session.hooks["response"] = lambda answer, **_: statuses.append(answer.status_code)

    checked.capture("pi_123", 1_000, capture_id=new_id(), final=final, key="key-1")
    checked._closed("pi_123", key="key-2")
    checked.repay("pi_123", 500, refund_id=new_id(), key="key-3")
    checked.repayments("pi_123")

    assert statuses == [200] * 4


def test_a_capture_repeated_sends_the_same_bytes() -> None:
    heard: list[tuple[object, str, bytes]] = []
    capture_id = new_id()
    with _Recorder(heard) as url:
        provider = StripePayments(api_key="sk_test_123", api_base=url)

        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                provider.capture("pi_1", 1_000, capture_id=capture_id, final=False, key="key-1")
        provider.close()

    (first, second) = heard
    assert first == second
    assert b"final_capture=false" in first[2]


def test_a_repeat_sends_the_same_bytes_over_the_kept_connection() -> None:
    heard: list[tuple[object, str, bytes]] = []
    with _Recorder(heard) as url:
        provider = StripePayments(api_key="sk_test_123", api_base=url)
        request = _request(provider)
        kept_otherwise = StoredRequest(_reversed(request.body))

        for one in (request, kept_otherwise):
            with pytest.raises(OutcomeUnknown):
                provider.authorize(one, key="key-1")
        provider.close()

    (first, second) = heard
    assert first == second
    assert first[1] == "key-1"
    assert b"capture_method=manual" in first[2]


def _request(provider: StripePayments) -> StoredRequest:
    return provider.authorization(
        Money(4_200, "EUR"),
        token="pm_card_visa",
        payment_id=new_id(),
        checkout_id=new_id(),
        order_id=new_id(),
        return_url="https://shop.example/return",
    )


def _reversed(body: dict[str, object]) -> dict[str, object]:
    return {
        name: _reversed(value) if isinstance(value, dict) else value
        for name, value in reversed(body.items())
    }


def _install(folder: Path) -> str:
    try:
        built = subprocess.run(
            ["go", "install", STRIPE_MOCK],
            env={**os.environ, "GOBIN": str(folder)},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"stripe-mock was not built within {INSTALL_SECONDS_MAX} seconds")
    if built.returncode != 0:
        said = built.stderr.strip() or "no word why"
        pytest.skip(f"stripe-mock could not be built: {said.splitlines()[-1]}")
    return str(folder / "stripe-mock")


def _start(program: str) -> "tuple[str, subprocess.Popen[bytes]]":
    """A free port may be taken before the server binds it: another one is tried then.

    It listens for HTTPS, too, on a fixed port unless it is given one.
    """
    for _ in range(5):
        address = f"127.0.0.1:{free_port()}"
        beside = f"127.0.0.1:{free_port()}"
        process = subprocess.Popen(
            [program, "-http-addr", address, "-https-addr", beside],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if _answers(f"http://{address}", process):
            return f"http://{address}", process
        process.wait()
    pytest.fail("stripe-mock ended at once, five times")


def _answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    while process.poll() is None:
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            continue
        return True
    return False


class _Recorder:
    """A server that writes down what it hears and answers 500."""

    def __init__(self, heard: list[tuple[object, str, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append((self.client_address, self.headers["Idempotency-Key"], body))
                self.send_response(500)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
