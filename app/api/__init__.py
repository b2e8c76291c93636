"""IN, by HTTP: views translate, the core decides."""

from importlib import import_module
from importlib.util import find_spec

from flask import Flask

from app.web import docs, limits
from app.web.blueprints import Api, Blueprint
from app.wiring import providers

MODULES = ("auth", "catalog", "merchants", "carts", "checkouts", "orders", "payments", "health")


def register(app: Flask) -> None:
    """Put every route of the shop into an application, with its document and its limits."""
    api = Api(app)
    for name in MODULES:
        if find_spec(f"app.api.{name}") is None:
            continue
        module = import_module(f"app.api.{name}")
        for blueprint in _blueprints(module.__dict__):
            api.register_blueprint(blueprint)
    docs.init_app(app, api)
    limits.init_app(app, providers().settings)


def _blueprints(names: dict[str, object]) -> list[Blueprint]:
    return [thing for thing in names.values() if isinstance(thing, Blueprint)]
