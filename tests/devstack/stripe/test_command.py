"""`python -m devstack.stripe`: a process that keeps what it was told."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import stripe

COMMAND = [sys.executable, "-m", "devstack.stripe"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def test_a_process_keeps_payments_and_keys_over_a_hard_stop(open_payments, tmp_path):
    data = str(tmp_path / "stripe.sqlite3")
    with running("--data", data) as (process, url):
        first = open_payments(url).authorize(key="k1")
        process.send_signal(signal.SIGKILL)

    with running("--data", data) as (_, url):
        payments = open_payments(url)
        again = payments.authorize(key="k1")

        assert again.id == first.id
        assert payments.intents.capture(first.id).status == "succeeded"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_process_stops_when_told(stop):
    with running() as (process, _):
        process.send_signal(stop)

        assert process.wait(timeout=20) == 0


def test_a_process_takes_its_settings(open_payments):
    with running("--search-lag", "60", "--no-multicapture") as (_, url):
        payments = open_payments(url)
        intent = payments.authorize(
            payment_method_options={"card": {"request_multicapture": "if_available"}}
        )

        assert payments.intents.search({"query": "amount:2000"}).data == []
        with pytest.raises(stripe.InvalidRequestError, match="multicapture"):
            payments.intents.capture(intent.id, {"final_capture": False, "amount_to_capture": 1})


def test_a_taken_port_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.startswith(f"stripe emulator: cannot listen on 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1


def test_a_file_that_cannot_be_opened_is_one_clear_line(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--port", "0", "--data", str(tmp_path)], capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr.startswith("stripe emulator: cannot open ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "x"],
        ["--port", "70000"],
        ["--port", "0", "--search-lag", "-1"],
        ["--port", "0", "--search-lag", "soon"],
        ["--port", "0", "--webhook-url", "shop"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
