"""Parcels that break an invariant are found, each by its name; and the story of an order tells
them."""

import pytest
from sqlalchemy import text

from app.operations import audit
from app.operations.trace import story_of
from app.platform.ids import encode
from app.wiring import Providers
from tests.orders import road as roads
from tests.orders.road import Road, settings

__all__ = ["settings"]


@pytest.fixture
def road(providers: Providers, queue, client, psp) -> Road:
    """A road at whose end nothing has to add up."""
    with providers.db.transaction() as session:
        roads.make_tax_rate(session)
    return Road(providers, queue, client, psp)


@pytest.fixture
def sent(road: Road) -> Road:
    """An order of two units, one of them sent, the other not; and one that is delivered."""
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 2})
    road.sent(seller, buyer, lines=[{"line": 1, "qty": 1}])
    other = road.bought({seller.skus[0].id: 1})
    parcel = encode("shp", road.sent(seller, other).id)
    seller.person.post(f"/v1/shipments/{parcel}/delivered")
    return road


SPOILT = {
    "a unit sent that was not ordered": (
        ["UPDATE shipment_items SET qty = qty + 2"],
        {(2, "parcels_beyond_order"), (2, "units_left_unlike_fulfilled")},
    ),
    "a reservation fulfilled by nobody": (
        ["UPDATE shipments SET warehouse_id = (SELECT id FROM warehouses w WHERE w.id <>"
         " shipments.warehouse_id LIMIT 1) WHERE status = 'shipped'"],
        {(2, "units_left_unlike_fulfilled")},
    ),
    "more money than the total": (
        ["UPDATE shipments SET amount = amount + 100000 WHERE status = 'shipped'"],
        {(5, "parcels_beyond_total"), (5, "units_left_unpaid")},
    ),
    "units that left for less than was taken": (
        ["UPDATE shipments SET amount = amount + 1 WHERE status = 'shipped'"],
        {(5, "units_left_unpaid")},
    ),
    "an order that is delivered and was not paid": (
        ["UPDATE shipments SET amount = 0 WHERE status = 'delivered'",
         "UPDATE payments SET captured = 1 WHERE status = 'captured'"],
        {(5, "order_sent_unpaid"), (10, "change_not_announced")},
    ),
    "an order that is not shipped, says its parcel": (
        ["UPDATE shipments SET status = 'shipped', delivered_at = NULL WHERE status = 'delivered'"],
        {(6, "order_unlike_parcels")},
    ),
    "an order that is shipped, says nobody": (
        ["UPDATE order_items SET qty = 1 WHERE qty = 2"],
        {
            (6, "order_unlike_parcels"),
            (5, "order_lines_wrong"),
            (2, "units_of_order_not_held"),
        },
    ),
    "a parcel sent by no saga": (
        ["UPDATE shipments SET state = 'failed' WHERE status = 'shipped'"],
        {(6, "parcel_unlike_saga"), (6, "saga_unlike_journal")},
    ),
    "a parcel without a number": (
        ["UPDATE shipments SET tracking_number = NULL WHERE status = 'shipped'"],
        {(6, "parcel_unlike_saga")},
    ),
    "a parcel nobody was told of": (
        ["DELETE FROM outbox WHERE type = 'shipment.created'"],
        {(10, "parcel_not_announced")},
    ),
}  # fmt: skip


def test_a_shop_that_sends_breaks_nothing(sent: Road) -> None:
    assert audit.of_database(sent.db).breaches == ()


@pytest.mark.parametrize(("statements", "expected"), SPOILT.values(), ids=SPOILT)
@pytest.mark.unaudited
def test_what_is_wrong_with_parcels_is_found(
    sent: Road, statements: list[str], expected: set[tuple[int, str]]
) -> None:
    with sent.db.transaction() as session:
        session.execute(
            text("INSERT INTO warehouses (id, name, country, address, priority)"
                 " VALUES (gen_random_uuid(), 'Nowhere', 'DE', '{}', 1)")
        )  # fmt: skip
        for statement in statements:
            session.execute(text(statement))

    found = {(each.invariant, each.name) for each in audit.of_database(sent.db).breaches}

    assert found == expected


def test_the_story_of_an_order_tells_its_parcels(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1})
    parcel = encode("shp", road.sent(seller, buyer).id)
    seller.person.post(f"/v1/shipments/{parcel}/delivered")

    story = story_of(road.db, buyer.ids["order_id"])

    told = [(entry.source, entry.what) for entry in story.entries]
    for wanted in (
        ("parcel", "asked for"),
        ("stock", "fulfil"),
        ("parcel", "shipped"),
        ("order", "shipped"),
        ("outbox", "shipment.created"),
        ("parcel", "delivered"),
        ("order", "delivered"),
    ):
        assert wanted in told
    assert any(source == "saga" and "label" in what for source, what in told)
