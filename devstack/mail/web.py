"""The HTTP side: pages for people, JSON for tests. Loopback only."""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import urlsplit

from devstack.mail.pages import list_page, mail_page
from devstack.mail.store import Mail, Mailbox

NEWEST = 500  # as many mails as one answer holds
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'"
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HTML, _TEXT, _JSON = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json"
_ONE = re.compile(r"/(?P<json>api/)?messages/(?P<id>[0-9]{1,18})(?P<part>/html|/raw)?")
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class MailServer(ThreadingHTTPServer):
    """Shows one mailbox."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], mailbox: Mailbox) -> None:
        super().__init__(address, _Handler)
        self.mailbox = mailbox

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]


class _Handler(BaseHTTPRequestHandler):
    server: MailServer
    server_version = "CartwrightMail"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: a page that refreshes itself would fill the log."""

    def _answer(self, act: Callable[[str], None]) -> None:
        # A foreign page must not reach this server under a name of its own (DNS rebinding).
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in _HOSTS:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, _TEXT, "ask for 127.0.0.1 or localhost\n")
            return
        act(urlsplit(self.path).path)

    def _get(self, path: str) -> None:
        mailbox = self.server.mailbox
        if path == "/":
            self._send(HTTPStatus.OK, _HTML, list_page(mailbox.newest(limit=NEWEST)))
        elif path == "/api/messages":
            mails = [mail.as_json() for mail in mailbox.newest(limit=NEWEST)]
            self._send(HTTPStatus.OK, _JSON, json.dumps(mails))
        elif (found := _ONE.fullmatch(path)) and (mail := mailbox.find(int(found["id"]))):
            self._send_mail(mail, "/json" if found["json"] else found["part"] or "")
        else:
            self._send(HTTPStatus.NOT_FOUND, _TEXT, "no such mail\n")

    def _delete(self, path: str) -> None:
        if path != "/api/messages":
            self._send(HTTPStatus.NOT_FOUND, _TEXT, "only /api/messages can be emptied\n")
            return
        self.server.mailbox.clear()
        self._send(HTTPStatus.NO_CONTENT, _JSON, "")

    def _send_mail(self, mail: Mail, part: str) -> None:
        if part == "/json":
            self._send(HTTPStatus.OK, _JSON, json.dumps(mail.as_json()))
        elif part == "/html":
            self._send(HTTPStatus.OK, _HTML, mail.html, policy=_MAIL_POLICY)
        elif part == "/raw":
            self._send(HTTPStatus.OK, _TEXT, mail.raw.decode(errors="replace"))
        else:
            self._send(HTTPStatus.OK, _HTML, mail_page(mail))

    def _send(
        self, status: HTTPStatus, kind: str, body: str, *, policy: str = _PAGE_POLICY
    ) -> None:
        payload = body.encode(errors="replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(payload)
