"""What goes back is told and audited: each invariant is seen to break, one row spoiled at a
time."""

from uuid import UUID

import psycopg
import pytest

from app.operations import audit
from app.operations.trace import story_of
from app.platform.ids import encode
from tests.orders.conftest import Desk

pytestmark = pytest.mark.unaudited


def _spoil(url: str, *statements: str, **names: UUID) -> None:
    """Change rows as nobody may: triggers and foreign keys look away."""
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement, names)


def _back(desk: Desk) -> dict[str, UUID]:
    """One order of which a unit was refunded and one came back, one canceled, one refunded."""
    kept, canceled, refunded = desk.buy(3), desk.buy(1), desk.buy(1)
    desk.ship(kept)
    refund_id = desk.refunded(kept, lines={1: 1}, restock=True).id
    asked = desk.ask_return(kept, {1: 1})
    desk.decide(asked)
    desk.receive(asked, {1: (1, 1)})
    desk.cancel(canceled)
    desk.work()
    desk.ship(refunded)
    desk.refunded(refunded)
    return {
        "kept": kept.id, "canceled": canceled.id, "canceled_checkout": canceled.checkout_id,
        "refunded": refunded.id, "refund": refund_id, "return": asked,
    }  # fmt: skip


BROKEN: dict[str, tuple[list[str], set[tuple[int, str]]]] = {
    "more refunded than sold": (
        ["UPDATE refund_items SET qty = 4 WHERE refund_id = %(refund)s"],
        {
            (2, "more_back_than_sold"),
            (2, "units_back_that_never_left"),
            (1, "restock_unlike_ledger"),
        },
    ),
    "units back that never left": (
        ["UPDATE shipment_items SET qty = 1 WHERE order_id = %(kept)s"],
        {(2, "units_back_that_never_left")},
    ),
    "a canceled order that holds its units": (
        [
            "UPDATE reservations SET status = 'active', expires_at = NULL"
            " WHERE checkout_id = %(canceled_checkout)s"
        ],
        {(2, "canceled_order_holds_units"), (2, "reserved_unlike_reservations")},
    ),
    "a canceled order that keeps its money": (
        ["UPDATE payments SET status = 'authorized' WHERE order_id = %(canceled)s"],
        {(3, "canceled_order_keeps_money")},
    ),
    "a cancellation nobody asked for": (
        ["DELETE FROM cancellations WHERE order_id = %(canceled)s"],
        {(3, "canceled_order_keeps_money")},
    ),
    "a refunded order whose money is not back": (
        ["UPDATE payments SET status = 'captured', refunded = 0 WHERE order_id = %(refunded)s"],
        {(5, "order_unlike_its_money")},
    ),
    "money back of an order that is not refunded": (
        ["UPDATE payments SET status = 'refunded', refunded = captured WHERE order_id = %(kept)s"],
        {(5, "order_unlike_its_money"), (3, "order_not_paid_once")},
    ),
    "a return whose units are not on the shelf": (
        ["UPDATE return_items SET restock = 0 WHERE return_id = %(return)s"],
        {(1, "restock_unlike_ledger")},
    ),
    "a refund whose units are not on the shelf": (
        ["UPDATE refund_items SET restock = false WHERE refund_id = %(refund)s"],
        {(1, "restock_unlike_ledger")},
    ),
    "a return nobody paid": (
        ["UPDATE returns SET refund_id = NULL WHERE id = %(return)s"],
        {(5, "return_without_refund")},
    ),
}


@pytest.mark.parametrize(("statements", "found"), BROKEN.values(), ids=BROKEN)
def test_what_is_spoiled_is_found(
    desk: Desk, database_url: str, statements: list[str], found: set[tuple[int, str]]
) -> None:
    names = _back(desk)
    before = audit.of_database(desk.wired.db).breaches

    _spoil(database_url, *statements, **names)

    after = audit.of_database(desk.wired.db).breaches
    assert before == ()
    assert found <= {(breach.invariant, breach.name) for breach in after}


@pytest.mark.usefixtures("audited")
def test_the_story_of_an_order_tells_what_went_back(desk: Desk) -> None:
    names = _back(desk)

    kept = story_of(desk.wired.db, encode("ord", names["kept"]))
    canceled = story_of(desk.wired.db, encode("ord", names["canceled"]))

    told = [(entry.source, entry.what) for entry in kept.entries]
    for each in [
        ("refund", "asked for"),
        ("saga", "repay of refund succeeded"),
        ("saga", "settle of refund succeeded"),
        ("return", "asked for"),
        ("saga", "receive of return succeeded"),
        ("return", "received"),
        ("stock", "return (refund)"),
        ("stock", "return (return)"),
        ("outbox", "return.refunded"),
    ]:
        assert each in told
    told = [(entry.source, entry.what) for entry in canceled.entries]
    assert ("cancel", "asked for") in told
    assert ("saga", "close of cancel succeeded") in told
    assert ("order", "canceled") in told
