"""The emulator on a port: HTTP/1.1, a thread per connection, connections kept open."""

import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from devstack.stripe.calls import Answer
from devstack.stripe.console import respond
from devstack.stripe.emulator import StripeEmulator

BODY_BYTES_MAX = 1_000_000
IDLE_SECONDS = 300.0


class RunningServer:
    """A listening emulator; `url` is what a client takes as its API base."""

    def __init__(self, emulator: StripeEmulator, host: str, port: int) -> None:
        self.emulator = emulator
        self._http = _Server((host, port), emulator)
        name = f"[{host}]" if ":" in host else host
        self.port: int = self._http.server_address[1]
        self.url = f"http://{name}:{self.port}"
        emulator.public_url = self.url
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="stripe", daemon=True
        )
        self._thread.start()

    def close(self, *, keep_emulator: bool = False) -> None:
        """Stop listening and hang up on everyone; the emulator ends too unless it is kept."""
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        if not keep_emulator:
            self.emulator.close()

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(emulator: StripeEmulator, port: int = 0, host: str = "127.0.0.1") -> RunningServer:
    """Put an emulator on a port, 0 for a free one; raises `OSError` where the port is taken."""
    return RunningServer(emulator, host, port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], emulator: StripeEmulator) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self.emulator = emulator
        self._open: dict[Any, threading.Thread | None] = {}
        self._guard = threading.Lock()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._open.pop(request, None)

    def hang_up(self) -> None:
        """Close every connection and wait for its thread."""
        with self._guard:
            connections = dict(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in connections.values():
            if thread is not None:
                thread.join(timeout=5.0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet an answer
    server: _Server

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self._body()
        if body is None:
            return
        path = self.path.partition("?")[0]
        if path.startswith("/v1/"):
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = self.server.emulator.handle(self.command, self.path, headers, body)
        else:
            answer = respond(self.server.emulator, self.command, path, body)
        self._send(answer)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        if int(length) > BODY_BYTES_MAX:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return self.rfile.read(int(length))

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(Answer(status, b'{"error": {"message": "%s"}}' % status.phrase.encode()))

    def _send(self, answer: Answer) -> None:
        if answer.cut:
            self.close_connection = True
            return
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, _one_line(value))
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the pages and counts tell."""


def _one_line(value: str) -> str:
    return value.replace("\r", "").replace("\n", "")
