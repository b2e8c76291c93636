"""A shop's webhook endpoint that remembers what it was sent and answers what it is told to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

SECRET = "whsec_shop"


class Shop:
    """Receives signed events; `answers` holds the statuses of the next answers, then 200."""

    def __init__(self) -> None:
        self.events: list[stripe.Event] = []
        self.answers: list[int] = []
        self._arrived = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1/psp/stripe/events"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def receive(self, payload: bytes, signature: str) -> int:
        event = stripe.Webhook.construct_event(payload, signature, SECRET)
        with self._arrived:
            self.events.append(event)
            status = self.answers.pop(0) if self.answers else 200
            self._arrived.notify_all()
        return status

    def wait_for(self, count: int) -> list[str]:
        """The types of the events, once there are that many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.events) >= count, timeout=20)
            return [event.type for event in self.events]

    def __enter__(self) -> "Shop":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            status = shop.receive(payload, self.headers["Stripe-Signature"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format, *args) -> None:
            """Say nothing."""

    return Handler
