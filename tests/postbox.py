"""An SMTP server of the tests: keeps what it is given, or answers as it is told."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session


class Postbox:
    """What arrived, and the answer to whoever names a recipient."""

    def __init__(self) -> None:
        self.caught: list[Envelope] = []
        self.url = ""
        self._answer = ""

    def answer_recipients(self, answer: str) -> None:
        """Answer every RCPT with this line from now on; empty takes them all."""
        self._answer = answer

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self._answer:
            return self._answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.caught.append(envelope)
        return "250 caught"


@contextmanager
def postbox() -> Iterator[Postbox]:
    """A server on a free port until the block ends."""
    box, loop = Postbox(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = loop.create_server(
        lambda: SMTP(box, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
    )
    server = asyncio.run_coroutine_threadsafe(serving, loop).result(10)
    box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    await asyncio.sleep(0.05)  # connections just hung up end their handlers first
