"""A small door with routes of its own, behind everything the shop's doors stand behind."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema, fields
from sqlalchemy import func, select

from app import wiring
from app.accounts.models import Role, User
from app.adapters.queue.inline import InlineQueue
from app.api.schemas.fields import Qty, Text, TypeId
from app.config import Settings
from app.inventory.models import Warehouse
from app.platform import ids
from app.platform.errors import Conflict, VersionConflict
from app.platform.ids import new_id
from app.web import docs, limits
from app.web.auth import Scope, principal, public, requires
from app.web.blueprints import Api, Blueprint
from app.web.conditional import cacheable, expected_version, version_tag
from app.web.flask_app import make_app
from app.web.idempotency import idempotent, made
from app.web.limits import limit_checkouts
from app.web.pagination import Page, PageArgs, decode_cursor, page_of, paginate
from app.web.transactions import reading, transaction
from app.wiring import Providers


class Refused(Conflict):
    """A refusal with facts."""

    code = "out_of_stock"


class ShelfSchema(Schema):
    """What the trial routes read."""

    name = Text(required=True, longest=20)
    qty = Qty(load_default=1)
    order_id = TypeId("ord", load_default=None)


class AnswerSchema(Schema):
    """What they write."""

    id = TypeId("whs")
    name = fields.String()


@pytest.fixture
def door(providers: Providers) -> Flask:
    """The door with its trial routes, documented and limited like every other."""
    return make_door(providers)


@pytest.fixture
def lonely() -> Iterator[FlaskClient]:
    """Somebody at a door behind which no server answers: what is refused there was asked of
    none."""
    wired = wiring.build(
        Settings(
            database_url="postgresql+psycopg://shop@127.0.0.1:1/none",
            redis_url="redis://127.0.0.1:1/0",
            secret_key="a secret for tests, longer than 32 characters",
            password_hashing="cheapest",
            log_level="ERROR",
        ),
        queue=InlineQueue(),
    )
    wiring.use(wired)
    yield make_door(wired).test_client()
    wiring.use(None)
    wired.db.dispose()


def make_door(providers: Providers) -> Flask:
    """A door with the trial routes, for these providers."""
    app = make_app()
    api = Api(app)
    api.register_blueprint(_trial())
    docs.init_app(app, api)
    limits.init_app(app, providers.settings)
    return app


@pytest.fixture
def caller(door: Flask) -> FlaskClient:
    """Somebody at that door."""
    return door.test_client()


@pytest.fixture
def bearer(providers: Providers) -> Callable[..., dict[str, str]]:
    """Headers of somebody who signed in."""

    def make(role: Role = Role.CUSTOMER, **given: Any) -> dict[str, str]:
        user = User(id=new_id(), email="ada@example.com", role=role, merchant_id=None)
        for name, value in given.items():
            setattr(user, name, value)
        return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}

    return make


def _trial() -> Blueprint:
    trial = Blueprint("trial", __name__, url_prefix="/trial", description="Trial")
    _keep_shelves(trial)
    _sell(trial)
    _misbehave(trial)
    _show(trial)
    _tell_who(trial)
    return trial


def _keep_shelves(trial: Blueprint) -> None:
    @trial.route("/shelves", methods=["POST"])
    @requires(Scope.CART)
    @idempotent
    @trial.arguments(ShelfSchema)
    @trial.response(201, AnswerSchema)
    def add_shelf(shelf: dict[str, Any]) -> Any:
        """Keep a shelf."""
        with transaction() as session:
            row = Warehouse(name=shelf["name"], country="DE", priority=1)
            session.add(row)
            session.flush()
            if shelf["name"] == "sold out":
                raise Refused("There are none.", lines=[{"sku_id": new_id(), "left": 0}])
            if shelf["name"] == "broken":
                raise RuntimeError("a bug with password=hunter22")
        return row, 201, {"Location": f"/trial/shelves/{ids.encode('whs', row.id)}"}


def _misbehave(trial: Blueprint) -> None:
    @trial.route("/careless", methods=["POST"])
    @requires(Scope.CART)
    @idempotent
    @trial.response(201)
    def swallow() -> Any:
        """A bug: half an act, and an answer as if it were whole."""
        with suppress(Refused), transaction() as session:
            session.add(Warehouse(name="half", country="DE", priority=1))
            session.flush()
            raise Refused("There are none.")
        return {}

    @trial.route("/impatient", methods=["POST"])
    @requires(Scope.CART)
    @idempotent(wait_seconds=0.2)
    @trial.response(201)
    def hurry() -> Any:
        """Wait for a twin only briefly."""
        return {}


def _sell(trial: Blueprint) -> None:
    bought: set[str] = set()

    @trial.route("/purchases", methods=["POST"])
    @limit_checkouts
    @requires(Scope.CART)
    @idempotent(render=lambda made_id: ({"id": made_id, "state": "later"}, 202))
    @trial.arguments(ShelfSchema)
    @trial.response(202)
    def buy(shelf: dict[str, Any]) -> Any:
        """Buy, keeping the id alone."""
        if shelf["name"] == "sold out" or "last one" in bought:
            raise Refused("There are none.")
        bought.add(shelf["name"])
        with transaction() as session:
            row = Warehouse(name=shelf["name"], country="DE", priority=1)
            session.add(row)
            session.flush()
            made(ids.encode("whs", row.id))
        return {"id": ids.encode("whs", row.id), "state": "new"}


def _show(trial: Blueprint) -> None:
    @trial.route("/shelves", methods=["GET"])
    @requires(Scope.CATALOG_READ)
    @trial.arguments(PageArgs, location="query")
    @trial.response(200, page_of(AnswerSchema))
    def list_shelves(page: dict[str, Any]) -> Page[Warehouse]:
        """List shelves by id."""
        query = select(Warehouse).order_by(Warehouse.id).limit(page["limit"] + 1)
        if page["after"]:
            query = query.where(Warehouse.id > decode_cursor("shelves", page["after"])[0])
        with reading() as session:
            rows = session.scalars(query).all()
        return paginate(rows, limit=page["limit"], kind="shelves", key=lambda row: [row.id])

    @trial.route('/orders/<id(prefix="ord"):order_id>', methods=["GET"])
    @requires(public)
    @cacheable(seconds=60)
    @trial.response(200)
    def show_order(order_id: Any) -> Any:
        """Show an id."""
        return {"id": str(order_id)}

    @trial.route("/carts", methods=["PATCH"])
    @requires(public)
    @trial.response(200)
    def change_cart() -> Any:
        """Change version 3."""
        expected = expected_version()
        if expected is not None and expected != 3:
            raise VersionConflict("It has changed.", version=3)
        return {}, 200, version_tag(4)


def _tell_who(trial: Blueprint) -> None:
    @trial.route("/me", methods=["GET"])
    @requires(Scope.ORDERS_READ)
    @trial.response(200)
    def show_me() -> Any:
        """Who am I."""
        caller = principal()
        return {"kind": caller.kind, "role": caller.role, "id": caller.id}

    @trial.route("/operations", methods=["GET"])
    @requires(Scope.OPS)
    @trial.response(200)
    def operate() -> Any:
        """For ops alone."""
        return {}

    @trial.route("/sleep", methods=["GET"])
    @requires(public)
    @trial.response(200)
    def ask_the_database() -> Any:
        """Needs the database."""
        with reading() as session:
            return {"now": str(session.scalar(select(func.shop_now())))}
