"""The emulator itself: a request in, Stripe's answer out, whatever carries them."""

import secrets
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping

from devstack.stripe.acts import API_VERSION, Act, Settings, public
from devstack.stripe.authorization import authorize
from devstack.stripe.calls import Answer, Call, encoded, form_of
from devstack.stripe.cancellations import lapse
from devstack.stripe.confirmation import authenticated, processed
from devstack.stripe.errors import StripeError, rate_limited, server_error, unknown_url
from devstack.stripe.expansion import expand
from devstack.stripe.faults import CALL_KINDS, Fault, Faults
from devstack.stripe.forms import decode, missing_parameter, read
from devstack.stripe.idempotency import Keys, fingerprint_of
from devstack.stripe.intents import retrieve
from devstack.stripe.operations import find
from devstack.stripe.refunds import retrieve as refund_of
from devstack.stripe.refunds import settle
from devstack.stripe.store import Document, Store, StoredAnswer
from devstack.stripe.webhooks import Webhooks

STEP_ACTS = frozenset({"multicapture_off", "capture_expired", "processing"})


class StripeEmulator:
    """Stripe, as far as payment intents, charges, refunds and events go, with a memory.

    `data` is a SQLite file or `:memory:`; `now` is the clock that dates objects, ages idempotency
    keys and ends authorizations (seconds since 1970). Webhook signatures carry the real time.
    """

    def __init__(
        self,
        data: str = ":memory:",
        *,
        webhook_url: str | None = None,
        webhook_secret: str = "whsec_devstack",  # noqa: S107  # a test secret, shown to everyone
        search_lag: float = 0.0,
        multicapture: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.settings = Settings(multicapture=multicapture, search_lag=search_lag)
        self.now = now
        self.public_url = "http://127.0.0.1"
        self.faults = Faults()
        self.store = Store(data)
        self._keys = Keys(self.store, seconds=self.settings.key_seconds)
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._counting = threading.Lock()
        self._webhooks = (
            Webhooks(self.store, self.faults, url=webhook_url, secret=webhook_secret)
            if webhook_url
            else None
        )

    # The API

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Answer one request to `/v1/…`; header names are lower case."""
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            call = self._read(request_id, method, target, headers, body)
            answer = self._answer(call)
        except StripeError as error:
            answer = Answer(error.status, encoded({"error": error.body}), dict(error.headers))
        except Exception:  # a bug here must look like trouble at Stripe's, not hang
            traceback.print_exc(file=sys.stderr)
            answer = Answer(500, encoded({"error": server_error().body}))
        answer.headers.setdefault("Request-Id", request_id)
        answer.headers.setdefault("Stripe-Version", headers.get("stripe-version", API_VERSION))
        if headers.get("idempotency-key") and method == "POST":
            answer.headers["Idempotency-Key"] = headers["idempotency-key"]
        return answer

    def _read(
        self, request_id: str, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Call:
        authorize(headers.get("authorization"))
        path, _, query = target.partition("?")
        found = find(method, path)
        if found is None:
            raise unknown_url(method, path[:200])
        operation, identity = found
        key = (headers.get("idempotency-key") or None) if method == "POST" else None
        with self._counting:
            self._counts[operation.name, key] += 1
        tree = decode(query) if method == "GET" else decode(form_of(headers, body))
        return Call(request_id, operation, identity, path, key, tree)

    def _answer(self, call: Call) -> Answer:
        with self._keys.holding(call.key):
            faults = self.faults.take(
                CALL_KINDS, (call.operation.name,), self._metadata(call) if self.faults else {}
            )
            if "slow" in faults:
                time.sleep(faults["slow"])
            if "cut_before" in faults:
                return Answer(0, b"", cut=True)
            if "rate_limit" in faults:
                raise rate_limited()
            if "error_before" in faults:
                raise server_error()
            answer = self._replay(call) or self._execute(call, frozenset(faults))
        if "cut_after" in faults:
            return Answer(0, b"", cut=True)
        return answer

    def _replay(self, call: Call) -> Answer | None:
        kept = self._keys.answered(
            call.key,
            endpoint=call.path,
            fingerprint=fingerprint_of(call.tree),
            now=self.now(),
        )
        if kept is None:
            return None
        return Answer(
            kept.status,
            kept.body,
            {"Idempotent-Replayed": "true", "Original-Request": kept.request_id},
        )

    def _execute(self, call: Call, faults: frozenset[str]) -> Answer:
        operation = call.operation
        parameters = read(operation.parameters, call.tree)
        for name in operation.required:
            if parameters.get(name) is None:
                raise missing_parameter(name)
        act = self._act(call.operation.name, call=call, faults=faults & STEP_ACTS)
        with self.store.transaction():
            self._end_lapsed(act)
            answer = self._run(act, call, parameters)
            if "error_after" in faults:
                answer = Answer(500, encoded({"error": server_error().body}))
            if call.key is not None:
                asked = fingerprint_of(call.tree)
                self.store.keep_answer(
                    call.key,
                    StoredAnswer(
                        asked, call.path, answer.status, answer.body, call.request_id, act.now
                    ),
                )
        self._send(act)
        return answer

    def _run(self, act: Act, call: Call, parameters: Document) -> Answer:
        """Carry it out; what was kept before a refusal stays, as at Stripe (a declined intent)."""
        expansions = parameters.pop("expand", None) or []
        try:
            found = public(call.operation.run(act, call.identity, parameters))
        except StripeError as error:
            return Answer(error.status, encoded({"error": error.body}), dict(error.headers))
        expand(self.store, found, expansions)  # a refusal here undoes the act and keeps no answer
        return Answer(200, encoded(found))

    def _act(
        self, operation: str, *, call: Call | None = None, faults: frozenset[str] = frozenset()
    ) -> Act:
        return Act(
            store=self.store,
            settings=self.settings,
            now=self.now(),
            operation=operation,
            public_url=self.public_url,
            request_id=call.request_id if call else None,
            idempotency_key=call.key if call else None,
            with_webhook=self._webhooks is not None,
            faults=faults,
        )

    def _end_lapsed(self, act: Act) -> None:
        for thing in self.store.lapsed(act.now):
            if thing["object"] == "refund":
                settle(act, thing, succeeded=thing["_ends"] == "succeeded")
            else:
                lapse(act, thing)

    def _send(self, act: Act) -> None:
        if self._webhooks is not None and act.events:
            self._webhooks.send(act.events)

    def _metadata(self, call: Call) -> dict[str, str]:
        """What a fault may match on: the metadata sent, over that of the intent it is about."""
        sent = call.tree.get("metadata")
        identity = call.identity or call.tree.get("payment_intent")
        with self.store.lock:
            known = self.store.load("payment_intent", identity) if identity else None
        own = dict(known["metadata"]) if known else {}
        return {**own, **(sent if isinstance(sent, dict) else {})}

    # What a test or a person may do beside the API

    def fault(
        self,
        *,
        kind: str,
        operation: str = "*",
        times: int = 1,
        seconds: float = 0.0,
        match: dict[str, dict[str, str]] | None = None,
    ) -> None:
        """Let something go wrong with the next calls; raises `BadFault` for nonsense."""
        self.faults.add(Fault(operation, kind, times, seconds, match or {}))

    def answer_authentication(self, intent_id: str, *, approved: bool) -> Document:
        """The card's holder answers 3-D Secure; raises `StripeError` where nothing was asked."""
        act = self._act("3ds")
        with self.store.transaction():
            intent = retrieve(act, intent_id)
            authenticated(act, intent, approved=approved)
        self._send(act)
        return intent

    def answer_processing(self, intent_id: str, *, succeeded: bool) -> Document:
        """The bank answers a processing payment; raises `StripeError` where none is processing."""
        act = self._act("processing")
        with self.store.transaction():
            intent = retrieve(act, intent_id)
            processed(act, intent, succeeded=succeeded)
        self._send(act)
        return intent

    def answer_refund(self, refund_id: str, *, succeeded: bool) -> Document:
        """The bank answers a refund; raises `StripeError` where it has sent it back already."""
        act = self._act("refund")
        with self.store.transaction():
            refund = refund_of(act, refund_id)
            settle(act, refund, succeeded=succeeded)
        self._send(act)
        return refund

    def state(self) -> Document:
        """Counts of everything, for a look from outside."""
        idle = self._webhooks is None or self._webhooks.idle()
        with self.store.lock:
            return {
                "objects": self.store.counts(),
                "payment_intents": self.store.statuses(),
                "faults": self.faults.waiting(),
                "webhooks_idle": idle,
            }

    def requests(self) -> list[Document]:
        """How often each operation was called, by idempotency key."""
        with self._counting:
            return [
                {"operation": operation, "idempotency_key": key, "count": times}
                for (operation, key), times in self._counts.items()
            ]

    def recent_intents(self, limit: int = 50) -> list[Document]:
        """The newest payment intents, for people."""
        with self.store.lock:
            return list(
                self.store.select(
                    "kind = ? ORDER BY created DESC, seq DESC LIMIT ?", ("payment_intent", limit)
                )
            )

    def intent(self, intent_id: str) -> Document | None:
        """One payment intent, or nothing."""
        with self.store.lock:
            return self.store.load("payment_intent", intent_id)

    def reset(self) -> None:
        """Forget everything: objects, keys, counts, faults, webhooks on their way."""
        self.faults.clear()
        self.store.reset()
        if self._webhooks is not None:
            self._webhooks.forget()
        with self._counting:
            self._counts.clear()

    def close(self) -> None:
        """Stop the webhooks and let go of the file."""
        if self._webhooks is not None:
            self._webhooks.close()
        self.store.close()
