"""Invoices and ratings that do not add up are found, each by its own check and no other."""

from typing import Any

import pytest
from sqlalchemy import update

from app.catalog.models import Sku
from app.documents import service as documents
from app.operations.breaches import Breach
from app.operations.invariants.documents import DOCUMENTS
from app.operations.invariants.reviews import REVIEWS
from app.payments.models import RefundItem
from app.platform.db import Database, ShopSession
from app.reviews import service as reviews
from app.reviews.service import ReviewDraft
from tests.documents.trade import pay, refund, sell, send
from tests.factories import make_sku, make_user

pytestmark = pytest.mark.unaudited

CHECKS = (*DOCUMENTS, *REVIEWS)
Names = dict[str, Any]


@pytest.fixture
def traded(db: Database) -> Names:
    """Three invoices of one merchant, one of another, and a published review."""
    with db.transaction() as session:
        boot, lamp = make_sku(session, price=5_000), make_sku(session, price=3_333)
        user = make_user(session)
        both = sell(session, (boot, 1), (lamp, 2), user_id=user.id, discount=101)
        others = [sell(session, (boot, 1)) for _ in range(2)]
        send(session, both, boot.merchant_id)
        for order in (both, *others):
            pay(session, order)
            documents.issue_due(session, order.id)
        review = _publish(session, boot, user.id)
    return {
        "order": both.id, "merchant": boot.merchant_id, "product": boot.product_id,
        "review": review,
    }  # fmt: skip


def _publish(session: ShopSession, sku: Sku, user_id: Any) -> Any:
    written = reviews.write(
        session, sku.product_id, user_id=user_id, merchant_id=None, draft=ReviewDraft(4)
    )
    return reviews.publish(session, written.id, moderator="user:ops").id


def _breaches(session: ShopSession) -> list[Breach]:
    return [breach for check in CHECKS for breach in check(session, 100)]


def _after(db: Database, statement: str, names: Names) -> list[Breach]:
    with db.engine.connect() as connection, ShopSession(connection) as session:
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(statement, names)
        return _breaches(session)


def test_what_was_issued_and_published_breaks_nothing(db: Database, traded: Names) -> None:
    with db.reading() as session:
        assert _breaches(session) == []


def test_units_that_are_never_sent_are_missing_from_no_invoice(db: Database) -> None:
    with db.transaction() as session:
        sku = make_sku(session, price=3_333)
        order = sell(session, (sku, 5), discount=101)
        payment = pay(session, order, taken=order.total * 3 // 5)
        refund(session, payment, amount=0, unshipped=order.items)
        session.execute(update(RefundItem).values(qty=2, unshipped=2))
        send(session, order, sku.merchant_id)
        (invoice,) = documents.issue_due(session, order.id)
        names = {"order": order.id}

    assert invoice.total < order.total
    with db.reading() as session:
        assert _breaches(session) == []
    (breach,) = _after(db, "UPDATE order_items SET price_snapshot = price_snapshot + 1", names)
    assert breach.name == "invoices_unlike_order"


SPOILED: dict[str, tuple[str, set[tuple[int, str]]]] = {
    "an invoice that is gone": (
        "DELETE FROM invoices WHERE merchant_id = %(merchant)s AND number = 2",
        {(11, "invoice_numbers_with_gap")},
    ),
    "a number left out": (
        "UPDATE invoices SET number = 9 WHERE merchant_id = %(merchant)s AND number = 3",
        {(11, "invoice_numbers_with_gap")},
    ),
    "a counter set back": (
        "UPDATE invoice_counters SET last = last - 1 WHERE merchant_id = %(merchant)s",
        {(11, "invoice_numbers_with_gap")},
    ),
    "a counter that is gone": (
        "DELETE FROM invoice_counters WHERE merchant_id = %(merchant)s",
        {(11, "invoice_numbers_with_gap")},
    ),
    "a line of another price": (
        "UPDATE invoices SET figures = jsonb_set(figures, '{lines,0,total}', '1')"
        " WHERE merchant_id = %(merchant)s AND number = 2",
        {(5, "invoice_figures_wrong")},
    ),
    "a tax of another amount": (
        "UPDATE invoices SET figures = jsonb_set(figures, '{taxes,0,tax}', '1')"
        " WHERE merchant_id = %(merchant)s AND number = 2",
        {(5, "invoice_figures_wrong")},
    ),
    "invoices that bill more than the order": (
        "UPDATE orders SET total = total - 1, items_total = items_total - 1 WHERE id = %(order)s",
        {(5, "invoices_unlike_order")},
    ),
    "an order that costs more than its invoices": (
        "UPDATE orders SET total = total + 1, items_total = items_total + 1 WHERE id = %(order)s",
        {(5, "invoices_unlike_order")},
    ),
    "a rating of its own": (
        "UPDATE products SET rating = 5 WHERE id = %(product)s",
        {(12, "rating_unlike_reviews")},
    ),
    "a rating nobody gave": (
        "UPDATE products SET rating_count = 17 WHERE id = %(product)s",
        {(12, "rating_unlike_reviews")},
    ),
    "a review that is gone": (
        "DELETE FROM reviews WHERE id = %(review)s",
        {(12, "rating_unlike_reviews")},
    ),
    "a review hidden by nobody": (
        "UPDATE reviews SET status = 'pending' WHERE id = %(review)s",
        {(12, "rating_unlike_reviews")},
    ),
    "a review of what was never bought": (
        "UPDATE reviews SET user_id = gen_random_uuid() WHERE id = %(review)s",
        {(12, "review_without_purchase")},
    ),
}


@pytest.mark.parametrize(("statement", "broken"), SPOILED.values(), ids=SPOILED)
def test_what_does_not_add_up_is_found_and_nothing_else(
    db: Database, traded: Names, statement: str, broken: set[tuple[int, str]]
) -> None:
    found = _after(db, statement, traded)

    assert {(breach.invariant, breach.name) for breach in found} == broken
    assert all(breach.detail for breach in found)
    assert {breach.subject[:4] for breach in found} <= {"mer_", "inv_", "ord_", "prd_", "rev_"}
