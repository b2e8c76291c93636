"""`python -m devstack.stripe`: the emulator as a process of its own."""

import argparse
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from urllib.parse import urlsplit

from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; answers the exit status."""
    wanted = _parser().parse_args(arguments)
    try:
        emulator = StripeEmulator(
            wanted.data,
            webhook_url=wanted.webhook_url,
            webhook_secret=wanted.webhook_secret,
            search_lag=wanted.search_lag,
            multicapture=not wanted.no_multicapture,
        )
    except sqlite3.Error as error:
        print(f"stripe emulator: cannot open {wanted.data}: {error}", file=sys.stderr)
        return 1
    try:
        server = serve(emulator, wanted.port, wanted.host)
    except OSError as error:
        emulator.close()
        print(
            f"stripe emulator: cannot listen on {wanted.host}:{wanted.port}: {error.strerror}",
            file=sys.stderr,
        )
        return 1
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"stripe emulator: {server.url}", flush=True)
    stopped.wait()
    server.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devstack.stripe", description="A stateful stand-in for Stripe's API."
    )
    parser.add_argument("--port", type=_port, required=True, help="0 for a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", default=":memory:", help="a SQLite file that keeps everything")
    parser.add_argument("--webhook-url", type=_web_address, help="where events are sent")
    parser.add_argument("--webhook-secret", default="whsec_devstack", help="signs the events")
    parser.add_argument(
        "--search-lag", type=_seconds, default=0.0, help="seconds the search lags behind"
    )
    parser.add_argument("--no-multicapture", action="store_true", help="one capture a payment")
    return parser


def _port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not a port")
    return int(value)


def _web_address(value: str) -> str:
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise argparse.ArgumentTypeError(f"{value!r} is not an http address")
    return value


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of seconds") from None
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("seconds must be 0 or more")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
