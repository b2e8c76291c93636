"""A lean HTTP client: one kept connection a thread, so that hundreds of buyers cost little."""

import http.client
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 60
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@dataclass(frozen=True)
class Answer:
    """What came back; `json` is empty where the body is no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {"data": found}

    @property
    def code(self) -> str | None:
        """The stable code of a refusal."""
        return self.json.get("code") if self.status >= 400 else None


class HttpClient:
    """Speaks JSON to one server from any number of threads."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port
        self._own = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("POST", path, body, headers)

    def send(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; a connection the server closed while it was idle is opened anew."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if data is None else {"Content-Type": "application/json"}
        kept = getattr(self._own, "connection", None)
        if kept is not None:
            try:
                return self._exchange(kept, method, path, data, {**kind, **(headers or {})})
            except _STALE:
                kept.close()
        return self._exchange(self._open(), method, path, data, {**kind, **(headers or {})})

    def close(self) -> None:
        """Hang up, whichever threads still have a connection."""
        for connection in self._opened:
            connection.close()

    def _open(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_SECONDS)
        self._own.connection = connection
        self._opened.append(connection)
        return connection

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        data: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        connection.request(method, path, data, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
