"""IN, by HTTP: views translate, the core decides."""

from flask import Flask

from app.api.auth import auth
from app.api.carts import carts
from app.api.catalog import catalog
from app.api.checkouts import checkouts
from app.api.health import health
from app.api.merchants import merchants
from app.api.ops import ops
from app.api.orders import orders
from app.api.payments import psp
from app.api.schemas.examples import EXAMPLES
from app.web import docs, limits
from app.web.blueprints import Api
from app.wiring import providers

BLUEPRINTS = (auth, catalog, carts, checkouts, orders, merchants, psp, ops, health)


def register(app: Flask) -> None:
    """Put every route of the shop into an application, with its document and its limits."""
    api = Api(app, examples=EXAMPLES)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    docs.init_app(app, api)
    limits.init_app(app, providers().settings)
