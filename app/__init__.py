"""Cartwright, the order backend that cannot oversell, cannot charge twice and cannot lose an
order."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> "Flask":
    """The web door: settings, wiring, routes. Importing this package does nothing else.

    The imports stand here because workers import this package too, and have no use for Flask.
    """
    from app import cli
    from app.api import register
    from app.web.flask_app import make_app

    app = make_app()
    register(app)
    cli.register(app)
    return app
