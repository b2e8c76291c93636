"""What one local stack is made of: its folder, its ports, its secrets, its environment."""

import json
import os
import secrets
import shutil
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.leftovers import MARK
from devstack.servers.ports import LOOPBACK, is_taken

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "cartwright-demo"  # noqa: S105  of the demo shop, printed for everyone
LOGINS = {
    role: {"email": f"{role}@demo.shop", "password": PASSWORD}
    for role in ("customer", "merchant", "ops")
}
PORTS = {"PORT": 8000, "FLOWER_PORT": 5555, "MAIL_PORT": 8025, "PSP_PORT": 12111}
_PORT_NAMES = {"PORT": "API", "FLOWER_PORT": "Flower", "MAIL_PORT": "mail", "PSP_PORT": "PSP"}
_STRIPE = ("STRIPE_API_KEY", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET")


class Refused(Exception):
    """Why the stack does not start, as one line for a person."""


@dataclass(frozen=True)
class Ports:
    """The ports a person types into a browser; 8000, 5555, 8025, 12111 unless told otherwise."""

    api: int
    flower: int
    mail: int
    psp: int


@dataclass(frozen=True)
class Stack:
    """Everything of one stack lies in `folder`; `procfile` and `stand_ins` name its processes."""

    ports: Ports
    root: Path = ROOT
    folder: Path = ROOT / ".devstack"
    procfile: Path = ROOT / "Procfile"
    stand_ins: Path = ROOT / "devstack/Procfile"
    seed: str = "flask --app wsgi seed --demo"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.folder / "log"

    @property
    def addresses(self) -> dict[str, str]:
        """What a person or `make purchase` opens, by the names of info.json."""
        api = f"http://{LOOPBACK}:{self.ports.api}"
        return {
            "api": api,
            "docs": f"{api}/docs",
            "flower": f"http://{LOOPBACK}:{self.ports.flower}",
            "mail": f"http://{LOOPBACK}:{self.ports.mail}",
            "psp": f"http://{LOOPBACK}:{self.ports.psp}",
        }


def read_ports(environment: Mapping[str, str]) -> Ports:
    """The ports, each overridable by its variable. Raises `Refused` for what is no port."""
    numbers: dict[str, int] = {}
    for variable, default in PORTS.items():
        text = environment.get(variable) or str(default)
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise Refused(f"{variable}={text} is no port: give a number from 1 to 65535.")
        if int(text) in numbers.values():
            raise Refused(f"{variable}={text} is given twice: each needs a port of its own.")
        numbers[variable] = int(text)
    return Ports(*numbers.values())


def refuse_taken_ports(ports: Ports) -> None:
    """Raise `Refused` for the first port somebody else holds."""
    held = zip(PORTS, (ports.api, ports.flower, ports.mail, ports.psp), strict=True)
    for variable, port in held:
        if is_taken(port):
            raise Refused(
                f"port {port} ({_PORT_NAMES[variable]}) is taken by another program: stop it, "
                f"or choose another port: make up {variable}={port + 1}"
            )


def read_secrets(path: Path) -> dict[str, str]:
    """The keys of this stack, made once and readable by its owner alone."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {}
    except ValueError:
        raise Refused(f"{path} is not JSON: remove it, new keys will be made.") from None
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "STRIPE_API_KEY": f"sk_test_{secrets.token_hex(24)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_urlsafe(32)}",
        "CARRIER_WEBHOOK_SECRET": f"whsec_{b64encode(secrets.token_bytes(32)).decode()}",
    }
    if missing := {name: value for name, value in made.items() if name not in kept}:
        kept |= missing
        write_json(path, kept, mode=0o600)
    return {name: str(kept[name]) for name in made}


def write_json(path: Path, value: object, *, mode: int = 0o644) -> None:
    """Replace a file as a whole: a reader sees the old one or the new one."""
    staging = path.with_name(f"{path.name}.new")
    staging.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
    staging.replace(path)


def process_environment(
    stack: Stack, *, database: str, redis: str, broker: str, smtp_port: int
) -> dict[str, str]:
    """What every process of the stack is told. What the person has set already wins."""
    metrics, beat = stack.folder / "metrics", stack.folder / "beat"
    shutil.rmtree(metrics, ignore_errors=True)  # gauges of processes that are gone
    for folder in (metrics, beat):
        folder.mkdir(parents=True, exist_ok=True)
    told = {
        **read_secrets(stack.folder / "secrets.json"),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "BROKER_URL": broker,
        "MAIL_URL": f"smtp://{LOOPBACK}:{smtp_port}",
        "STRIPE_API_BASE": stack.addresses["psp"],
        "PUBLIC_URL": stack.addresses["api"],
        "FILES_URL": (stack.folder / "files").resolve().as_uri(),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "BEAT_SCHEDULE": str(beat / "schedule"),
        "PYTHONUNBUFFERED": "1",
    }
    if "STRIPE_API_KEY" in stack.environment:  # a person's own account: none of ours beside it
        told = {name: value for name, value in told.items() if name not in _STRIPE}
    given = {name: value for name, value in stack.environment.items() if value}
    programs = os.pathsep.join((str(Path(sys.executable).parent), given.get("PATH", os.defpath)))
    return {
        **told,
        **given,
        "PORT": str(stack.ports.api),
        "FLOWER_PORT": str(stack.ports.flower),
        "MAIL_PORT": str(stack.ports.mail),
        "PSP_PORT": str(stack.ports.psp),
        "SMTP_PORT": str(smtp_port),
        "PATH": programs,
        MARK: str(stack.folder.absolute()),
    }


def command_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of it a command typed beside the running stack needs: not its ports, not its
    mark."""
    names = (
        "DATABASE_URL",
        "REDIS_URL",
        "BROKER_URL",
        "MAIL_URL",
        "PUBLIC_URL",
        "SECRET_KEY",
        "PATH",
    )
    wanted = (*names, *_STRIPE)
    return {name: environment[name] for name in wanted if name in environment}
