"""One line to Stripe for a process: its client, its patience, and what its failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any

from app.adapters.payments import stripe_errors
from app.platform.metrics import PSP_REQUEST_SECONDS
from app.platform.seams import calling_out

if TYPE_CHECKING:
    from stripe import StripeClient

CONNECT_SECONDS_MAX = 5.0
CONNECTIONS_KEPT = 32
PAGE = 100  # the most Stripe lists at once


class StripeConnection:
    """Calls Stripe, never inside a transaction. The library is loaded with the first call."""

    name = "stripe"

    def __init__(
        self,
        *,
        api_key: str,
        api_base: str = "",
        webhook_secret: str = "",
        seconds_max: float = 20.0,
    ) -> None:
        self._api_key, self._api_base = api_key, api_base.rstrip("/")
        self._webhook_secret, self._seconds_max = webhook_secret, seconds_max

    def close(self) -> None:
        """Hang up; the next call connects anew."""
        self.__dict__.pop("_client", None)
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()

    def _pages(self, service: Any, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Everything a list has, newest first."""
        wanted = {"limit": PAGE, **parameters}
        while True:
            with self._looking("list"):
                page = service.list(wanted)
            yield from (thing.to_dict() for thing in page.data)
            if not page.has_more:
                return
            wanted["starting_after"] = page.data[-1].id

    @contextmanager
    def _acting(self, operation: str) -> Iterator[None]:
        with stripe_errors.of_acts(), self._called(operation):
            yield

    @contextmanager
    def _looking(self, operation: str) -> Iterator[None]:
        with stripe_errors.of_looks(), self._called(operation):
            yield

    @contextmanager
    def _called(self, operation: str) -> Iterator[None]:
        with calling_out(f"psp.{operation}"):
            began = perf_counter()
            try:
                yield
            finally:
                PSP_REQUEST_SECONDS.labels(provider=self.name, operation=operation).observe(
                    perf_counter() - began
                )

    @property
    def _intents(self) -> Any:
        return self._client.v1.payment_intents

    @property
    def _refunds(self) -> Any:
        return self._client.v1.refunds

    @cached_property
    def _client(self) -> "StripeClient":
        """One client and one pool of kept connections for the process; it never retries by
        itself."""
        import stripe

        patience = (min(CONNECT_SECONDS_MAX, self._seconds_max), self._seconds_max)
        return stripe.StripeClient(
            self._api_key,
            base_addresses={"api": self._api_base} if self._api_base else None,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=patience, session=self._session),
        )

    @cached_property
    def _session(self) -> Any:
        import requests

        session = requests.Session()
        kept = requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS_KEPT)
        session.mount("https://", kept)
        session.mount("http://", kept)
        # A proxy of the environment leads to the real Stripe, not to an address given here.
        session.trust_env = not self._api_base
        return session
