"""IN, by the command line: `flask --app wsgi …`, a third thin door."""

import sys
from importlib import import_module
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app.platform import logging
from app.wiring import providers

MODULES = ("audit", "events", "seed", "trace")
_MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


class Commands(AppGroup):
    """The shop's commands, each loaded when it is called: a web worker has no use for them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted({*super().list_commands(ctx), *MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the module of this name."""
        if cmd_name not in MODULES:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"app.cli.{cmd_name}").command
        return command


def register(app: Flask) -> None:
    """Give the application its commands, and, where `flask` loads it, `flask db` its migrations."""
    app.cli = Commands(app.name, commands=app.cli.commands)
    if click.get_current_context(silent=True) is not None:
        # What a command answers goes to standard output alone, where a pipe can take it.
        logging.configure(providers().settings.log_level, stream=sys.stderr)
        from flask_migrate import Migrate  # with all of Alembic, which a web worker never needs

        Migrate(app, providers().db, directory=str(_MIGRATIONS))
