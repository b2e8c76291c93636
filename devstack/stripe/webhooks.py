"""Signed webhooks: events on their way to the shop, repeated until it says 2xx.

https://docs.stripe.com/webhooks#verify-manually
"""

import hashlib
import heapq
import hmac
import http.client
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from devstack.stripe.acts import public
from devstack.stripe.faults import WEBHOOK_KINDS, Faults
from devstack.stripe.store import Document, Store

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
TIMEOUT_SECONDS = 10.0
REORDER_SECONDS = 1.0  # how long a held-back event waits for one to overtake it


@dataclass(order=True)
class Delivery:
    """One event on its way; sorted by when it is due."""

    due: float
    turn: int
    event: Document = field(compare=False)
    attempt: int = field(default=0, compare=False)
    waits_for_another: bool = field(default=False, compare=False)


def signature(payload: bytes, secret: str, *, at: float) -> str:
    """The `Stripe-Signature` of a payload: `t=…,v1=…`."""
    stamp = int(at)
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256)
    return f"t={stamp},v1={signed.hexdigest()}"


class Webhooks:
    """One endpoint of the shop and the thread that delivers to it, in order unless told not to.

    Its lock is taken before the store's, never while the store's is held.
    """

    def __init__(self, store: Store, faults: Faults, *, url: str, secret: str) -> None:
        self._store, self._faults = store, faults
        self._url, self._secret = url, secret
        self._turn = count()
        self._queue: list[Delivery] = []
        self._wake = threading.Condition()
        self._closed = False
        self._connection: http.client.HTTPConnection | None = None
        for event in store.pending_events():
            self._push(event, 0.0)
        self._thread = threading.Thread(target=self._deliver_all, name="webhooks", daemon=True)
        self._thread.start()

    def send(self, events: list[Document]) -> None:
        """Put the events of one act on their way, with the trouble that waits for them."""
        with self._wake:
            for event in events:
                names = (event["type"], event["_operation"])
                metadata = event["data"]["object"].get("metadata") or {}
                trouble = self._faults.take(WEBHOOK_KINDS, names, metadata)
                held = "webhook_reorder" in trouble
                wait = trouble.get("webhook_delay", 0.0)
                if held:
                    wait += trouble["webhook_reorder"] or REORDER_SECONDS
                self._push(event, wait, held=held)
                if "webhook_repeat" in trouble:
                    self._push(event, wait + trouble["webhook_repeat"])
            self._wake.notify()

    def idle(self) -> bool:
        """Whether nothing is on its way."""
        with self._wake:
            return not self._queue

    def forget(self) -> None:
        """Drop what is on its way."""
        with self._wake:
            self._queue.clear()

    def close(self) -> None:
        """Stop delivering; what is pending stays in the store."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _push(self, event: Document, wait: float, *, held: bool = False) -> None:
        delivery = Delivery(
            time.monotonic() + wait, next(self._turn), event, waits_for_another=held
        )
        heapq.heappush(self._queue, delivery)

    def _deliver_all(self) -> None:
        while (delivery := self._next()) is not None:
            arrived = self._deliver(delivery.event)
            with self._wake:
                if self._queue and self._queue[0] is delivery:
                    heapq.heappop(self._queue)
                elif delivery in self._queue:
                    self._queue.remove(delivery)
                    heapq.heapify(self._queue)
                else:
                    continue
                self._settle(delivery, arrived=arrived)
        self._hang_up()

    def _next(self) -> Delivery | None:
        """The next delivery when it is due; it stays in the queue until it has been tried."""
        with self._wake:
            while not self._closed:
                wait = self._queue[0].due - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    return self._queue[0]
                self._wake.wait(wait)
        return None

    def _settle(self, delivery: Delivery, *, arrived: bool) -> None:
        event = delivery.event
        if not arrived and delivery.attempt < len(RETRY_SECONDS):
            wait = RETRY_SECONDS[delivery.attempt]
            delivery.due, delivery.attempt = time.monotonic() + wait, delivery.attempt + 1
            heapq.heappush(self._queue, delivery)
            return
        if not any(other.event["id"] == event["id"] for other in self._queue):
            self._store.delivered(event["id"])
        overtaken = [other for other in self._queue if other.waits_for_another]
        for other in overtaken:
            other.due, other.waits_for_another = 0.0, False
        heapq.heapify(self._queue)

    def _deliver(self, event: Document) -> bool:
        payload = json.dumps(public(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(payload, self._secret, at=time.time()),
        }
        target = urlsplit(self._url)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        try:
            connection = self._connect()
            connection.request("POST", path, payload, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return False
        if answer.will_close:
            self._hang_up()
        return 200 <= answer.status < 300

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            target = urlsplit(self._url)
            host = target.hostname or "127.0.0.1"
            if target.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(
                    host, target.port, timeout=TIMEOUT_SECONDS, context=context
                )
            else:
                self._connection = http.client.HTTPConnection(
                    host, target.port, timeout=TIMEOUT_SECONDS
                )
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
