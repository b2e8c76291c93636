"""Whatever happened along the road of an order and was not told is found, fact by fact."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.catalog.models import Sku
from app.operations import audit, erasure
from app.operations.invariants.facts import FACTS
from app.operations.invariants.letters import LETTERS
from app.orders.models import Order
from app.orders.service import parcels
from app.orders.states import Decision
from app.platform.db import ShopSession
from app.platform.ids import new_id
from app.reviews import service as reviews
from app.reviews.service import ReviewDraft
from app.shipping.models import Shipment
from app.shipping.ports import CarrierEvent
from app.shipping.states import TrackingStatus
from tests.factories import make_user
from tests.orders.conftest import Bought, Desk, ahead, desk, psp, settings, shop, till

__all__ = ["ahead", "desk", "psp", "settings", "shop", "till"]

MONTHS = 61 * 24 * 3600
Names = dict[str, Any]


@pytest.fixture
def road(desk: Desk) -> Names:
    """Orders that went every road there is, a review, and somebody who is gone."""
    sent, canceled, refused = desk.buy(3), desk.buy(1), desk.buy(1)
    first = desk.ship(sent, {1: 1})
    desk.ship(sent)
    _tell_of(desk, first)
    desk.cancel(canceled)
    desk.work()
    back = _returns(desk, sent)
    desk.ship(refused)
    desk.refunded(sent, amount=100)
    failed = _refuse(desk, refused)
    return {
        "sent": sent.id, "sent_checkout": sent.checkout_id, "canceled": canceled.id,
        "parcel": first, "failed": failed, "sku": desk.shop.sku.id,
        "review": _review(desk, sent), "gone": _erase(desk), **back,
    }  # fmt: skip


def _tell_of(desk: Desk, parcel: UUID) -> None:
    """The carrier has it, then its merchant knows that it arrived."""
    with desk.wired.db.transaction() as session:
        number = session.get_one(Shipment, parcel).tracking_number
    now = datetime.now(UTC)
    event = CarrierEvent("e1", str(number), TrackingStatus.IN_TRANSIT, now)
    with desk.wired.db.transaction() as session:
        parcels.hear(session, "table", event)
    with desk.wired.db.transaction() as session:
        parcels.delivered(session, parcel, merchant_id=None, actor="ops")


def _returns(desk: Desk, order: Bought) -> dict[str, UUID]:
    """One of each way a return can end."""
    refunded = desk.ask_return(order, {1: 1})
    desk.decide(refunded)
    desk.receive(refunded, {1: (1, 1)})
    refused = desk.ask_return(order, {1: 1})
    desk.decide(refused, Decision.REFUSED)
    called_off = desk.ask_return(order, {1: 1})
    desk.call_off(called_off)
    return {"refunded": refunded, "refused": refused, "called_off": called_off}


def _refuse(desk: Desk, order: Bought) -> UUID:
    """A refund of money that somebody gave back at the provider before."""
    payment = desk.payment(order)
    assert payment is not None
    desk.wired.payments.repay(str(payment.psp_ref), 5_000, refund_id=new_id(), key="elsewhere")
    return desk.refunded(order, amount=5_000).id


def _review(desk: Desk, order: Bought) -> UUID:
    with desk.wired.db.transaction() as session:
        user = make_user(session)
        session.get_one(Order, order.id).user_id = user.id
        product_id = session.scalars(select(Sku.product_id)).one()
        draft, about = ReviewDraft(5), {"user_id": user.id, "merchant_id": None}
        review = reviews.write(session, product_id, draft=draft, **about)
        return reviews.publish(session, review.id, moderator="user:ops").id


def _erase(desk: Desk) -> UUID:
    with desk.wired.db.transaction() as session:
        user = make_user(session, password_hash="-")
        erasure.erase(session, user.id, proven_hash="-")
        return user.id


def _after(desk: Desk, statement: str, names: Names) -> list[tuple[str, str]]:
    """What the audit says of facts after this, which is undone."""
    with desk.wired.db.engine.connect() as connection, ShopSession(connection) as session:
        connection.exec_driver_sql("SET session_replication_role = replica")
        changed = connection.exec_driver_sql(statement, names)
        assert changed.rowcount > 0, statement
        found = [each for check in (*FACTS, *LETTERS) for each in check(session, 100)]
    return [(each.name, each.detail) for each in found]


def _never(kind: str, **data: str) -> str:
    """Forget that this was told."""
    about = "".join(f" AND payload -> 'data' ->> '{key}' = '{is_}'" for key, is_ in data.items())
    return f"DELETE FROM outbox WHERE type = '{kind}'{about}"


UNTOLD: dict[str, tuple[str, str]] = {
    "an order that was shipped": (_never("order.shipped"), "order.shipped"),
    "a hold that was let go": (_never("payment.voided"), "payment.voided"),
    "money that was taken": (_never("payment.captured"), "payment.captured"),
    "money taken with the second parcel": (
        _never("payment.captured", captured="15490"),
        "payment.captured",
    ),
    "money that went back": (_never("payment.refunded"), "payment.refunded"),
    "units that left": (_never("stock.fulfilled"), "stock.fulfilled"),
    "units of another thing that left": (
        "UPDATE outbox SET payload = jsonb_set(payload, '{data,sku_ids}', '[]')"
        " WHERE type = 'stock.fulfilled'",
        "stock.fulfilled",
    ),
    "units that came back": (_never("stock.returned"), "stock.returned"),
    "fewer units than came back": (
        "UPDATE outbox SET payload = jsonb_set(payload, '{data,qty}', '0')"
        " WHERE type = 'stock.returned'",
        "stock.returned",
    ),
    "what a carrier told": (
        _never("shipment.tracking_updated", status="in_transit"),
        "shipment.tracking_updated",
    ),
    "that a parcel arrived": (
        _never("shipment.tracking_updated", status="delivered"),
        "shipment.tracking_updated",
    ),
    "a review that is shown": (_never("review.published"), "review.published"),
    "a person who is gone": (_never("account.erased"), "account.erased"),
    "a refund that went through": (_never("refund.settled"), "refund.settled"),
    "a refund that did not": (_never("refund.failed"), "refund.failed"),
    "a return that was refused": (_never("return.refused"), "return.refused"),
    "a return that was called off": (_never("return.canceled"), "return.canceled"),
    "a return that never came": (
        "UPDATE returns SET state = 'expired' WHERE id = %(called_off)s",
        "return.expired",
    ),
}


def test_a_road_of_which_everything_was_told_breaks_nothing(desk: Desk, road: Names) -> None:
    assert audit.of_database(desk.wired.db).breaches == ()


def test_what_nobody_was_told_of_is_found_and_nothing_else(desk: Desk, road: Names) -> None:
    for what, (statement, kind) in UNTOLD.items():
        found = _after(desk, statement, road)

        assert found, what
        assert {name for name, _ in found} <= {
            "change_not_announced", "refund_not_announced", "return_not_announced",
        }, what  # fmt: skip
        assert all(kind in detail for _, detail in found), what


def test_an_untold_fact_is_named_by_what_it_is_of(desk: Desk, road: Names) -> None:
    with desk.wired.db.engine.connect() as connection, ShopSession(connection) as session:
        connection.exec_driver_sql(_never("shipment.tracking_updated"))
        connection.exec_driver_sql(_never("review.published"))
        found = [each for check in FACTS for each in check(session, 100)]

    assert {each.subject.partition("_")[0] for each in found} == {"shp", "rev"}
