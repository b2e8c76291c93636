"""A list of twenty costs as many statements as a list of one, and so does an order of as many
lines."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Address, ApiKey, Merchant, Role
from app.catalog.models import Category, Sku
from app.documents.models import Invoice
from app.orders.models import Order, OrderItem, Return, ReturnItem
from app.orders.states import OrderState
from app.payments.models import Payment, Refund, RefundItem
from app.platform.ids import decode, new_id
from app.reviews.models import Review
from app.reviews.states import ReviewStatus
from app.saga.models import Incident, SagaJournal
from app.saga.states import JournalEvent, SagaState
from app.shipping.models import Shipment, ShipmentItem, TrackingEvent
from app.shipping.states import ShipmentStatus, TrackingStatus
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey
from tests.api.asking import ask, by, operations, sending, sent, word
from tests.api.people import Person, Street
from tests.factories import (
    ADDRESS,
    make_checkout,
    make_coupon,
    make_merchant,
    make_order,
    make_shipping_rate,
    make_sku,
    make_tax_rate,
    make_user,
    make_warehouse,
)
from tests.statements import statements

MANY = 20


@dataclass(frozen=True)
class World:
    """A street, and one order of its customer that was sent."""

    shop: Street
    ids: Mapping[str, str]

    def id(self, kind: str, name: str) -> UUID:
        """The key behind a public id."""
        return decode(kind, self.ids[name])

    def person(self, who: str) -> Person:
        """Somebody who knows the order."""
        return by(who, lambda _: dict(self.ids))(self.shop)

    @property
    def order_id(self) -> UUID:
        """The order's key."""
        return self.id("ord", "order_id")

    @property
    def merchant_id(self) -> UUID:
        """Whose boots were bought."""
        return self.shop.sku.merchant_id

    @property
    def user_id(self) -> UUID:
        """Who bought them."""
        return decode("usr", self.shop.people["customer"].ids["user_id"])


Row = Callable[[Session, World], object]


@dataclass(frozen=True)
class Grown:
    """Who lists, what makes one row more, and where in the answer the rows are."""

    who: str
    row: Row
    rows: Callable[[Any], list[Any]] = lambda answer: list(answer["data"])


def _merchant(session: Session, world: World) -> Merchant:
    return session.get_one(Merchant, world.merchant_id)


def _sku(session: Session, world: World) -> Sku:
    return make_sku(session, merchant=_merchant(session, world), stock=1)


def _saga(step: str) -> dict[str, Any]:
    return {"state": SagaState.CONFIRMED, "step": step, "deadline": func.shop_now()}


def _order(session: Session, world: World) -> Order:
    checkout = make_checkout(session, user_id=world.user_id, state=SagaState.CONFIRMED)
    number = {"number": word(), "state": OrderState.CONFIRMED, "user_id": world.user_id}
    order = make_order(session, checkout=checkout, **number)
    item = _unit(world, order.id) | {"merchant_id": world.merchant_id, "price_snapshot": 4_200}
    session.add(OrderItem(**item, name="Boot", code="B"))
    return order


def _unit(world: World, order_id: UUID) -> dict[str, Any]:
    return {"order_id": order_id, "line": 1, "sku_id": world.shop.sku.id, "qty": 1}


def _shipment(session: Session, world: World) -> None:
    parcel = Shipment(
        id=new_id(), order_id=world.order_id, merchant_id=world.merchant_id, amount=0,
        warehouse_id=world.id("whs", "warehouse_id"), status=ShipmentStatus.SHIPPED,
        carrier="table", service="standard", currency="EUR", actor="test", **_saga("notify"),
    )  # fmt: skip
    session.add(parcel)
    session.flush()
    session.add(ShipmentItem(shipment_id=parcel.id, **_unit(world, world.order_id)))
    _heard(session, parcel.id)


def _heard(session: Session, shipment_id: UUID) -> None:
    event = {"carrier": "table", "event_id": word(), "status": TrackingStatus.IN_TRANSIT}
    session.add(TrackingEvent(shipment_id=shipment_id, happened_at=func.shop_now(), **event))


def _refund(session: Session, world: World) -> None:
    paid = select(Payment.id).where(Payment.order_id == world.order_id)
    refund = Refund(
        id=new_id(), order_id=world.order_id, merchant_id=world.merchant_id, amount=1,
        payment_id=session.scalars(paid).one(), currency="EUR", reason="so", actor="test",
        idempotency_key=word(), **_saga("settle"),
    )  # fmt: skip
    session.add(refund)
    session.flush()
    session.add(RefundItem(refund_id=refund.id, amount=1, **_unit(world, world.order_id)))
    done = {"event": JournalEvent.SUCCEEDED, "attempt": 1, "step": "repay"}
    session.add(SagaJournal(saga_kind="refund", saga_id=refund.id, **done))


def _return(session: Session, world: World) -> None:
    back = Return(
        id=new_id(), order_id=world.order_id, merchant_id=world.merchant_id, reason="size",
        actor="test", **_saga("refund"),
    )  # fmt: skip
    session.add(back)
    session.flush()
    session.add(ReturnItem(return_id=back.id, reason="size", **_unit(world, world.order_id)))


def _invoice(session: Session, world: World) -> None:
    seller = make_merchant(session)
    about = {"order_id": world.order_id, "total": 1, "currency": "EUR", "number": 1}
    figures = {"number": "000001", "totals": {"tax": 0}}
    session.add(Invoice(merchant_id=seller.id, figures=figures, **about))


def _review(status: ReviewStatus, *, of_customer: bool = False) -> Row:
    def row(session: Session, world: World) -> None:
        product = world.shop.sku.product_id
        if of_customer:
            product = _sku(session, world).product_id
        writer = world.user_id if of_customer else make_user(session).id
        session.add(Review(product_id=product, user_id=writer, rating=4, status=status))

    return row


def _api_key(session: Session, world: World) -> None:
    key = {"name": "Robot", "prefix": word(), "key_hash": "!", "scopes": ["stock:read"]}
    session.add(ApiKey(merchant_id=world.merchant_id, **key))


def _category(session: Session, _world: World) -> None:
    name = word()
    session.add(Category(slug=name, name=name, path=name))


def _saga_of_each_kind(session: Session, world: World) -> None:
    waiting = {"step": "authorize", "deadline": func.shop_now() + timedelta(days=1)}
    make_checkout(session, state=SagaState.PARKED, **waiting)


GROWN: dict[str, Grown] = {
    "list_addresses": Grown(
        "customer", lambda s, w: s.add(Address(user_id=w.user_id, address=ADDRESS))
    ),
    "list_api_keys": Grown("merchant", _api_key),
    "list_all_coupons": Grown("ops", lambda s, w: make_coupon(s, merchant_id=w.merchant_id)),
    "list_categories": Grown("nobody", _category),
    "list_coupons": Grown("merchant", lambda s, w: make_coupon(s, merchant_id=w.merchant_id)),
    "list_incidents": Grown("ops", lambda s, _: s.add(Incident(kind="test", subject=word()))),
    "list_invoices": Grown("customer", _invoice),
    "list_merchant_returns": Grown("merchant", _return),
    "list_merchants": Grown("ops", lambda s, _: make_merchant(s)),
    "list_orders": Grown("customer", _order),
    "list_own_products": Grown("merchant", _sku),
    "list_own_reviews": Grown("customer", _review(ReviewStatus.PENDING, of_customer=True)),
    "list_people": Grown(
        "merchant", lambda s, w: make_user(s, role=Role.MERCHANT, merchant_id=w.merchant_id)
    ),
    "list_products": Grown("nobody", _sku),
    "list_refunds": Grown("customer", _refund),
    "list_returns": Grown("customer", _return),
    "list_reviews": Grown("nobody", _review(ReviewStatus.PUBLISHED)),
    "list_reviews_to_moderate": Grown("ops", _review(ReviewStatus.PENDING)),
    "list_sagas": Grown("ops", _saga_of_each_kind),
    "list_shipments": Grown("customer", _shipment),
    "list_shipping_rates": Grown(
        "merchant", lambda s, w: make_shipping_rate(s, merchant=_merchant(s, w))
    ),
    "list_shipping_zones": Grown(
        "merchant", lambda s, w: make_shipping_rate(s, merchant=_merchant(s, w))
    ),
    "list_sold_orders": Grown("merchant", _order),
    "list_stock": Grown("merchant", _sku),
    "list_tax_rates": Grown(
        "merchant", lambda s, w: make_tax_rate(s, merchant_id=w.merchant_id, country="IS")
    ),
    "list_warehouses": Grown("merchant", lambda s, w: make_warehouse(s, merchant_id=w.merchant_id)),
    "get_order": Grown("customer", _shipment, lambda order: order["shipments"]),
    "show_sold_order": Grown("merchant", _shipment, lambda order: order["shipments"]),
    "get_checkout": Grown("customer", _shipment, lambda seen: seen["order"]["shipments"]),
    "get_shipment": Grown(
        "customer",
        lambda s, w: _heard(s, w.id("shp", "shipment_id")),
        lambda parcel: parcel["tracking"],
    ),
    "track_parcel": Grown(
        "nobody",
        lambda s, w: _heard(s, w.id("shp", "shipment_id")),
        lambda parcel: parcel["tracking"],
    ),
    "export_account": Grown("customer", _order, lambda told: told["orders"]),
}
STATIC = {"list_letter_templates"}  # as many as there are kinds of letters


@pytest.fixture(scope="module")
def world(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One for all of them; each adds rows of its own kind."""
    with sending(postgres, valkey, tmp_path_factory.mktemp("files"), is_audited=False) as shop:
        yield World(shop, by("merchant", sent)(shop).ids)


@pytest.mark.parametrize("name", GROWN)
def test_a_list_of_twenty_costs_what_a_list_of_one_costs(world: World, name: str) -> None:
    _grow(world, GROWN[name].row, 1)
    rows, few = _seen(world, name)

    _grow(world, GROWN[name].row, MANY)
    more, many = _seen(world, name)

    assert len(rows) >= 1
    assert len(more) == len(rows) + MANY
    assert len(many) == len(few), "\n".join(many)


def test_no_list_is_left_out(world: World) -> None:
    assert {
        name for name in operations(world.shop.client) if name.startswith("list_")
    } - STATIC <= set(GROWN)


def _grow(world: World, row: Row, rows: int) -> None:
    with world.shop.wired.db.transaction() as session:
        for _ in range(rows):
            row(session, world)


def _seen(world: World, name: str) -> tuple[list[Any], list[str]]:
    grown = GROWN[name]
    with statements(world.shop.wired.db) as sql:
        answer = ask(name, world.person(grown.who), query="?limit=100")
    assert answer.status_code == 200, answer.json
    return grown.rows(answer.json), sql
