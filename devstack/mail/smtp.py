"""The SMTP side: takes every mail, whoever it is for."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.mail.store import Mailbox


class _Catcher:
    """Keeps what is sent instead of delivering it (aiosmtpd's handler protocol)."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        is_new = self._mailbox.keep(envelope.mail_from or "", envelope.rcpt_tos, raw)
        return "250 caught" if is_new else "250 caught before"


async def serve_smtp(mailbox: Mailbox, *, host: str, port: int) -> asyncio.Server:
    """Listen for SMTP; port 0 takes any free one."""
    catcher = _Catcher(mailbox)
    return await asyncio.get_running_loop().create_server(
        lambda: SMTP(catcher, hostname="localhost", enable_SMTPUTF8=True, ident="Cartwright mail"),
        host,
        port,
    )
