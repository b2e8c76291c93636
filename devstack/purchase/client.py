"""Requests to the shop, told with their answers."""

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from devstack.purchase.shop import PATIENCE_SECONDS, Refused

_TEXT_LENGTH_MAX = 72  # tokens and descriptions are longer than anyone wants to read
_LIST_LENGTH_MAX = 3


class Client:
    """Somebody who calls the shop."""

    def __init__(self, url: str, console: Console) -> None:
        self._url, self._console = url, console
        self._headers: dict[str, str] = {}

    def sign_in(self, email: str, password: str) -> None:
        """Get an access token and show it from now on. Raises `Refused`."""
        login = self.call("POST", "/v1/auth/login", {"email": email, "password": password})
        self._headers = {"Authorization": f"Bearer {login['access_token']}"}

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One request, shown with its answer. Raises `Refused` where it is not a success."""
        sent = {**self._headers, **(headers or {})}
        self._console.print(f"\n[bold cyan]{method}[/bold cyan] {escape(path)}")
        for name, value in sent.items():
            self._console.print(f"  [dim]{name}: {escape(short(value))}[/dim]")
        if body is not None:
            self._console.print(f"  {escape(short(body))}")
        began = time.monotonic()
        status, kind, content = send(self._url, method, path, body, sent)
        color = "green" if status < 400 else "red"
        took = f"{(time.monotonic() - began) * 1000:.0f} ms"
        self._console.print(f"  [{color}]{status}[/{color}] [dim]{took}[/dim]")
        if kind == "application/pdf":
            self._console.print(f"  {len(content)} bytes of PDF")
            return {}
        answer = parsed(content)
        self._console.print(f"  {escape(short(answer))}")
        if status >= 400 or not isinstance(answer, dict):
            raise Refused(f"{method} {path} was answered with {status}.")
        return answer


def send(
    url: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str, bytes]:
    """One request of JSON; gives the status, the media type and what came."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(
        place.hostname or "", place.port or 80, timeout=PATIENCE_SECONDS
    )
    try:
        data = None if body is None else json.dumps(body)
        kind = {} if data is None else {"Content-Type": "application/json"}
        connection.request(method, path, data, {**kind, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def parsed(content: bytes) -> Any:
    """What the JSON says; None where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def short(value: Any) -> str:
    """JSON on one line, without what nobody reads."""
    return json.dumps(_shortened(value), ensure_ascii=False) if value is not None else ""


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > _TEXT_LENGTH_MAX:
            return f"{value[: _TEXT_LENGTH_MAX - 40]}…"
        case list() if len(value) > _LIST_LENGTH_MAX:
            rest = f"… {len(value) - _LIST_LENGTH_MAX} more"
            return [*map(_shortened, value[:_LIST_LENGTH_MAX]), rest]
        case list():
            return [_shortened(each) for each in value]
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
    return value
