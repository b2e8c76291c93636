"""The Stripe emulator's process as a test speaks to it."""

from typing import Any
from urllib.parse import quote, urlsplit

from tests.stack.http_client import Answer, HttpClient


class Psp:
    """What the PSP knows, and what goes wrong there."""

    def __init__(self, url: str, api_key: str) -> None:
        self._client = HttpClient(url)
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def fault(self, kind: str, *, times: int = 1, seconds: float = 0, operation: str = "*") -> None:
        """Let something go wrong with the next calls or webhooks."""
        body = {"operation": operation, "kind": kind, "times": times, "seconds": seconds}
        answer = self._client.post("/_faults", body)
        assert answer.status == 200, answer.body

    def fault_authorizations(self, kind: str, *, times: int = 1, seconds: float = 0) -> None:
        """Let something go wrong with the next holds."""
        self.fault(kind, times=times, seconds=seconds, operation="payment_intents.create")

    def forget_faults(self) -> None:
        self._client.send("DELETE", "/_faults", None)

    def waiting_faults(self) -> list[dict[str, Any]]:
        """Troubles that have not happened."""
        return list(self._client.get("/_faults").json["faults"])

    def intents(self, checkout_uuid: str) -> list[dict[str, Any]]:
        """Every payment intent made for a checkout, whatever became of it."""
        query = quote(f'metadata["checkout_id"]:"{checkout_uuid}"')
        answer = self._client.get(f"/v1/payment_intents/search?query={query}", self._headers)
        assert answer.status == 200, answer.body
        return list(answer.json["data"])

    def open_page(self, url: str) -> Answer:
        """What a shopper's browser would show."""
        return self._client.get(urlsplit(url).path)

    def approve(self, url: str) -> Answer:
        """What the button on that page does."""
        return self._client.post(f"{urlsplit(url).path}/approve")

    def has_told_everything(self) -> bool:
        """Whether no webhook is on its way."""
        return bool(self._client.get("/_test/state").json["webhooks_idle"])

    def close(self) -> None:
        self._client.close()
