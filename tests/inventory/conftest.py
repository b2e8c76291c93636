"""A shop with one product on sale, people on their way to buy it, and the gate before them."""

from collections.abc import Collection, Mapping
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.checkout.models import Checkout
from app.inventory import service
from app.inventory.gate import Gate
from app.inventory.models import Inventory
from app.inventory.ports import Pending
from app.inventory.queries import imbalances
from app.inventory.service import Shortage, Want
from app.platform.db import Database, ShopSession
from app.platform.ids import new_id
from app.platform.redis import ShopRedis
from app.saga.states import Direction, SagaState
from tests.factories import ADDRESS, make_sku

ADMISSION_SECONDS = 60


class CheckoutDemand:
    """Live checkouts before their reservation, straight from their table."""

    def pending(
        self, session: ShopSession, sku_ids: Collection[UUID], admission_ids: Collection[UUID]
    ) -> Pending:
        waiting = session.scalars(
            select(Checkout.lines).where(
                Checkout.state == SagaState.RUNNING,
                Checkout.direction == Direction.FORWARD,
                Checkout.step == "reserve",
            )
        )
        qty: dict[UUID, int] = {}
        for line in (line for lines in waiting for line in lines):
            sku_id = UUID(line["sku_id"])
            qty[sku_id] = qty.get(sku_id, 0) + line["qty"]
        known = session.scalars(select(Checkout.id).where(Checkout.id.in_(admission_ids)))
        return Pending(qty={s: qty.get(s, 0) for s in sku_ids}, known=set(known))


def add_checkout(session: ShopSession, lines: Mapping[UUID, int], **given: object) -> UUID:
    """A checkout that waits for its reservation; gives its id."""
    values = {
        "cart_id": new_id(),
        "email": "ada@example.com",
        "currency": "EUR",
        "lines": [{"sku_id": str(sku_id), "qty": qty} for sku_id, qty in lines.items()],
        "address": ADDRESS,
        "payment_method_token": "pm_card_visa",
        "digest": "d",
        "step": "reserve",
        "deadline": func.shop_now(),
    }
    checkout = Checkout(**values | given)
    session.add(checkout)
    session.flush()
    return checkout.id


def go_on(session: ShopSession, checkout_ids: Collection[UUID]) -> None:
    """Let checkouts pass on from `reserve`, as the engine does in the same transaction."""
    session.execute(update(Checkout).where(Checkout.id.in_(checkout_ids)).values(step="price"))


def fail(session: ShopSession, checkout_ids: Collection[UUID]) -> None:
    """End checkouts that could not reserve."""
    session.execute(
        update(Checkout).where(Checkout.id.in_(checkout_ids)).values(state=SagaState.FAILED)
    )


def balances(db: Database, sku_id: UUID) -> list[tuple[int, int]]:
    """(available, reserved) by warehouse, sorted."""
    with db.reading() as session:
        rows = session.execute(
            select(Inventory.stock_available, Inventory.stock_reserved).where(
                Inventory.sku_id == sku_id
            )
        ).all()
    return sorted((row[0], row[1]) for row in rows)


def contradictions(db: Database) -> list[object]:
    """Whatever in the books does not add up."""
    with db.reading() as session:
        return list(imbalances(session))


def new_sku(db: Database, *, stock: int) -> UUID:
    """A committed SKU with so many units in its merchant's warehouse."""
    with db.transaction() as session:
        return make_sku(session, stock=stock).id


def counter(redis: ShopRedis, sku_id: UUID, group: int = 0) -> int | None:
    """What the first gate would admit; None when it is not loaded."""
    value = redis.get(f"{{g{group}}}:free:{sku_id}")
    return None if value is None else int(value)


def accept(gate: Gate, db: Database, lines: dict[UUID, int]) -> UUID:
    """Accept a checkout as the shop does: admit, commit, settle."""
    checkout_id = new_id()
    gate.admit(checkout_id, lines, ADMISSION_SECONDS)
    with db.transaction() as session:
        add_checkout(session, lines, id=checkout_id)
    gate.settle(checkout_id, list(lines))
    return checkout_id


def want(db: Database, lines: dict[UUID, int]) -> Want:
    """A committed checkout that wants these units."""
    with db.transaction() as session:
        return Want(add_checkout(session, lines), None, lines)


def reserve(db: Database, *wants: Want, seconds: int = 900) -> dict[UUID, list[Shortage]]:
    """Reserve in a transaction of its own; gives what was short by checkout."""
    with db.transaction() as session:
        return service.reserve(session, wants, seconds=seconds)


@pytest.fixture
def gate(redis: ShopRedis, db: Database) -> Gate:
    """The first gate over the emptied Valkey."""
    return Gate(redis, db, CheckoutDemand(), groups=1)
