"""IN, by the command line: `flask --app wsgi …`, a third thin door."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from click import Command
from flask import Flask
from flask.cli import AppGroup
from flask_migrate import Migrate

from app.wiring import providers

MODULES = ("seed", "events", "trace", "audit")
_MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def register(app: Flask) -> None:
    """Give the application its commands: `db` for migrations, and each module's `command`."""
    Migrate(app, providers().db, directory=str(_MIGRATIONS))
    for name in MODULES:
        if find_spec(f"app.cli.{name}") is None:
            continue
        command: Command | AppGroup = import_module(f"app.cli.{name}").command
        app.cli.add_command(command)
