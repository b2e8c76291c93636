"""Where the running shop is, and who may sign in to it."""

import json
from dataclasses import dataclass
from pathlib import Path

from devstack.health import is_healthy
from devstack.servers.processes import is_alive
from devstack.stack import ROOT

INFO = ROOT / ".devstack/info.json"
PATIENCE_SECONDS = 60


class Refused(Exception):
    """Why the road ends here, as one line for a person."""


@dataclass(frozen=True)
class Login:
    """Who signs in, and with what."""

    email: str
    password: str


@dataclass(frozen=True)
class Shop:
    """Where the running shop is, from its info.json."""

    api: str
    mail: str
    database: str
    customer: Login
    merchant: Login


def read_info(path: Path) -> Shop:
    """Where the shop is. Raises `Refused` while none is running."""
    try:
        info = json.loads(path.read_text())
        logins = {
            name: Login(info["logins"][name]["email"], info["logins"][name]["password"])
            for name in ("customer", "merchant")
        }
        shop = Shop(info["api"], info["mail"], info["database"], **logins)
        is_up = is_alive(info["pid"]) and is_healthy(f"{shop.api}/readyz")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        is_up = False
    if not is_up:
        raise Refused("No shop is running here: start it with `make up` in another terminal.")
    return shop
