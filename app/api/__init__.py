"""IN, by HTTP: views translate, the core decides."""

from flask import Flask

from app.api.account import account
from app.api.api_keys import api_keys
from app.api.auth import auth
from app.api.carts import carts
from app.api.catalog import catalog
from app.api.checkouts import checkouts
from app.api.coupons import coupons, ops_coupons
from app.api.documents import documents
from app.api.health import health
from app.api.merchant_orders import merchant_orders
from app.api.merchant_people import merchant_people
from app.api.merchants import merchants
from app.api.notifications import notifications
from app.api.ops import ops
from app.api.ops_merchants import ops_merchants
from app.api.orders import orders
from app.api.payments import psp
from app.api.rates import rates
from app.api.refunds import refunds
from app.api.returns import returns
from app.api.reviews import reviews
from app.api.schemas.examples import EXAMPLES
from app.api.settings import settings
from app.api.shipments import shipments
from app.web import docs, limits
from app.web.blueprints import Api
from app.wiring import providers

BLUEPRINTS = (
    auth,
    catalog,
    carts,
    checkouts,
    orders,
    merchants,
    psp,
    ops,
    health,
    settings,
    rates,
    coupons,
    ops_coupons,
    account,
    api_keys,
    merchant_people,
    ops_merchants,
    documents,
    reviews,
    refunds,
    returns,
    shipments,
    merchant_orders,
    notifications,
)


def register(app: Flask) -> None:
    """Put every route of the shop into an application, with its document and its limits."""
    api = Api(app, examples=EXAMPLES)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    docs.init_app(app, api)
    limits.init_app(app, providers().settings)
