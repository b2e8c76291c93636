"""`python -m devstack.mail --http-port 8025 --smtp-port 1025 --data FOLDER`, until SIGTERM.

Port 0 takes any free one; the ports in use are printed as one line of JSON once both listen.
"""

import argparse
import asyncio
import json
import signal
import sys
import threading
from pathlib import Path

from devstack.mail.smtp import serve_smtp
from devstack.mail.store import Mailbox
from devstack.mail.web import MailServer

HOST = "127.0.0.1"


def main() -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m devstack.mail", description=__doc__)
    parser.add_argument("--http-port", type=int, default=8025)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--data", type=Path, required=True, help="folder the mails are kept in")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(Mailbox(options.data), options.http_port, options.smtp_port))
    except OSError as error:
        print(f"mail: cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(mailbox: Mailbox, http_port: int, smtp_port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    web = MailServer((HOST, http_port), mailbox)
    smtp = await serve_smtp(mailbox, host=HOST, port=smtp_port)
    pages = threading.Thread(target=web.serve_forever, name="pages", daemon=True)
    pages.start()
    ports = {"http_port": web.server_port, "smtp_port": smtp.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await stop.wait()
    smtp.close()
    web.shutdown()
    web.server_close()


if __name__ == "__main__":
    sys.exit(main())
